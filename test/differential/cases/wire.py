"""HTTP/1.1 itself: framing, connections, what is refused, and what an upstream may do wrong."""
from case import ALL, ANSWER, CLOSE, PAUSE, READ, RESET, SHUT, Configuration, crlf, filter_yaml, get, post, raw, request

OK = "HTTP/1.1 200 OK\nContent-Length: 2\n"
UPSTREAM_TRAILERS = """typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {enable_trailers: true}}"""
CHUNKED_WITH_TRAILERS = raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n\n2\nab\n0\nX-T: 1\nX-U: 2\n\n")


# Parts that differ between a refusal and what Envoy makes of the request.
SERVED = "status headers body end upstream flags details log"
PARSE = "parse-errors: details"
BROKEN = "broken-response: end"
UNANNOUNCED = "unannounced-end: body end flags details"
NEXT = "GET /next HTTP/1.1\nHost: h.test\n\n"


def refusals(*wires, differs=PARSE):
    return [raw(wire, differs=differs) for wire in wires]


def answered(text, target="/", **options):
    return get(target, script=crlf(text), **options)


def lines(count, size=10):
    return [f"X-{number}: {'v' * size}" for number in range(count)]


CONFIGURATIONS = [
    Configuration(
        "bodies of requests",
        requests=[post("/", b"abc"), post("/", b""), raw("POST / HTTP/1.1\nHost: h.test\n\n"),
                  raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n\n3\nabc\n2;ext=1\nde\n0\n\n"),
                  raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n\n0\n\n"),
                  raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: Chunked\n\n1\na\n0\n\n"), CHUNKED_WITH_TRAILERS,
                  raw("GET / HTTP/1.1\nHost: h.test\nContent-Length: 3\n\nabc"),
                  raw("DELETE / HTTP/1.1\nHost: h.test\nContent-Length: 0\n\n"),
                  raw("PUT / HTTP/1.1\nHost: h.test\nContent-Length: 5\n\n", "abcde"),
                  raw("BREW / HTTP/1.1\nHost: h.test\nContent-Length: 1\n\nx", differs=f"unknown-methods: {SERVED}")]),
    Configuration(
        "bodies of responses",
        requests=[answered(OK + "\nok"), answered("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n"),
                  answered("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\nX-T: 1\n\n"),
                  get("/", script=[READ, crlf("HTTP/1.1 200 OK\nConnection: close\n\nuntil the end"), CLOSE]),
                  get("/", script=[READ, crlf("HTTP/1.0 200 OK\n\nold"), CLOSE]),
                  answered("HTTP/1.1 204 No Content\n\n"), answered("HTTP/1.1 304 Not Modified\nContent-Length: 5\nETag: e\n\n"),
                  answered("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), answered("HTTP/1.1 200\nContent-Length: 0\n\n"),
                  answered("HTTP/1.1 299 Whatever This Is\nContent-Length: 0\n\n"),
                  request("HEAD", "/", script=crlf("HTTP/1.1 200 OK\nContent-Length: 5\n\n")),
                  request("HEAD", "/", script=crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n"), differs="head-framing: headers"),
                  request("HEAD", "/", script=crlf("HTTP/1.1 304 Not Modified\nETag: e\n\n"))]),
    Configuration("trailers", hcm="http_protocol_options: {enable_trailers: true}", cluster=UPSTREAM_TRAILERS,
                  requests=[CHUNKED_WITH_TRAILERS, answered("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\nX-T: 1\nX-T: 2\n\n")]),
    Configuration(
        "connections",
        requests=[raw("GET /1 HTTP/1.1\nHost: h.test\n\nGET /2 HTTP/1.1\nHost: h.test\n\n", responses=2),
                  raw("GET /1 HTTP/1.1\nHost: h.test\n\n", ANSWER, "GET /2 HTTP/1.1\nHost: h.test\nConnection: close\n\n", responses=2),
                  raw("GET / HTTP/1.1\nHost: h.test\nConnection: close\n\n", responses=ALL),
                  raw("GET / HTTP/1.1\nHost: h.test\nConnection: Close\n\n", responses=ALL),
                  raw("\nGET / HTTP/1.1\nHost: h.test\n\n"),
                  get("/", script=crlf(OK + "Connection: close\n\nok")),
                  raw("POST /1 HTTP/1.1\nHost: h.test\nContent-Length: 3\n\nabcGET /2 HTTP/1.1\nHost: h.test\n\n", responses=2)]),
    Configuration(
        "fields that belong to one hop",
        requests=[get("/", "Connection: X-Drop, keep-alive", "X-Drop: 1", "Keep-Alive: timeout=5", "X-Keep: 1"),
                  get("/", "Proxy-Connection: keep-alive", "X-Keep: 1"), get("/", "TE: trailers", "Connection: TE"),
                  get("/", "TE: trailers"), get("/", "TE: gzip, trailers", "Connection: te"), get("/", "Trailer: X-T"),
                  get("/", "Upgrade: websocket", "Connection: Upgrade", differs="upgrade-ignored: status headers body end upstream details log"), get("/", "Upgrade: h2c", "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: x"),
                  get("/", "Proxy-Authorization: Basic x"),
                  answered(OK + "Keep-Alive: timeout=5\nX-Keep: 1\n\nok"), answered(OK + "Proxy-Authenticate: Basic\n\nok"),
                  answered(OK + "Trailer: X-T\n\nok"),
                  answered(OK + "Connection: X-Drop\nX-Drop: 1\n\nok", differs="connection-named: headers")]),
    Configuration(
        "ambiguous framing is refused",
        requests=refusals(*(f"POST / HTTP/1.1\nHost: h.test\n{fields}\n\nabcd" for fields in (
            "Content-Length: 3\nTransfer-Encoding: chunked", "Content-Length: 3\nContent-Length: 4", "Content-Length: 3, 3",
            "Content-Length: +3", "Content-Length: -3", "Content-Length: 0x3", "Content-Length: 99999999999999999999",
            "Transfer-Encoding: gzip", "Transfer-Encoding: identity"))) +
        refusals(*(f"POST / HTTP/1.1\nHost: h.test\n{fields}\n\n0\n\n" for fields in (
            "Transfer-Encoding: chunked, chunked", "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: chunked\nTransfer-Encoding: chunked")), differs="transfer-codings: status headers body details log")),
    Configuration(
        "malformed heads are refused",
        requests=refusals(
            "GET / HTTP/1.1\nHost: h.test\n X: 1\n\n", "GET / HTTP/1.1\nHost: h.test\nX : 1\n\n", "GET / HTTP/1.1\nHost: h.test\nX\n\n",
            "GET / HTTP/1.1\nHost: h.test\n: 1\n\n", "GET / HTTP/1.1\nHost: h.test\nX: a\0b\n\n", "GET / http/1.1\nHost: h.test\n\n",
            "G@T / HTTP/1.1\nHost: h.test\n\n", "GET /a b HTTP/1.1\nHost: h.test\n\n", "GET\n\n", "GET / HTTP/1.1\nHost: h.test\nX@: 1\n\n",
            "GET / HTTP/1.1\nHost: a b\n\n", "GET / HTTP/1.1\nHost: a/b\n\n") + [
            raw("GET / HTTP/1.1\n\n", differs="parse-errors: headers body flags details log"),
            raw("GET / HTTP/1.1\nHost: a\nHost: b\n\n", differs=f"two-hosts: {SERVED}"),
            raw("GET / HTTP/1.1\nHost: h.test\nX: a\rb\n\n", differs=f"bare-cr: {SERVED}"),
            raw("GET /  HTTP/1.1\nHost: h.test\n\n", differs=f"spaces-in-request-line: {SERVED}"),
            raw("GET / HTTP/2.0\nHost: h.test\n\n", differs="versions: status headers body details log"),
            raw("GET / HTTP/1.2\nHost: h.test\n\n", differs="versions: status headers body details log"),
            raw("CONNECT h.test:443 HTTP/1.1\nHost: h.test:443\n\n"),
            raw("CONNECT h.test:0 HTTP/1.1\nHost: h.test:0\n\n", differs="connect: status headers body flags details log"),
            raw("POST / HTTP/1.1\nHost: h.test\nExpect: something\nContent-Length: 1\n\na", differs=f"expectations: {SERVED}")]),
    Configuration(
        # The upstream has seen the heads, or has not: that depends on how bytes and threads meet.
        "malformed chunks are refused", routes="- {match: {prefix: /}, direct_response: {status: 200}}", filters=filter_yaml("buffer", "max_request_bytes: 99"),
        requests=[raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n\n" + rest)
                  for rest in ("x\na\n0\n\n", "-1\na\n0\n\n", "fffffffffffffffff\na\n0\n\n", "\n\n")] + [
            raw("POST / HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n\n1\nab\n0\n\n", differs="chunk-framing: status headers body end flags details log")]),
    Configuration("HTTP/1.0 is refused", requests=[raw("GET / HTTP/1.0\nHost: h.test\n\n")]),
    Configuration(
        "HTTP/1.0 is served", hcm="http_protocol_options: {accept_http_10: true, default_host_for_http_10: default.test}",
        requests=[raw(head, responses=ALL, script=script, differs="http-10-answers: status") for head, script in (
            ("GET / HTTP/1.0\nHost: h.test\n\n", None), ("GET / HTTP/1.0\n\n", None),
            ("GET / HTTP/1.0\nHost: h.test\n\n", crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n0\n\n")),
            ("POST / HTTP/1.0\nHost: h.test\nContent-Length: 1\n\na", None))] + [
            raw("GET / HTTP/1.0\nHost: h.test\nConnection: keep-alive\n\n", differs="http-10-answers: status"),
            raw("GET /\n\n", responses=ALL, differs="http-09: status headers body upstream flags details log")]),
    Configuration(
        "absolute-form is not allowed", hcm="http_protocol_options: {allow_absolute_url: false}",
        requests=[get("http://other.test/x", differs="absolute-form-refused: headers body end flags log"), get("/x")]),
    Configuration(
        "continuing", requests=[
            raw("POST / HTTP/1.1\nHost: h.test\nExpect: 100-continue\nContent-Length: 2\n\n", ANSWER, "ab"),
            raw("POST / HTTP/1.1\nHost: h.test\nExpect: 100-Continue\nContent-Length: 2\n\nab", differs="continue-unneeded: interim"),
            get("/", script=crlf("HTTP/1.1 100 Continue\n\n" + OK + "\nok")),
            get("/", script=crlf("HTTP/1.1 103 Early Hints\nLink: </a>\n\n" + OK + "\nok"), differs="early-hints: interim"),
            get("/", script=crlf("HTTP/1.1 102 Processing\n\nHTTP/1.1 103 Early Hints\nLink: </b>\n\n" + OK + "\nok"), differs="early-hints: interim")]),
    Configuration(
        "what an upstream may do wrong",
        requests=[get("/end", script=[READ, CLOSE]), get("/reset", script=[READ, RESET]), get("/half-a-line", script=[READ, b"HTTP/1.1 200", CLOSE]),
                  get("/half-a-line-reset", script=[READ, b"HTTP/1.1 200", RESET]),
                  get("/nonsense", script=[READ, b"nonsense\r\n\r\n"]), answered("HTTP/1.1 200 OK\nContent-Length: x\n\n"),
                  answered("HTTP/1.1 200 OK\nContent-Length: 1\nTransfer-Encoding: chunked\n\n0\n\n"),
                  get("/half", script=[READ, crlf(OK + "\no"), CLOSE], differs=BROKEN), get("/half-reset", script=[READ, crlf(OK + "\no"), RESET], differs=BROKEN),
                  *(get("/reset-later", script=[READ, crlf(begun), PAUSE, RESET], differs=BROKEN)
                    for begun in (OK + "\no", "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n")),
                  *(get("/until-the-reset", script=[READ, crlf("HTTP/1.1 200 OK\n\nuntil the end"), *steps], differs=UNANNOUNCED)
                    for steps in ([RESET], [PAUSE, RESET])),
                  get("/chunks-end", script=[READ, crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nok\n"), CLOSE], differs=BROKEN),
                  get("/chunks", script=[READ, crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\nzz\n")], differs=BROKEN),
                  answered("HTTP/1.1 200 OK\nX : 1\nContent-Length: 0\n\n"),
                  answered("HTTP/1.1 200 OK\n" + "\n".join(lines(101)) + "\nContent-Length: 0\n\n")] + [
            answered(head, differs="upstream-status: status headers body flags details log") for head in (
                "HTTP/1.1 99 Low\nContent-Length: 0\n\n", "HTTP/1.1 600 High\nContent-Length: 0\n\n",
                "HTTP/1.1 101 Switching\nUpgrade: x\nConnection: upgrade\n\n", "HTTP/3.0 200 OK\nContent-Length: 0\n\n")]),
    *(Configuration(
        f"a connection after a 400, which may go on: {hcm}", hcm=f"path_with_escaped_slashes_action: REJECT_REQUEST\n{hcm}",
        requests=[raw("GET /a%2Fb HTTP/1.1\nHost: h.test\n\n", ANSWER, NEXT, responses=2, differs="logged-path: log"),
                  raw("GET / HTTP/1.1\n\n", ANSWER, NEXT, responses=2, differs="parse-errors: status headers body trailers end upstream flags details log"),
                  raw("GET / HTTP/1.1\nHost: h.test\nX y: 1\n\n", ANSWER, NEXT, differs=PARSE)])
      for hcm in ("stream_error_on_invalid_http_message: true", "http_protocol_options: {override_stream_error_on_invalid_http_message: true}")),
    Configuration(
        "a connection after a 400, which may not go on",
        hcm="path_with_escaped_slashes_action: REJECT_REQUEST\nstream_error_on_invalid_http_message: true\n"
        "http_protocol_options: {override_stream_error_on_invalid_http_message: false}",
        requests=[get("/a%2Fb", differs="logged-path: log")]),
    Configuration("heads that are too large", requests=[
        get("/", *lines(5, 13000)), get("/", *lines(97)), get("/", *lines(101)), get("/" + "a" * 70000, differs="target-too-long: status headers body details log")]),
    Configuration("heads that are too large for what is configured", hcm="max_request_headers_kb: 2\ncommon_http_protocol_options: {max_headers_count: 10}",
                  requests=[get("/", *lines(3, 100)), get("/", *lines(3, 1000)), get("/", *lines(11))]),
    Configuration("a client that leaves", requests=[
        raw("GET / HTTP/1.1\nHost: h.test\n", SHUT, differs="half-a-head: flags details log"),
        raw("POST / HTTP/1.1\nHost: h.test\nExpect: 100-continue\nContent-Length: 10\n\n", ANSWER, "abc", SHUT,
            differs="given-up: log")]),
    Configuration("an answer before the body is here", requests=[
        raw("POST / HTTP/1.1\nHost: h.test\nContent-Length: 4\n\nab", ANSWER, "cd", script=[crlf("HTTP/1.1 403 No\nContent-Length: 0\n\n"), READ],
            differs="early-answer: headers end log")]),
]
