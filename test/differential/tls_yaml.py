"""YAML of transport sockets, for the tables."""
from case import indent

INSPECTOR = """\
listener_filters:
- name: envoy.filters.listener.tls_inspector
  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector}
"""


def socket_yaml(kind, common, more):
    """A transport socket; without indentation, as a field of a filter chain or a cluster."""
    return f"""\
transport_socket:
  name: envoy.transport_sockets.tls
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.{kind}
{indent(more, 4)}
    common_tls_context:
{indent(common, 6)}
"""


def certificates(*names):
    pairs = ", ".join(f"{{certificate_chain: {{filename: $certs/{name}.pem}}, private_key: {{filename: $certs/{name}.key}}}}"
                      for name in names)
    return f"tls_certificates: [{pairs}]\n"


def downstream(common="", more="", names=("exact",)):
    return socket_yaml("DownstreamTlsContext", certificates(*names) + common, more)


def upstream(common="{}", more=""):
    return socket_yaml("UpstreamTlsContext", common, more)


def trusting(more="", authority="ca"):
    """A validation context, which trusts one of our authorities."""
    trusted = f"trusted_ca: {{filename: $certs/{authority}.pem}}" if authority else ""
    return f"validation_context: {{{', '.join(part for part in (trusted, more) if part)}}}\n"
