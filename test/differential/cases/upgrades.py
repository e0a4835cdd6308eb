"""Upgrades: which are served, what is forwarded of them, and what comes of those that are not."""
from case import ANSWER, CLOSE, READ, Configuration, Data, Exchange, Fields, Take, crlf, differing, get, http2_fields
from cases.upstream_http2 import H2C

KEY = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
SWITCH = crlf("HTTP/1.1 101 Switching Protocols\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n\n")
ECHO = [SWITCH, Take(4), b"pong", CLOSE]
# Envoy waits as long for a client to close what is over.
SOON = "delayed_close_timeout: 0.05s\n"
SERVED = SOON + "upgrade_configs: [{upgrade_type: websocket}]"
ROUTES = """\
- {match: {prefix: /off}, route: {cluster: one, upgrade_configs: [{upgrade_type: websocket, enabled: false}]}}
- {match: {prefix: /direct}, direct_response: {status: 200, body: {inline_string: direct}}}
- {match: {prefix: /redirect}, redirect: {path_redirect: /to}}
- {match: {prefix: /down}, route: {cluster: down}}
- {match: {prefix: /short}, route: {cluster: one, timeout: 0.2s}}
- {match: {prefix: /rewrite}, route: {cluster: one, prefix_rewrite: /chat}}
- {match: {prefix: /}, route: {cluster: one}}
"""
ON = """\
- {match: {prefix: /on}, route: {cluster: one, upgrade_configs: [{upgrade_type: websocket}]}}
- {match: {prefix: /foo}, route: {cluster: one, upgrade_configs: [{upgrade_type: foo}]}}
- {match: {prefix: /}, route: {cluster: one}}
"""
EXTENDED = "http2_protocol_options: {allow_connect: true}\n"
BIDIRECTIONAL = [Fields([(":status", "200"), ("x-a", "1")]), Take(4), Data(b"pong", end=True)]


def upgrade(target="/", *headers, upgrade="websocket", connection="Upgrade", tunnel=b"ping", version="1.1", method="GET", script=ECHO, **options):
    lines = [f"{method} {target} HTTP/{version}", "Host: h.test", f"Connection: {connection}", f"Upgrade: {upgrade}", KEY,
             "Sec-WebSocket-Version: 13", *headers]
    head = "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n"
    return Exchange([head, ANSWER, tunnel] if tunnel else [head], script=script, is_tunnel=True, method=method, **options)


def extended(target="/", *fields, protocol="websocket", script=None, tunnel=b"ping", **options):
    head = http2_fields("CONNECT", target, *fields)
    head.insert(1, (":protocol", protocol))
    return Exchange([Fields(head), ANSWER, Data(tunnel, end=True)], is_http2=True, method="CONNECT", script=script or ECHO, **options)


def refusal(status, body=b"no"):
    return [READ, crlf(f"HTTP/1.1 {status}\nContent-Length: {len(body)}\n\n") + body]


IGNORED = "upgrade-ignored: status headers body end upstream details log"
TUNNEL = "upgraded-connections: headers upstream flags details"
REFUSED = "upgrade-refused: headers end upstream"
ALLOWED = H2C.replace("{http2_protocol_options: {}}", "{http2_protocol_options: {allow_connect: true}}")


def answered(lines):
    return [crlf(f"HTTP/1.1 101 Switching Protocols\n{lines}\n\n"), Take(4), b"pong", CLOSE]


def as_foo(name, target="/"):
    return upgrade(target, upgrade=name, script=[SWITCH.replace(b"websocket", b"foo"), Take(4), b"pong", CLOSE])


CONFIGURATIONS = [
    Configuration("websocket", hcm=SERVED, routes=ROUTES, requests=[
        *differing(TUNNEL, upgrade(), upgrade(upgrade="WebSocket"), upgrade(upgrade="WEBSOCKET"), upgrade(connection="keep-alive, Upgrade"),
                   upgrade(connection="Upgrade, keep-alive"), upgrade(connection="UPGRADE"),
                   upgrade("/chat", "Sec-WebSocket-Protocol: chat", "Origin: http://h.test", "Cookie: a=b"), upgrade("/rewrite/x"),
                   upgrade("/", "X-Other: 1", connection="Upgrade, x-other"),
                   upgrade("/short"), upgrade("/", "Content-Length: 0"), upgrade(method="POST")),
        upgrade(connection="upgrade", differs="upgraded-connections: headers flags details")]),
    Configuration("websocket that is refused", hcm=SERVED, routes=ROUTES, requests=[
        *differing(REFUSED, upgrade(tunnel=b"", script=refusal("403 Forbidden")), upgrade(tunnel=b"", script=refusal("426 Upgrade Required")),
                   upgrade(tunnel=b"", script=refusal("503 No", b"")), upgrade(tunnel=b"", script=[CLOSE])),
        upgrade(tunnel=b"", script=refusal("200 OK"), differs="upgrade-refused: headers body end upstream details log"),
        *differing("upgrade-refused: headers end", upgrade("/direct", tunnel=b""), upgrade("/redirect", tunnel=b"")),
        upgrade("/down", tunnel=b"", differs="upgrade-refused: headers end log"),
        *differing(IGNORED, upgrade("/off", tunnel=b"", script=None), upgrade(upgrade="websocket, foo", tunnel=b"", script=None),
                   upgrade(upgrade="", tunnel=b"", script=None)),
        upgrade(upgrade="h2c", tunnel=b"", script=None), upgrade(connection="close", tunnel=b"", script=None),
        upgrade(connection="keep-alive", tunnel=b"", script=None), upgrade(version="1.0", tunnel=b"", script=None)]),
    Configuration("upgrades that nobody serves", hcm=SOON, routes=ON, requests=[
        *differing(IGNORED, *(upgrade(target, upgrade=name, tunnel=b"", script=None) for target,
                              name in (("/x", "websocket"), ("/on", "foo"), ("/foo", "websocket")))),
        *differing(TUNNEL, upgrade("/on"), as_foo("foo", "/foo")), get("/on", "Connection: Upgrade"), get("/on", "Upgrade: websocket")]),
    Configuration("upgrades that are off until a route asks", hcm=SOON + "upgrade_configs: [{upgrade_type: websocket, enabled: false}]", routes=ON,
                  requests=[
        upgrade("/x", tunnel=b"", script=None, differs=IGNORED), upgrade("/on", differs=TUNNEL)]),
    Configuration("other upgrades", hcm=SOON + "upgrade_configs: [{upgrade_type: Foo}, {upgrade_type: websocket}]",
                  requests=[*differing(TUNNEL, as_foo("foo"), as_foo("FOO"))]),
    Configuration("answers to an upgrade", hcm=SERVED, requests=[
        *differing("upgrade-answers: status headers body end upstream flags details log",
                   *(upgrade(script=answered(lines)) for lines in ("Upgrade: websocket", "Connection: Upgrade", "X: 1"))),
        upgrade(script=answered("Connection: Upgrade\nUpgrade: other"), differs=TUNNEL),
        *differing(REFUSED, *(upgrade(script=answered(f"Connection: Upgrade\nUpgrade: websocket\n{length}")) for length in ("Content-Length: 3",
            "Transfer-Encoding: chunked")))]),
    Configuration("websocket of HTTP/2 to HTTP/1", hcm=EXTENDED + SERVED, routes=ROUTES, requests=[
        *differing("extended-connect: headers body end upstream flags details log", extended(),
                   extended("/chat?a=b", "sec-websocket-protocol: chat", "origin: http://h.test")),
        *differing("extended-connect: headers end", extended("/off", script=refusal("200 OK")), extended(protocol="foo", script=refusal("200 OK"))),
        extended(script=refusal("403 Forbidden"), differs="extended-connect: headers upstream"),
        extended("/direct", differs="extended-connect: status headers body details log"), extended("/down", differs="connect-failure: log")]),
    Configuration("websocket of HTTP/2 that is not allowed", hcm=SERVED,
                  requests=[extended(script=refusal("200 OK"), differs="http2-goaway: end log")]),
    Configuration("websocket of HTTP/1 to HTTP/2", hcm=SERVED, routes=ROUTES, cluster=ALLOWED, requests=[
        *differing("extended-connect: headers upstream", upgrade(script=BIDIRECTIONAL),
                   upgrade("/chat", "Sec-WebSocket-Protocol: chat", script=BIDIRECTIONAL)),
        upgrade(tunnel=b"", script=[Fields([(":status", "403")], end=True)], differs=REFUSED)]),
    Configuration("websocket of HTTP/2 to HTTP/2", hcm=EXTENDED + SERVED, cluster=ALLOWED, requests=[
        extended(script=BIDIRECTIONAL, differs="extended-connect: headers log"),
        extended(script=[Fields([(":status", "404")], end=True)], differs="extended-connect: headers")]),
]
