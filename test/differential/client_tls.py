"""TLS of a client: how it begins, and what it showed."""
import ssl

VERSIONS = {"TLSv1": ssl.TLSVersion.TLSv1, "TLSv1_1": ssl.TLSVersion.TLSv1_1, "TLSv1_2": ssl.TLSVersion.TLSv1_2,
            "TLSv1_3": ssl.TLSVersion.TLSv1_3}


def make_context(tls, certificates):
    """A context that takes any certificate: which one it was is compared instead."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if tls.version:
        # The library's own limits are above what some tables want to offer.
        context.set_ciphers(f"{tls.ciphers or 'ECDHE+AES128:ALL'}:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = VERSIONS[tls.version]
    elif tls.ciphers:
        context.set_ciphers(tls.ciphers)
    if tls.alpn:
        context.set_alpn_protocols(list(tls.alpn))
    if tls.certificate:
        context.load_cert_chain(certificates.path(f"{tls.certificate}.pem"), certificates.path(f"{tls.certificate}.key"))
    return context


def facts(tls, connection, certificates):
    """What the handshake agreed on. The cipher is compared where a table says what is offered."""
    return {"version": connection.version(), "cipher": connection.cipher()[0] if tls.version or tls.ciphers else "",
            "alpn": connection.selected_alpn_protocol(), "resumed": connection.session_reused,
            "certificate": certificates.names.get(connection.getpeercert(binary_form=True))}


def refusal(error):
    """How the gateway ended a handshake, or the connection behind it: the alert, or none."""
    if isinstance(error, (ssl.SSLEOFError, ConnectionError)):
        return "without an alert"
    return f"alert {error.reason}"
