"""Certificates of clients: which are taken, and what the services behind learn of them."""
from case import Configuration, Tls, get, http2_get
from tls_yaml import INSPECTOR, downstream, trusting

REQUIRED = "require_client_certificate: true"
XFCC = "X-Forwarded-Client-Cert: By=spiffe://before;Hash=00;Subject=\"CN=before\""
PEER = ("SUBJECT", "ISSUER", "SERIAL", "FINGERPRINT_256", "FINGERPRINT_1", "DNS_SAN", "URI_SAN", "EMAIL_SAN", "IP_SAN", "CERT", "CERT_V_START",
        "CERT_V_END")
OPERATORS = "\n".join(f"- {{header: {{key: x-{name.lower().replace('_', '-')}, value: '%DOWNSTREAM_PEER_{name}%'}}}}" for name in PEER)
GREETING = "- {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: hello}}}"
KINDS = ("", "client", "client-plain", "client-rsa", "client-other", "client-expired", "client-revoked", "client-middle")
DETAILS = "set_current_client_cert_details: {subject: true, dns: true, uri: true, cert: true, chain: true, issuer: true}"


def as_client(certificate, *headers, **options):
    differs = options.pop("differs", "")
    return get("/", *headers, tls=Tls(certificate=certificate, **options), differs=differs)


def judged(*taken):
    """Clients with names and without; those that are not taken get another alert."""
    return [as_client(kind, differs="" if kind in taken else "certificate-alerts: end") for kind in ("client", "client-plain", "client-rsa")]


def secured(name, validation="", more="", **fields):
    return Configuration(name, listener=INSPECTOR, transport=downstream(validation, more), **{"routes": GREETING, **fields})


def matching(san_type, matcher):
    return trusting(f"match_typed_subject_alt_names: [{{san_type: {san_type}, matcher: {{{matcher}}}}}]")


CONFIGURATIONS = [
    secured("a certificate that is required", trusting(), REQUIRED,
            requests=[as_client(kind) for kind in KINDS] + [as_client("", version="TLSv1_2"), as_client("client-other", version="TLSv1_2"),
                                                            as_client("client-expired", version="TLSv1_2"), as_client("client", version="TLSv1_2")]),
    secured("a certificate that is asked for", trusting(), requests=[as_client(kind) for kind in KINDS]),
    secured("routes by certificate", trusting("trust_chain_verification: ACCEPT_UNTRUSTED"), routes="""
- {name: good, match: {prefix: /, tls_context: {presented: true, validated: true}}, direct_response: {status: 201}}
- {name: bad, match: {prefix: /, tls_context: {validated: false, presented: true}}, direct_response: {status: 202}}
- {name: none, match: {prefix: /, tls_context: {presented: false}}, direct_response: {status: 203}}
""", requests=[as_client(kind) for kind in ("client", "client-other", "")]),
    secured("a certificate that nobody asks for", requests=[as_client(""), as_client("client")]),
    secured("an authority that is not trusted", trusting("trust_chain_verification: ACCEPT_UNTRUSTED"), REQUIRED,
            table=f"request_headers_to_add:\n{OPERATORS}", routes="- {match: {prefix: /}, route: {cluster: one}}",
            requests=[as_client(kind) for kind in ("client", "client-other", "")]),
    secured("expired certificates", trusting("allow_expired_certificate: true"), REQUIRED,
            requests=[as_client("client-expired"), as_client("client-other")]),
    secured("a list of revoked certificates", trusting("crl: {filename: $certs/ca.crl}"), REQUIRED,
            requests=[as_client(kind) for kind in ("client", "client-revoked", "client-middle")]),
    secured("a list of revoked certificates for leaves", trusting("crl: {filename: $certs/ca.crl}, only_verify_leaf_cert_crl: true"), REQUIRED,
            requests=[as_client(kind) for kind in ("client", "client-revoked", "client-plain")]),
    secured("a chain that is too long", trusting("max_verify_depth: 0"), REQUIRED, requests=[as_client("client"), as_client("client-middle")]),
    secured("a chain that is not", trusting("max_verify_depth: 1"), REQUIRED, requests=[as_client("client"), as_client("client-middle")]),
    secured("names: exact", matching("DNS", "exact: second.test"), REQUIRED, requests=judged("client")),
    secured("names: an exact one in another case", matching("DNS", "exact: SECOND.test"), REQUIRED, requests=[as_client("client")]),
    secured("names: suffix", matching("DNS", "suffix: .test"), REQUIRED, requests=judged("client", "client-rsa")),
    secured("names: regex", matching("URI", "safe_regex: {regex: 'spiffe://h[.]test/.*'}"), REQUIRED, requests=judged("client")),
    secured("names: a regex of a part", matching("URI", "safe_regex: {regex: 'h[.]test'}"), REQUIRED,
            requests=[as_client("client", differs="certificate-alerts: end")]),
    secured("names: prefix", matching("EMAIL", "prefix: client@"), REQUIRED, requests=judged("client")),
    secured("names: address", matching("IP_ADDRESS", "exact: 10.1.2.3"), REQUIRED, requests=judged("client")),
    secured("names: contains, in any case", matching("DNS", "contains: COND, ignore_case: true"), REQUIRED, requests=judged("client")),
    secured("names: one of two", trusting("match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: rsa.test}}, "
                                          "{san_type: EMAIL, matcher: {exact: client@h.test}}]"), REQUIRED, requests=judged("client", "client-rsa")),
    secured("a hash", trusting("verify_certificate_hash: ['$hash(client)']"), REQUIRED,
            requests=[as_client("client"), as_client("client-plain", differs="certificate-alerts: end")]),
    secured("a key", trusting("verify_certificate_spki: ['$spki(client)', '$spki(client-rsa)']"), REQUIRED,
            requests=judged("client", "client-rsa")),
    secured("a key or a hash", trusting("verify_certificate_spki: ['$spki(client)'], verify_certificate_hash: ['$hash(client-rsa)']"), REQUIRED,
            requests=judged("client", "client-rsa")),
    secured("a hash without an authority", trusting("verify_certificate_hash: ['$hash(client-other)']", authority=""), REQUIRED,
            requests=[as_client("client-other"), as_client("client", differs="certificate-alerts: end")]),
] + [
    secured(f"x-forwarded-client-cert: {mode}", trusting(), hcm=f"forward_client_cert_details: {mode}\n{details}",
            routes="- {match: {prefix: /}, route: {cluster: one}}",
            requests=[as_client(kind, *headers) for kind in ("", "client", "client-plain") for headers in ((), (XFCC,))] + [
                as_client("client", XFCC, XFCC.replace("before", "twice"),
                          differs="forwarded-lines: upstream" if mode in ("FORWARD_ONLY", "ALWAYS_FORWARD_ONLY") else ""), as_client("client-middle"),
                          as_client("client", resumes="closed"),
                http2_get("/", XFCC.lower(), tls=Tls(alpn=("h2",), certificate="client"), scheme="https")])
    for mode, details in (("SANITIZE", DETAILS), ("FORWARD_ONLY", DETAILS), ("APPEND_FORWARD", ""), ("APPEND_FORWARD", DETAILS), ("SANITIZE_SET", ""),
                          ("SANITIZE_SET", "set_current_client_cert_details: {subject: true, uri: true}"), ("SANITIZE_SET", DETAILS),
                          ("ALWAYS_FORWARD_ONLY", DETAILS))
] + [
    secured(f"x-forwarded-client-cert of a certificate that is judged by {name}", trusting(validation, authority=""),
            hcm=f"forward_client_cert_details: SANITIZE_SET\n{DETAILS}", routes="- {match: {prefix: /}, route: {cluster: one}}",
            requests=[as_client("client-other"), as_client("client-other", XFCC), as_client("")])
    for name, validation in (("nothing", ""), ("nothing, and taken", "trust_chain_verification: ACCEPT_UNTRUSTED"))
] + [
    Configuration("x-forwarded-client-cert without TLS", hcm=f"forward_client_cert_details: {mode}", requests=[get("/", XFCC), get("/")])
    for mode in ("FORWARD_ONLY", "APPEND_FORWARD", "SANITIZE_SET", "ALWAYS_FORWARD_ONLY")
] + [
    secured("operators of a client's certificate", trusting(), table=f"request_headers_to_add:\n{OPERATORS}",
            routes="- {match: {prefix: /}, route: {cluster: one}}", requests=[as_client(kind) for kind in ("", "client", "client-plain",
                "client-middle")]),
] + [
    Configuration(f"refused: {name}", accepted=False, transport=downstream(validation, REQUIRED)) for name, validation in (
        ("a list of revoked certificates without an authority", trusting("crl: {filename: $certs/ca.crl}", authority="")),
        ("expired certificates without an authority", trusting("allow_expired_certificate: true", authority="")),
        ("an authority that is not there", trusting(authority="none")), ("names without an authority", trusting(
            "match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a.test}}]", authority="")),
        ("a hash that is none", trusting(f"verify_certificate_hash: ['{'xy' * 32}']")),
        ("a key that is none", trusting(f"verify_certificate_spki: ['{'?' * 44}']")),
        ("a name of no type", trusting("match_typed_subject_alt_names: [{matcher: {exact: a.test}}]")),
        ("a depth of 101", trusting("max_verify_depth: 101")))
] + [
    Configuration("taken: a certificate that is required and not checked", transport=downstream("", REQUIRED), differs="any-certificate: accepted")
]
