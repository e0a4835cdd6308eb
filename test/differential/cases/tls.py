"""TLS of clients: which certificate and protocol they get, what is refused, and which filter chain takes them."""
from case import Chain, Configuration, Tls, get, http2_get, raw
from tls_yaml import INSPECTOR, downstream

BOTH = "alpn_protocols: [h2, http/1.1]\n"
OPERATORS = "\n".join(
    f"- {{header: {{key: x-{name.lower().replace('_', '-')}, value: '%{name}%'}}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}}"
    for name in ("DOWNSTREAM_TLS_VERSION", "REQUESTED_SERVER_NAME", "DOWNSTREAM_LOCAL_SUBJECT",
                 "DOWNSTREAM_LOCAL_DNS_SAN", "DOWNSTREAM_LOCAL_URI_SAN", "DOWNSTREAM_PEER_SUBJECT"))
VERSIONS = ("TLSv1", "TLSv1_1", "TLSv1_2", "TLSv1_3")
HTTP_INSPECTOR = INSPECTOR + """\
- name: envoy.filters.listener.http_inspector
  typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.listener.http_inspector.v3.HttpInspector}
"""
GREETING = "- {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}"


CIPHER = "- {header: {key: x-cipher, value: '%DOWNSTREAM_TLS_CIPHER%'}}"


def at(sni, differs="", **options):
    return get("/", tls=Tls(sni=sni, **options), differs=differs)


def params(text):
    return f"tls_params: {{{text}}}\n"


def chain(name, match, *names, **fields):
    return Chain(name, f"filter_chain_match: {{{match}}}" if match else "", downstream(names=names or ("exact",), **fields))


def secured(name, **fields):
    """Both know the name that the client asks for: Envoy does not without the inspector."""
    return Configuration(name, **{"listener": INSPECTOR, **fields})


CONFIGURATIONS = [
    secured(
        "the cipher by the order of the server, or of the client", transport=downstream(), table=f"request_headers_to_add:\n{CIPHER}",
        requests=[at("exact.test", version="TLSv1_2"), at("exact.test", version="TLSv1_2", ciphers="CHACHA20:AESGCM"),
                  at("exact.test", version="TLSv1_2", ciphers="AESGCM+AES256:AESGCM"), at("exact.test", version="TLSv1_2", ciphers="AESGCM+AES256"),
                  at("exact.test", version="TLSv1_2", ciphers="AESGCM+AES256:CHACHA20:AESGCM", differs="cipher-order: tls upstream"),
                  at("exact.test", version="TLSv1_3", differs="cipher-order: tls upstream")]),
    secured(
        "one certificate, whatever the client asks for", transport=downstream(), table=f"request_headers_to_add:\n{OPERATORS}",
        requests=[at("exact.test"), at("other.test"), at(None), at("exact.test", version="TLSv1_2"), at("EXACT.test"),
                  at("exact.test", alpn=("h2", "http/1.1")), get("/"), at("exact.test", resumes="closed"), at("exact.test", resumes="cut"),
                  *(at("exact.test", version="TLSv1_2", resumes=how) for how in ("closed", "cut"))]),
    secured(
        "the certificate by the name that is asked for", transport=downstream(names=("fallback", "exact", "wildcard", "deep", "common")),
        requests=[at(name) for name in ("exact.test", "a.wild.test", "deep.wild.test", "a.b.wild.test", "wild.test", "common.test",
                                        "fallback.test", "unknown.test", "x.exact.test", None)] +
        [at("EXACT.TEST", differs="server-name-case: tls")]),
    secured(
        "a second hello, for another curve", transport=downstream(params("ecdh_curves: [P-384]"), names=("fallback", "exact")),
        table=f"request_headers_to_add:\n{OPERATORS}", requests=[at("exact.test"), at(None), at("exact.test", resumes="closed")]),
    secured(
        "RSA beside ECDSA", transport=downstream(names=("exact-rsa", "exact")),
        requests=[at("exact.test"), at("other.test"), at(None), at("exact.test", version="TLSv1_2", ciphers="ECDHE-RSA-AES128-GCM-SHA256"),
                  at("exact.test", version="TLSv1_2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"),
                  at("exact.test", version="TLSv1_2", ciphers="ECDHE-RSA-CHACHA20-POLY1305:ECDHE-ECDSA-CHACHA20-POLY1305"),
                  at("other.test", version="TLSv1_2", ciphers="ECDHE-RSA-AES256-GCM-SHA384")]),
    secured(
        "a full scan for the certificate of another key", transport=downstream(
            names=("exact", "wildcard", "exact-rsa"), more="full_scan_certs_on_sni_mismatch: true"),
        requests=[at("other.test", version="TLSv1_2", ciphers="ECDHE-RSA-AES128-GCM-SHA256"), at("other.test"), at("a.wild.test")]),
    secured(
        "ALPN", transport=downstream(BOTH), routes=GREETING,
        requests=[at("exact.test", alpn=("http/1.1",)), at("exact.test", alpn=("http/1.1", "h2", "x"), differs="bad-preface: end"),
                  at("exact.test", alpn=("spdy/3",)), at("exact.test"),
                  *(http2_get("/", tls=Tls(alpn=alpn), scheme="https") for alpn in (("h2",), ("http/1.1", "h2"), ())),
                  get("/", tls=Tls(alpn=("h2",)), differs="bad-preface: end")]),
    secured(
        "ALPN of HTTP/1.1 alone", transport=downstream("alpn_protocols: [http/1.1]\n"), routes=GREETING,
        requests=[at("exact.test", alpn=("h2",)), at("exact.test", alpn=("h2", "http/1.1"))]),
    secured(
        "ALPN and a connection manager of HTTP/1", transport=downstream(), hcm="codec_type: HTTP1", routes=GREETING,
        requests=[at("exact.test", alpn=("h2", "http/1.1")), at("exact.test"), http2_get("/")]),
    secured(
        "versions that are the default", transport=downstream(), routes=GREETING,
        requests=[at("exact.test", version=version) for version in VERSIONS[:3]]),
    secured(
        "a version and no other", transport=downstream(params("tls_minimum_protocol_version: TLSv1_2, tls_maximum_protocol_version: TLSv1_2")),
        routes=GREETING, requests=[at("exact.test", version=version) for version in VERSIONS] + [at("exact.test")]),
    secured(
        "TLS 1.3 alone", transport=downstream(params("tls_minimum_protocol_version: TLSv1_3")), routes=GREETING,
        requests=[at("exact.test", version="TLSv1_2"), at("exact.test")]),
    secured(
        "ciphers", transport=downstream(params("cipher_suites: [ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-ECDSA-AES128-GCM-SHA256], "
                                               "tls_maximum_protocol_version: TLSv1_2")), routes=GREETING,
        requests=[at("exact.test", version="TLSv1_2", ciphers=ciphers) for ciphers in (
            "ALL", "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305", "ECDHE-RSA-AES128-GCM-SHA256")]),
    secured(
        "the client's order of ciphers", routes=GREETING, transport=downstream(
            params("cipher_suites: [ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-ECDSA-AES128-GCM-SHA256]"), "prefer_client_ciphers: true"),
        requests=[at("exact.test", version="TLSv1_2", ciphers="ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384")]),
    secured(
        "no tickets", transport=downstream(more="disable_stateless_session_resumption: true\ndisable_stateful_session_resumption: true"),
        routes=GREETING,
        requests=[at("exact.test", resumes="cut"), at("exact.test", version="TLSv1_2", resumes="cut")]),
    secured(
        "sessions of the server's own memory", transport=downstream(more="disable_stateless_session_resumption: true"), routes=GREETING,
        requests=[at("exact.test", version="TLSv1_2", resumes="closed"), at("exact.test", resumes="closed", differs="stateful-tls13: tls"),
                  at("exact.test", version="TLSv1_2", resumes="cut", differs="cut-sessions: tls")]),
    secured(
        "filter chains by the name that is asked for", listener=INSPECTOR, routes=GREETING,
        match="filter_chain_match: {server_names: [exact.test]}", transport=downstream(),
        chains=[chain("wild", "server_names: ['*.wild.test']", "wildcard"), chain("deep", "server_names: [deep.wild.test, b.test]", "deep"),
                chain("top", "server_names: ['*.test']", "common"), chain("default", "", "fallback")],
        requests=[at(name) for name in ("exact.test", "EXACT.test", "a.wild.test", "a.b.wild.test", "deep.wild.test", "b.test", "wild.test", "x.test",
                                        "example.com", None)] + [get("/")]),
    secured(
        "filter chains by transport and application protocol", listener=INSPECTOR, routes=GREETING,
        match="filter_chain_match: {transport_protocol: raw_buffer}",
        chains=[chain("tls", "transport_protocol: tls"), chain("two", "transport_protocol: tls, application_protocols: [h2]", common=BOTH),
                chain("odd", "application_protocols: [odd, odder]", "fallback")],
        requests=[get("/"), at("exact.test"), at("exact.test", alpn=("http/1.1",)), at("exact.test", alpn=("odder",)),
                  http2_get("/", tls=Tls(alpn=("h2",)), scheme="https"), http2_get("/", tls=Tls(alpn=("http/1.1", "h2")), scheme="https"),
                  http2_get("/")]),
    secured(
        "filter chains by the HTTP that is spoken", listener=HTTP_INSPECTOR, routes=GREETING, hcm="http_protocol_options: {accept_http_10: true}",
        match="filter_chain_match: {application_protocols: [http/1.1]}",
        chains=[Chain("ten", "filter_chain_match: {application_protocols: [http/1.0]}"),
                Chain("two", "filter_chain_match: {application_protocols: [h2c]}"), chain("tls", "transport_protocol: tls")],
        requests=[get("/"), raw("GET / HTTP/1.0\nHost: h.test\n\n", differs="http-10-answers: status"), http2_get("/"),
                  at("exact.test", alpn=("http/1.1",))]),
    secured(
        "no filter chain for a connection", listener=INSPECTOR, routes=GREETING,
        match="filter_chain_match: {server_names: [exact.test]}", transport=downstream(),
        requests=[at("exact.test"), at("other.test"), at(None), get("/")]),
    secured(
        "names of chains without an inspector", listener="", routes=GREETING, match="filter_chain_match: {server_names: [exact.test]}",
        transport=downstream(),
        chains=[chain("default", "", "fallback")],
        requests=[at("exact.test", differs="server-name: log"), at("other.test", differs="server-name: log"), at(None)]),
]


def refused(name, **fields):
    return Configuration(f"refused: {name}", accepted=False, **fields)


CONFIGURATIONS += [
    refused("a key that is another certificate's", transport=downstream(names=()) .replace(
        "tls_certificates: []", "tls_certificates: [{certificate_chain: {filename: $certs/exact.pem}, private_key: {filename: $certs/deep.key}}]")),
    refused("a certificate that is not there", transport=downstream(names=("none",))),
    refused("no certificate", transport=downstream(names=())),
    refused("two chains with the same match", listener=INSPECTOR, match="filter_chain_match: {server_names: [a.test]}",
            chains=[chain("again", "server_names: [a.test]")]),
    refused("a wildcard within a name", listener=INSPECTOR, match="filter_chain_match: {server_names: ['a*.test']}"),
    refused("an unknown cipher", transport=downstream(params("cipher_suites: [NO-SUCH-CIPHER]"))),
    refused("an unknown curve", transport=downstream(params("ecdh_curves: [P-0]"))),
    Configuration("taken: a minimum above the maximum", differs="tls-versions: accepted",
                  transport=downstream(params("tls_minimum_protocol_version: TLSv1_3, tls_maximum_protocol_version: TLSv1_2"))),
    Configuration("taken: two certificates of one kind for one name", transport=downstream(names=("exact", "exact"))),
    Configuration("taken: two chains of one name", listener=INSPECTOR, transport=downstream(), chains=[
        chain("same", "server_names: [a.test]"), chain("same", "server_names: [b.test]")]),
    Configuration("taken: connections that stay while health checks fail", listener="drain_type: MODIFY_ONLY"),
    Configuration("taken: an inspector twice", listener=INSPECTOR + INSPECTOR.split("\n", 1)[1]),
]
