"""The PROXY protocol: which headers are taken, whose address a connection has then, and what is told to upstreams."""
import socket
import struct

from case import Configuration, Tls, differing, get
from tls_yaml import INSPECTOR, downstream, upstream

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
V1 = b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 2222\r\n"
FORWARDED = "use_remote_address: true"
OPERATORS = """\
request_headers_to_add:
- {header: {key: x-remote, value: '%DOWNSTREAM_REMOTE_ADDRESS%'}}
- {header: {key: x-local, value: '%DOWNSTREAM_LOCAL_ADDRESS%'}}
- {header: {key: x-direct, value: '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%'}}
"""


def listener(more="", before=""):
    filters = f"""\
- name: envoy.filters.listener.proxy_protocol
  typed_config: {{"@type": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol{more and f", {more}"}}}
"""
    return "listener_filters:\n" + filters + before


def v2(family=0x11, command=0x21, addresses=None, tlvs=b"", length=None):
    if addresses is None:
        addresses = socket.inet_aton("1.2.3.4") + socket.inet_aton("5.6.7.8") + struct.pack(">HH", 1111, 2222)
    body = addresses + tlvs
    return SIGNATURE + bytes([command, family]) + struct.pack(">H", len(body) if length is None else length) + body


SIX = socket.inet_pton(socket.AF_INET6, "2001:db8::1") + socket.inet_pton(socket.AF_INET6, "2001:db8::2") + struct.pack(">HH", 1111, 2222)
TLV = b"\x02\0\6h.test" + b"\x04\0\0" + b"\xe0\0\2ab"


def sent(before, *headers, **options):
    return get("/", *headers, before=before, **options)


GOOD = [V1, b"PROXY TCP6 2001:db8::1 2001:db8::2 1111 2222\r\n", b"PROXY UNKNOWN\r\n", b"PROXY UNKNOWN 1.2.3.4 5.6.7.8 1 2\r\n", v2(),
        v2(0x21, addresses=SIX), v2(command=0x20), v2(0x00, 0x20, b""),
        v2(tlvs=TLV), v2(command=0x20, tlvs=TLV), v2(tlvs=b"\x04\1\0" + b"\0" * 256)]
# Which the protocol knows, and Envoy, or Narthex, does not.
FAMILIES = [v2(0x00, addresses=b""), v2(0x12), v2(0x31, addresses=b"\0" * 216)]
BAD = [b"PROXY TCP4 1.2.3.4 5.6.7.8 1111\r\n", b"PROXY TCP4 1.2.3 5.6.7.8 1111 2222\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1111 99999\r\n",
       b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", b"PROXY TCP5 1.2.3.4 5.6.7.8 1 2\r\n",
       b"PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n", b"PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n",
       b"PROXY " + b"x" * 120 + b"\r\n", b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n",
       b"proxy TCP4 1.2.3.4 5.6.7.8 1 2\r\n", b"", v2(command=0x11), v2(command=0x22), v2(length=8), v2(0x21), v2(0x41), v2(0x13),
       v2(tlvs=b"\x02\0\x20ab"), v2(tlvs=b"\x02"), SIGNATURE[:6] + b"x" * 20]
ALL_PARTS = "status headers body trailers end upstream flags details log"
XFF = "X-Forwarded-For: 9.9.9.9"


def transport(version, inner=""):
    inside = "\n".join("      " + line for line in (inner or 'transport_socket: {name: raw, typed_config: {"@type": type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer}}').splitlines())
    return f"""\
transport_socket:
  name: envoy.transport_sockets.upstream_proxy_protocol
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.transport_sockets.proxy_protocol.v3.ProxyProtocolUpstreamTransport
    config: {{version: {version}}}
{inside[2:].replace(chr(10) + "  ", chr(10))}
"""


def secured(version):
    lines = "".join(f"  {line}\n" for line in transport(version, upstream("{}", "sni: up.test")).splitlines())
    return "- name: safe\n  connect_timeout: 1s\n  load_assignment: {cluster_name: safe, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $secure}}}}]}]}\n" + lines


CONFIGURATIONS = [
    Configuration("headers that are good", hcm=FORWARDED, table=OPERATORS, listener=listener(),
                  requests=[sent(before) for before in GOOD] + [sent(V1, XFF), sent(v2(), XFF),
        *differing(f"proxy-families: {ALL_PARTS}", *(sent(before) for before in FAMILIES))]),
    Configuration("headers that are bad", hcm=FORWARDED, table=OPERATORS, listener=listener(), requests=[sent(before) for before in BAD] + [
        sent(b"PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n", differs=f"proxy-numbers: {ALL_PARTS}"),
        *differing("parse-errors: details", sent(V1 + V1), sent(V1 + v2()))]),
    Configuration("headers that may be missing", hcm=FORWARDED, table=OPERATORS, listener=listener("allow_requests_without_proxy_protocol: true"),
                  requests=[sent(before) for before in (b"", V1, v2(), b"PROXY x\r\n", v2(command=0x22))]),
    Configuration("version 1 is not allowed", table=OPERATORS, listener=listener("disallowed_versions: [V1]"),
                  requests=[sent(V1), sent(v2()), sent(b"")]),
    Configuration("version 2 is not allowed", table=OPERATORS, listener=listener("disallowed_versions: [V2]"),
                  requests=[sent(V1), sent(v2()), sent(b"")]),
    Configuration("version 1 is not allowed, and none need be", table=OPERATORS,
                  listener=listener("disallowed_versions: [V1], allow_requests_without_proxy_protocol: true"), requests=[
        sent(V1, differs="proxy-disallowed: status headers body trailers end flags details log"), sent(v2()), sent(b"")]),
    Configuration("addresses that are trusted", hcm="use_remote_address: true\nxff_num_trusted_hops: 1", table=OPERATORS, listener=listener(),
                  requests=[sent(V1, XFF), sent(V1), sent(v2(), "X-Forwarded-For: 8.8.8.8, 9.9.9.9")]),
    Configuration("addresses of a front that is not an edge", table=OPERATORS, listener=listener(),
                  requests=[sent(V1, XFF), sent(v2()), sent(b"PROXY UNKNOWN\r\n", XFF)]),
    Configuration("before TLS", hcm=FORWARDED, table=OPERATORS, listener=listener(before=INSPECTOR.split("\n", 1)[1]), transport=downstream(),
                  requests=[get("/", before=before, tls=Tls()) for before in (V1, v2(), v2(tlvs=TLV))]),
    Configuration("chains by the addresses that are told", listener=listener(),
                  match="filter_chain_match: {source_prefix_ranges: [{address_prefix: 1.2.3.0, prefix_len: 24}]}",
                  routes="- {match: {prefix: /}, direct_response: {status: 200}}",
                  requests=[sent(V1), sent(v2()), sent(b"PROXY UNKNOWN\r\n"), sent(V1.replace(b"1.2.3.4", b"1.2.4.4"))]),
    Configuration("version 1 to upstreams", cluster=transport("V1"), requests=[get("/"), get("/")]),
    Configuration("version 2 to upstreams", cluster=transport("V2"), requests=[get("/"), get("/")]),
    Configuration("from clients to upstreams", cluster=transport("V1"), listener=listener("allow_requests_without_proxy_protocol: true"),
                  requests=[sent(before) for before in (V1, v2(), v2(command=0x20), GOOD[1], b"")]),
    Configuration("from clients to upstreams in version 2", cluster=transport("V2"), listener=listener("allow_requests_without_proxy_protocol: true"),
                  requests=[sent(before) for before in (V1, v2(), v2(tlvs=TLV), GOOD[1], b"")]),
    Configuration("to upstreams, before TLS", clusters=secured("V1"), routes="- {match: {prefix: /}, route: {cluster: safe}}", requests=[get("/")]),
]
