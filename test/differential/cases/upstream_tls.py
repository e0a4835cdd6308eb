"""TLS to upstreams: the name that is asked for, the checks of the certificate, what a failed one looks like."""
from case import CLOSE, READ, Configuration, crlf, get
from tls_yaml import certificates, trusting, upstream

AUTO = "auto_sni: true, auto_san_validation: true"


def options(http):
    """What is said of HTTP: the protocol, and how the name is chosen."""
    return f"""\
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    {http}
"""


HTTP1 = "explicit_http_config: {http_protocol_options: {}}"


def cluster(name, port, transport, http="", more="", hostname=""):
    lines = f"- name: {name}\n  connect_timeout: 1s\n  load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{{endpoint: {{" \
            f"{hostname and f'hostname: {hostname}, '}address: {{socket_address: {{address: 127.0.0.1, port_value: ${port}}}}}}}}}]}}]}}\n"
    return lines + "".join(f"  {line}\n" for line in (transport + (options(http) if http else "") + more).splitlines())


def sans(text):
    return trusting(f"match_typed_subject_alt_names: [{text}]")


def many(name, *clusters, requests=None, **fields):
    """Clusters in one configuration, each with a route of its own; one request for each."""
    names = [text.split("\n", 1)[0].removeprefix("- name: ") for text in clusters]
    routes = "\n".join(f"- {{match: {{prefix: /{one}}}, route: {{cluster: {one}}}}}" for one in names)
    return Configuration(name, routes=routes, clusters="\n".join(clusters), **fields,
                         requests=[get(f"/{one}",
                                       differs=FAILS if one.startswith("bad") else UNSPOKEN if one == "handshake-with-nobody" else "") for one in names] if requests is None else requests)


# No TLS was spoken, so that the log alone has a reason.
UNSPOKEN = "tls-failure-reasons: log"
# The reason in words is OpenSSL's, or BoringSSL's.
FAILS = "tls-failure-reasons: details log"

CONFIGURATIONS = [
    many("server names", cluster("plain", "secure", upstream()), cluster("named", "secure", upstream("{}", "sni: up.test")),
         cluster("upper", "secure", upstream("{}", "sni: UP.test")), cluster("old", "old", upstream("{}", "sni: up.test")),
         cluster("stale", "stale", upstream())),
    many("the server name of the request", cluster("auto", "secure", upstream(trusting()),
                                                   f"{HTTP1}\n    upstream_http_protocol_options: {{{AUTO}}}"),
         requests=[get("/auto", "Host: up.test"), get("/auto", "Host: a.up.test"), get("/auto", "Host: a.up.test:81"),
                   get("/auto", "Host: b.a.up.test", differs=FAILS),
                   get("/auto", "Host: other.test", differs=FAILS), get("/auto", "Host: 127.0.0.1"), get("/auto", "Host: UP.test")]),
    many("the server name of a field", cluster("auto", "secure", upstream(trusting()),
                                               f"{HTTP1}\n    upstream_http_protocol_options: {{{AUTO}, override_auto_sni_header: x-name}}"),
         requests=[get("/auto", "Host: other.test", "X-Name: up.test"), get("/auto", "Host: up.test", "X-Name: other.test", differs=FAILS),
                   get("/auto", "Host: up.test")]),
    many("the server name of the host", cluster("host", "secure", upstream(trusting(), "auto_host_sni: true\nauto_sni_san_validation: true"),
                                                hostname="a.up.test"),
         cluster("badhost", "secure", upstream(trusting(), "auto_host_sni: true\nauto_sni_san_validation: true"), hostname="other.test"),
         cluster("sni", "secure", upstream(trusting(), "sni: up.test\nauto_sni_san_validation: true")),
         cluster("badsni", "secure", upstream(trusting(), "sni: no.test\nauto_sni_san_validation: true"))),
    many("validation", cluster("trusted", "secure", upstream(trusting())),
         cluster("bad-authority", "secure", upstream(trusting(authority="other-ca"))),
         cluster("bad-expired", "stale", upstream(trusting())), cluster("expired", "stale", upstream(trusting("allow_expired_certificate: true"))),
         cluster("dns", "secure", upstream(sans("{san_type: DNS, matcher: {exact: up.test}}"))),
         cluster("wild", "secure", upstream(sans("{san_type: DNS, matcher: {exact: x.up.test}}"))),
         cluster("bad-wild", "secure", upstream(sans("{san_type: DNS, matcher: {exact: y.x.up.test}}"))),
         cluster("suffix", "secure", upstream(sans("{san_type: DNS, matcher: {suffix: up.test}}"))),
         cluster("bad-dns", "secure", upstream(sans("{san_type: DNS, matcher: {exact: other.test}}"))),
         cluster("bad-uri", "secure", upstream(sans("{san_type: URI, matcher: {exact: up.test}}"))),
         cluster("ip", "secure", upstream(sans("{san_type: IP_ADDRESS, matcher: {exact: 127.0.0.1}}"))),
         cluster("hash", "secure", upstream(trusting("verify_certificate_hash: ['$hash(upstream)']"))),
         cluster("bad-hash", "secure", upstream(trusting("verify_certificate_hash: ['$hash(exact)']"))),
         cluster("spki", "secure", upstream(trusting("verify_certificate_spki: ['$spki(upstream)']"))),
         cluster("bad-spki", "secure", upstream(trusting("verify_certificate_spki: ['$spki(exact)']"))),
         cluster("any", "stale", upstream(trusting("trust_chain_verification: ACCEPT_UNTRUSTED", "other-ca")))),
    many("an upstream that ends without a close_notify", cluster("plain", "secure", upstream()), requests=[
        get("/plain", script=[READ, crlf("HTTP/1.1 200 OK\n\nuntil the end"), CLOSE], differs="unannounced-end: body end flags details"),
        get("/plain", script=[READ, crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nab"), CLOSE], differs="broken-response: end"),
        get("/plain", script=[READ, crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nabcd"), CLOSE])]),
    many("certificates for upstreams", cluster("own", "secure", upstream(certificates("client"))), cluster("none", "secure", upstream()),
         cluster("other", "secure", upstream(certificates("client-other"))), requests=[get("/own"), get("/none")]),
    many("protocols for upstreams", cluster("auto", "secure", upstream(), "auto_config: {http_protocol_options: {}, http2_protocol_options: {}}"),
         cluster("autoold", "old", upstream(), "auto_config: {http_protocol_options: {}, http2_protocol_options: {}}"),
         cluster("newer", "secure", upstream("alpn_protocols: [h2]"), "explicit_http_config: {http2_protocol_options: {}}"),
         cluster("newer-unsaid", "secure", upstream(), "explicit_http_config: {http2_protocol_options: {}}"),
         cluster("older", "secure", upstream("alpn_protocols: [http/1.1]"), HTTP1)),
    many("versions and failures", cluster("low", "secure", upstream("tls_params: {tls_maximum_protocol_version: TLSv1_2}")),
         cluster("handshake-with-nobody", "one", upstream()),
         cluster("plain", "secure", "")),
    many("the newest version", cluster("modern", "modern", upstream()), requests=[get("/modern", differs="upstream-tls13: upstream")]),
]
CONFIGURATIONS += [
    Configuration(f"refused: {name}", accepted=False, clusters=text) for name, text in (
        ("two certificates for an upstream", cluster("x", "secure", upstream(certificates("client", "client-rsa")))),
        ("auto_config without TLS", cluster("x", "one", "", "auto_config: {http_protocol_options: {}, http2_protocol_options: {}}")))
]
CONFIGURATIONS += [
    Configuration(f"taken: {name}", clusters=text, differs=differs) for name, text, differs in (
        ("auto_san_validation without an authority", cluster("x", "secure", upstream(), f"{HTTP1}\n    upstream_http_protocol_options: {{{AUTO}}}"),
         ""),
        ("auto_sni_san_validation without a name", cluster("x", "secure", upstream(trusting(), "auto_sni_san_validation: true")), ""),
        ("a version that is broken", cluster("x", "secure", upstream("tls_params: {tls_maximum_protocol_version: TLSv1_1}")),
         "tls-versions: accepted"))
]
