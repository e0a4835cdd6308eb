"""HTTP/2 of clients: what a request may be, how it is forwarded over HTTP/1, and what comes back."""
from case import (ANSWER, ENDED, HANG, READ, Configuration, Data, Fields, Goaway, Reset, Settings, crlf, differing, get, http2, http2_fields,
                  http2_get, http2_request, raw)

SLOW = [READ, HANG]
EARLY_HINTS = crlf("HTTP/1.1 103 Early Hints\nLink: </a>\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nab")
BEGUN = [crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nab"), HANG]
CONTINUE = crlf("HTTP/1.1 100 Continue\n\nHTTP/1.1 200 OK\nContent-Length: 2\n\nab")
TRAILERS = crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\nTrailer: X-T\n\n2\nab\n0\nX-T: 1\n\n")
PLAIN = crlf("HTTP/1.1 200 OK\nContent-Length: 2\n\nab")
CLUSTER = """\
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {enable_trailers: true}}"""
ROUTES = """\
- {match: {path: /direct}, direct_response: {status: 202, body: {inline_string: direct}}}
- {match: {path: /none}, direct_response: {status: 204}}
- {match: {path: /empty}, direct_response: {status: 404}}
- {match: {prefix: /redirect}, redirect: {https_redirect: true, path_redirect: /to}}
- {match: {prefix: /host}, redirect: {host_redirect: other.test}}
- {match: {prefix: /down}, route: {cluster: down}}
- {match: {prefix: /hostless}, route: {cluster: empty}}
- {match: {prefix: /short}, route: {cluster: one, timeout: 0.2s}}
- {match: {prefix: /served}, route: {cluster: one}}
"""


def fields(*pairs, end=True, body=None):
    """Fields as they are, pseudo-header fields too: "name: value" each, or pairs."""
    head = [tuple(pair.rsplit(": ", 1)) if isinstance(pair, str) else pair for pair in pairs]
    return [Fields(head, end=end and body is None)] + ([Data(body, end=True)] if body is not None else [])


def malformed(*pairs, **options):
    body = options.pop("body", None)
    return http2(*fields(*pairs, body=body), **options)


GET = (":method: GET", ":scheme: http", ":authority: h.test", ":path: /")
# Envoy waits as long for a client to close what it has refused.
SOON = "delayed_close_timeout: 0.05s"
STREAM = SOON + "\nhttp2_protocol_options: {override_stream_error_on_invalid_http_message: true}"

POST = (":method: POST", *GET[1:])
# Both refuse these; only Narthex says so, with GOAWAY and in the log.
MALFORMED = [
    GET[1:], (GET[0], *GET[2:]), GET[:3], (*GET[:2], GET[3]), (*GET[:3], (":path", "")), ((":method", ""), *GET[1:]),
    (GET[0], (":scheme", ""), *GET[2:]),
    (*GET[:3], ":path: x"), (*GET[:3], ":path: *"), (*GET[:3], ":path: http://other.test/x"), (*GET[:3], (":path", "/a b")),
    (*GET, ":path: /b"), (*GET, ":method: POST"), (*GET, ":authority: other.test"), (*GET, ":status: 200"), (*GET, ":odd: x"),
    (*GET[:3], "a: b", GET[3]),
    (*GET, "X-Upper: 1"), (*GET, "x y: 1"), (*GET, ("", "1")), (*GET, ("x:y", "1")), (*GET, ("x", "a\0b")), (*GET, ("x", "a\nb")),
    (*GET, "connection: close"), (*GET, "keep-alive: 1"), (*GET, "proxy-connection: close"), (*GET, "transfer-encoding: chunked"),
    (*GET, "upgrade: websocket"),
    (*GET, "te: gzip"), (*GET, "te: trailers, gzip"), (*GET[:2], GET[3], "host: h.test", "host: b.test"), (*GET[:2], (":authority", ""), GET[3]),
    (*GET[:2], ":authority: user@h.test", GET[3]), (*GET[:2], ":authority: h test", GET[3]), (":method: GE T", *GET[1:]),
    (":method: CONNECT", *GET[1:], ":protocol: websocket"), (*GET, ":protocol: websocket"),
]
MALFORMED_LENGTHS = [("content-length: 3", "content-length: 3"), ("content-length: x",), ("content-length: 3", "content-length: 4"),
                     ("content-length: 3, 3",), ("content-length: -3",), ("content-length: +3",)]
# Malformed to Narthex alone.
STRICTER = [
    (*GET, "host: other.test"), (*GET, ("x", " a ")), (*GET[:3], (":path", b"/\xc3\xa4")), (GET[0], ":scheme: ftp", *GET[2:]),
]
GOOD = [
    (*GET, "te: trailers"), (*GET, "host: h.test"), (*GET[:2], GET[3], "host: h.test"), (*GET[:2], ":authority: h.test:81", GET[3]),
    (*GET, ("x", "a\tb")), (*GET, ("x", b"\xc3\xa4")),
    (GET[0], ":scheme: https", *GET[2:]), (*GET, "cookie: a=1", "cookie: b=2", "cookie: c=3; d=4"), (*GET, "x_y: 1"), (*GET, "x: 1", "x: 2"),
    (*GET, "max-forwards: 0"),
    (*POST, "content-type: application/grpc"), (*GET[:3], ":path: /a?b=c"),
]
ALL_PARTS = "status headers body trailers end upstream flags details log"


def each(messages, **options):
    return [malformed(*pairs, **options) for pairs in messages]


CONFIGURATIONS = [
    Configuration("messages", hcm=SOON, requests=[
        *each(GOOD), *differing("http2-goaway: end log", *each(MALFORMED), *(malformed(*POST, *length, body=b"abc") for length in MALFORMED_LENGTHS)),
        *differing(f"http2-stricter: {ALL_PARTS}", *each(STRICTER)),
        malformed(*GET[:3], ":path: /a#b", differs="http2-stricter: status headers body trailers end flags details log"),
        *differing("unknown-methods: upstream", *each([(":method: BREW", *GET[1:]), (":method: get", *GET[1:])])),
        *each([(*GET, "expect: 100-continue")], differs="continue-unneeded: interim"),
        malformed(":method: OPTIONS", *GET[1:3], ":path: *", differs="known-length: headers"),
        malformed(":method: CONNECT", ":authority: h.test:443", differs="connect: status headers body flags details log"),
        malformed(":method: CONNECT", *GET[1:], differs="http2-goaway: end log")]),
    Configuration("bodies", hcm=SOON, requests=[
        malformed(*POST, "content-length: 3", body=b"abc"), malformed(*POST, "content-length: 0", body=b""),
        malformed(*POST, body=b"abc", differs="known-length: upstream"),
        *differing("http2-lengths: end upstream? flags? details log", *(malformed(*POST, f"content-length: {length}", body=b"abc") for length in (4, 2))),
        malformed(*POST, "content-length: 3", differs="http2-goaway: end log")]),
    Configuration("messages that end a stream alone", hcm=STREAM, requests=[
        *differing("http2-goaway: log", *each([GET[:3], (*GET, "X-Upper: 1"), (*GET, "connection: close"), (*GET, "te: gzip"), (*GET, ("x", "a\0b")),
                                               (*GET, ":status: 200")]),
                   malformed(*POST, *MALFORMED_LENGTHS[2], body=b"abc")),
        *differing("http2-lengths: upstream? flags? details log", *(malformed(*POST, f"content-length: {length}", body=b"abc") for length in (4, 2)))]),
    Configuration(
        "responses", hcm="http2_protocol_options: {}", routes=ROUTES, cluster=CLUSTER, requests=[
            *(http2_request(method, target) for target in ("/served", "/direct", "/none") for method in ("GET", "HEAD")),
            *(http2_request("HEAD", target) for target in ("/empty", "/redirect?a=b", "/host/a", "/hostless", "/nowhere")),
            *differing("known-length: headers", *(http2_get(target) for target in ("/empty", "/redirect?a=b", "/host/a", "/hostless", "/nowhere"))),
            *differing("connect-failure: log", http2_get("/down"), http2_request("HEAD", "/down")),
            http2_request("POST", "/served", body=b"abc", trailers=["x-t: 1"]), http2_request("POST", "/served", body=b"", trailers=["x-t: 1"]),
            http2_request("POST", "/served", trailers=["x-t: 1"]),
            http2_get("/served", script=TRAILERS), http2_get("/served", "te: trailers", script=TRAILERS),
            http2_request("HEAD", "/served", script=crlf("HTTP/1.1 200 OK\nContent-Length: 7\n\n")),
            http2_get("/served", script=EARLY_HINTS, differs="early-hints: interim"),
            http2_request("POST", "/served", "expect: 100-continue", body=b"abc", script=CONTINUE, differs="continue-unneeded: interim upstream"),
            http2_get("/served", script=crlf("HTTP/1.1 204 No\n\n")), http2_get("/served", script=crlf("HTTP/1.1 304 No\nContent-Length: 5\n\n")),
            http2_get("/served", script=crlf("HTTP/1.1 200 Fine\nConnection: x-hop, close\nX-Hop: 1\nKeep-Alive: 5\nProxy-Connection: a\nContent-Length: 1\n\na"), differs="connection-named: headers"),
            http2_get("/served", script=crlf("HTTP/1.1 200 OK\nX-Upper: A\nSet-Cookie: a=1\nSet-Cookie: b=2\nContent-Length: 0\n\n")),
            http2_get("/served", script=[READ, crlf("HTTP/1.0 200 OK\n\nto the end"), "close in good order"]),
            http2_get("/short", script=SLOW), http2_get("/served", script=[READ, crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nab"),
                                                                           "reset the connection"]),
            http2_get("/served", script=[READ, crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nab"), "close in good order"]),
            http2_get("/served", script=[READ, "reset the connection"])]),
    Configuration(
        "paths", hcm="normalize_path: true\nmerge_slashes: true\npath_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT",
        requests=[*(http2_get(target) for target in ("/a/../b", "/a/./b", "/../../x", "//a//b", "/%2e%2e/a", "/a?b/../c", "/a\\b", "/%zz", "/A%41")),
                  *differing("known-length: headers log", http2_get("/a%2Fb"), http2_get("/a%5cb")),
                  http2_get("/a%00b", differs="known-length: headers")]),
    Configuration(
        "hosts", hcm="strip_any_host_port: true\nstrip_trailing_host_dot: true",
        vhosts="- {name: a, domains: [a.test], routes: [{match: {prefix: /}, direct_response: {status: 200, body: {inline_string: a}}}]}\n"
               "- {name: b, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: one}}]}",
        requests=[http2_get("/", authority=authority) for authority in ("a.test", "A.TEST", "a.test:80", "a.test.", "a.test.:80", "b.test:8",
                                                                        "[::1]:8")]),
    Configuration(
        "limits of headers", hcm="max_request_headers_kb: 1\ncommon_http_protocol_options: {max_headers_count: 8}",
        requests=[http2_get("/", "x: " + "v" * 700), http2_get("/", *(f"x-{n}: 1" for n in range(4))),
                  http2_get("/", "x: " + "v" * 900, differs="http2-limits: status headers body upstream flags details log"),
                  *differing("http2-limits: status headers body trailers end flags details log", http2_get("/", "x: " + "v" * 1100),
                             http2_get("/" + "p" * 1100), http2_get("/", "x: " + "v" * 20000)),
                  *differing("http2-limits: status headers body trailers end flags log",
                             *(http2_get("/", *(f"x-{n}: 1" for n in range(count))) for count in (5, 12)), http2_get("/", *["cookie: a=b"] * 12)),
                  http2_request("POST", "/", body=b"a", trailers=["x-t: " + "v" * 2000], differs="http2-limits: end upstream? flags details log")]),
    Configuration(
        "underscores", hcm="common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}",
        requests=[http2_get("/", "x_y: 1", differs="http2-limits: status headers body trailers end flags details log"), http2_get("/", "x-y: 1")]),
    Configuration(
        "underscores that are dropped", hcm="common_http_protocol_options: {headers_with_underscores_action: DROP_HEADER}",
        requests=[http2_get("/", "x_y: 1", "x-y: 1")]),
    Configuration(
        "streams at once", hcm="http2_protocol_options: {max_concurrent_streams: 2}",
        routes="- {match: {prefix: /short}, route: {cluster: one, timeout: 0.3s}}\n- {match: {prefix: /}, route: {cluster: one}}",
        requests=[http2(*(Fields(http2_fields("GET", "/short"), end=True, stream=stream) for stream in (1, 3, 5)), script=SLOW),
                  http2(Fields(http2_fields("GET", "/1"), end=True), ENDED, Fields(http2_fields("GET", "/2"), end=True, stream=3), ENDED,
                        Fields(http2_fields("GET", "/3"), end=True, stream=5))]),
    Configuration(
        "frames that end a connection", hcm=SOON, routes="- {match: {prefix: /}, direct_response: {status: 200, body: {inline_string: a}}}",
        requests=[
            http2_get("/"), http2(Data(b"x", end=True)),
            *differing("http2-goaway: end", http2(Reset(8)), http2(Fields(http2_fields(), end=True, stream=2)), http2(Settings({4: 2 ** 31})),
                       http2(Settings({5: 1})), http2(b"\0\0\4\x08\0\0\0\0\0\0\0\0\0")),
            http2(Fields(http2_fields(), end=True), ENDED, Data(b"late")), http2(b"\0\0\0\x63\0\0\0\0\0", Fields(http2_fields(), end=True)),
            http2(b"\0\0\5\x06\0\0\0\0\0hello"),
            http2(Fields(http2_fields(), end=True), Goaway(0)), raw("PRI * HTTP/2.0\n\nSM\n\nGET / HTTP/1.1\n\n", responses=-1),
            raw("PRI * HTTP/2.0\n\nXX\n\n", responses=-1, differs="bad-preface: status headers body trailers flags details log")]),
    Configuration(
        "resets by the client", requests=[*differing(
            "client-left: details", *(http2(Fields(http2_fields(method), end=True), ANSWER, Reset(code), script=BEGUN) for method,
                                      code in (("GET", 8), ("POST", 8), ("GET", 2))))]),
    Configuration(
        "timeouts of streams", hcm="stream_idle_timeout: 0.2s",
        requests=[http2_get("/", script=SLOW), http2(Fields(http2_fields("POST")), Data(b"abc")),
                  http2_get("/", script=[READ, crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nab"), HANG])]),
    Configuration("request_timeout of streams", hcm="request_timeout: 0.2s",
                  requests=[http2(Fields(http2_fields("POST")), Data(b"abc")), http2_request("POST", "/", "content-length: 3", body=b"abc")]),
    Configuration("max_requests of a connection", hcm="common_http_protocol_options: {max_requests_per_connection: 2}", requests=[
        http2(Fields(http2_fields("GET", "/1"), end=True), ENDED, Fields(http2_fields("GET", "/2"), end=True, stream=3))]),
    Configuration("HTTP/2 alone", hcm=SOON + "\ncodec_type: HTTP2", requests=[http2_get("/"),
                                                                              *differing("bad-preface: end", get("/"), raw("xyz", responses=-1))]),
    Configuration("HTTP/1 alone", hcm="codec_type: HTTP1", requests=[get("/")]),
    Configuration(
        "headers that are added", hcm="via: front\nuse_remote_address: true\nserver_name: me\nalways_set_request_id_in_response: true",
        table="response_headers_to_add: [{header: {key: X-Upper, value: '%PROTOCOL%'}}]",
        requests=[http2_get("/", "x-forwarded-for: 1.2.3.4", "x-forwarded-proto: https", "x-envoy-internal: true"),
                  http2_get("/", script=crlf("HTTP/1.1 200 OK\nServer: s\nVia: 1.1 x\nContent-Length: 0\n\n"))]),
]
