"""HTTP/2 to upstreams: how requests are translated, and what each way of failing looks like to the client and in the log."""
from case import (CLOSE, HANG, READ, RESET, Configuration, Data, Fields, Goaway, Reset, Take, differing, get, http2_get, http2_request, post, raw,
                  request)

OK = Fields([(":status", "200"), ("x-a", "1")])
DONE = Fields([(":status", "200")], end=True)
REFUSED_STREAM = 7
CODES = [code for code in range(14) if code != REFUSED_STREAM]


def options(explicit, more=""):
    return f"""\
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    {explicit}
    {more}"""


H2C = options("explicit_http_config: {http2_protocol_options: {}}")


def behind(name, **fields):
    return Configuration(name, **{"cluster": H2C, "hcm": "http_protocol_options: {enable_trailers: true}", **fields})


def status(value, *pairs, end=True):
    return [READ, Fields([(":status", value), *pairs], end=end)]


MESSAGE = b"\0\0\0\0\1a"
GRPC = Fields([(":status", "200"), ("content-type", "application/grpc")])


def call(*fields, **options):
    return http2_request("POST", "/s.S/M", "content-type: application/grpc", "te: trailers", *fields, body=MESSAGE, **options)


CONFIGURATIONS = [
    behind("requests", requests=[
        get("/a?b=c"), post("/", b"abc"), request("HEAD", "/"), request("PUT", "/", body=b""), request("DELETE", "/"), get("/", "Cookie: a=1; b=2"),
        get("/", "Cookie: a=1", "Cookie: b=2"),
        get("/", "X-Upper: A", "Connection: x-hop, keep-alive", "X-Hop: 1", "Keep-Alive: 5"), get("/", "TE: trailers"),
        get("/", "TE: gzip, trailers", "Connection: TE"), get("/", "Host: UPPER.test:81"),
        raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\nTrailer: X-T\n\n3\nabc\n0\nX-T: 1\n\n"), http2_get("/"),
        http2_request("POST", "/", body=b"abc", trailers=["x-t: 1"]),
        http2_get("/", "te: trailers", "cookie: a=1", "cookie: b=2"), http2_request("POST", "/", "content-length: 3", body=b"abc"),
        raw("OPTIONS * HTTP/1.1\nHost: h.test\n\n")]),
    behind("responses", requests=[
        get("/", script=[READ, DONE]), get("/", script=[READ, OK, Data(b"ab"), Fields([("x-t", "1")], end=True)]),
        get("/", script=[READ, OK, Fields([("x-t", "1")], end=True)]), get("/", script=status("204")),
        *differing("known-length: headers", get("/", script=[READ, OK, Data(b"ab"), Data(b"cd", end=True)]),
                   http2_get("/", script=[READ, OK, Data(b"ab"), Fields([("x-t", "1")], end=True)])),
        get("/", script=status("304", ("content-length", "7"))), request("HEAD", "/", script=status("200", ("content-length", "7"))),
        get("/", script=[READ, Fields([(":status", "100")]), DONE]), get("/", script=[READ, Fields([(":status", "103"), ("link", "</a>")]), DONE],
                                                                         differs="early-hints: interim"),
        http2_get("/", script=[READ, Fields([(":status", "103"), ("link", "</a>")]), DONE], differs="early-hints: interim headers"),
        get("/", script=status("503")),
        post("/", b"abc", "Expect: 100-continue", script=[Fields([(":status", "100")]), READ, DONE], differs="continue-unneeded: interim"),
        get("/", script=[READ, Fields([(":status", "200"), ("set-cookie", "a=1"), ("set-cookie", "b=2")], end=True)]),
        post("/", b"abc", script=[Fields([(":status", "413")], end=True), READ])]),
    behind("broken responses", requests=[
        *(get("/", script=script) for script in (
            [READ, Fields([("x", "1")], end=True)], status("x"), status("101"), status("200", ("X-Upper", "1")),
            status("200", ("connection", "close")), status("200", ("transfer-encoding", "chunked")),
            status("200", (":odd", "1")), status("200", ("x", "a\nb")), [READ, Fields([(":status", "200"), (":status", "200")], end=True)],
            [READ, Data(b"ab", end=True)], [READ, Fields([(":status", "100")], end=True)])),
        *differing("upstream-status: status headers body flags details log", get("/", script=status("099")), get("/", script=status("600"))),
        get("/", script=[READ, Fields([(":status", "200"), ("content-length", "4")]), Data(b"ab", end=True)],
            differs="failure-with-head: end details log"),
        get("/", script=[READ, Fields([(":status", "200"), ("content-length", "1")]), Data(b"ab", end=True)],
            differs="failure-with-head: status headers body end details log"),
        get("/", script=[READ, OK, Data(b"ab"), Fields([(":status", "200")], end=True)], differs="failure-with-head: end details"),
        get("/", script=[READ, Fields([(":status", "204")]), Data(b"ab", end=True)], differs="failure-with-head: status headers body details log")]),
    behind("resets before a response", requests=[get("/", script=[READ, Reset(code)]) for code in (*CODES, 99)] + [get("/",
        script=[READ, Reset(REFUSED_STREAM)], differs="refused-streams: upstream")]),
    behind("resets within a response", requests=[
        *differing("failure-with-head: end details", *(get("/", script=[READ, OK, Data(b"ab"), Reset(code)]) for code in (0, 2, 7, 8))),
        *differing("failure-with-head: details", *(http2_get("/", script=[READ, OK, Data(b"ab"), Reset(code)]) for code in (0, 2, 7, 8))),
        get("/", script=[READ, OK, Reset(2)], differs="failure-with-head: status headers body end details log"),
        post("/", b"abc", script=[READ, Fields([(":status", "200")], end=True), Reset(0)])]),
    behind("connections that end", requests=[
        get("/", script=[READ, CLOSE]), get("/", script=[READ, RESET]),
        get("/", script=[READ, OK, Data(b"ab"), CLOSE], differs="broken-response: end"), get("/", script=[READ, Goaway(0, last=2 ** 31 - 1), DONE]),
        get("/"),
        get("/", script=[READ, Goaway(0), CLOSE], differs="refused-streams: upstream"), get("/", script=[READ, Goaway(2), CLOSE]),
        get("/", script=[READ, Goaway(11, last=2 ** 31 - 1), DONE]), get("/", script=[READ, b"HTTP/1.1 400 Bad Request\r\n\r\n", CLOSE]),
        get("/", script=[READ, b"\0\0\1\0\0\0\0\0\0x", CLOSE]), get("/", script=[READ, b"\0\0\5\x06\0\0\0\0\0hello", HANG])]),
    behind("timeouts", routes="- {match: {prefix: /}, route: {cluster: one, timeout: 0.2s}}",
           requests=[get("/", script=[READ, HANG]), http2_get("/", script=[READ, OK, HANG])]),
    behind("grpc", requests=[
        post("/s.S/M", MESSAGE, "Content-Type: application/grpc", "TE: trailers",
             script=[READ, GRPC, Data(MESSAGE), Fields([("grpc-status", "0")], end=True)]),
        *differing("known-length: headers upstream", *(call(script=script) for script in (
            [READ, Fields([*GRPC.fields, ("grpc-status", "5")], end=True)], [READ, Reset(2)], [READ, Reset(7)], [READ, Reset(8)], [READ, CLOSE],
            status("503"), [READ, Goaway(0), CLOSE])),
                   call("grpc-timeout: 100m", script=[Take(1), DONE])),
        call(script=[READ, OK, Data(b"ab"), Reset(2)], differs="failure-with-head: upstream details")]),
    behind("the limits of headers", cluster=options("explicit_http_config: {http2_protocol_options: {}}",
                                                    "common_http_protocol_options: {max_headers_count: 5, max_response_headers_kb: 1}"),
           requests=[get("/", script=status("200", *((f"x-{n}", "1") for n in range(3)))), *differing(
               "http2-limits: status headers body flags details log", get("/", script=status("200", *((f"x-{n}", "1") for n in range(8)))),
               get("/", script=status("200", ("x", "v" * 2000))))]),
    behind("an upstream of HTTP/1 that is spoken to by HTTP/2", requests=[get("/", script=[CLOSE])]),
    behind("the protocol of the client", cluster=options("use_downstream_protocol_config: {http_protocol_options: {}, http2_protocol_options: {}}"),
           requests=[get("/"), http2_get("/"), post("/", b"abc"), http2_request("POST", "/", body=b"abc", differs="known-length: upstream")]),
]
