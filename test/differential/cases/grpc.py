"""gRPC and gRPC-Web: bodies, trailers, statuses, and what is answered to a client that speaks either."""
import base64
import struct

from case import READ, RESET, Configuration, crlf, filter_yaml, get, post, raw

# Trailers on both sides of the gateway.
HCM = "http_protocol_options: {enable_trailers: true}"
CLUSTER = """\
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {enable_trailers: true}}"""
ROUTES = """\
- {match: {prefix: /off}, route: {cluster: one}, typed_per_filter_config: {envoy.filters.http.grpc_web:
    {"@type": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}}
- {match: {prefix: /down}, route: {cluster: empty}}
- {match: {prefix: /}, route: {cluster: one}}
"""
WEB = "application/grpc-web"
TEXT = "application/grpc-web-text"
ACCEPT_TEXT = f"Accept: {TEXT}"


def frame(message):
    return b"\0" + struct.pack(">I", len(message)) + message


HELLO, GOOD_BYE = frame(b"hello"), frame(b"good bye")


def call(body=HELLO, kind=WEB, *headers, path="/shop.Cart/Add", **options):
    return post(path, body, f"Content-Type: {kind}", *headers, **options)


def text(body, *headers, **options):
    return call(body, TEXT, *headers, **options)


def answer(*pieces, kind="application/grpc", status="200 OK", trailers="grpc-status: 0\nX-More: a b\n"):
    """A response in chunks, with trailers."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return crlf(f"HTTP/1.1 {status}\nTransfer-Encoding: chunked\nContent-Type: {kind}\n\n") + chunks + b"0\r\n" + crlf(f"{trailers}\n")


def page(status, kind, body):
    return crlf(f"HTTP/1.1 {status}\nContent-Type: {kind}\nContent-Length: {len(body)}\n\n") + body


TRAILERS_ONLY = crlf("HTTP/1.1 200 OK\nContent-Type: application/grpc\nContent-Length: 0\ngrpc-status: 5\ngrpc-message: no\n\n")
ANSWER = answer(HELLO, GOOD_BYE)

CONFIGURATIONS = [
    Configuration(
        "grpc", hcm=HCM, cluster=CLUSTER, routes=ROUTES.split("\n", 2)[2],
        requests=[call(kind="application/grpc", script=ANSWER), call(kind="application/grpc+proto", script=TRAILERS_ONLY),
                  call(kind="application/grpc", script=page("503 No", "text/html", b"<b>no</b>")),
                  call(kind="application/grpc", path="/down/M", differs="early-answer: headers end log")]),
    Configuration(
        "grpc_web: types", hcm=HCM, cluster=CLUSTER, routes=ROUTES, filters=filter_yaml("grpc_web"),
        requests=[call(script=ANSWER), call(HELLO, WEB + "+proto", script=ANSWER),
                  text(base64.b64encode(HELLO), script=ANSWER), text(base64.b64encode(HELLO), ACCEPT_TEXT, script=ANSWER),
                  call(base64.b64encode(HELLO), TEXT + "+proto", ACCEPT_TEXT + "+proto", script=ANSWER),
                  call(HELLO, WEB, ACCEPT_TEXT, script=ANSWER), call(HELLO, "application/grpc-webx", script=ANSWER),
                  call(HELLO, "application/grpc", script=ANSWER), call(HELLO, path="/off/M", script=ANSWER),
                  get("/shop.Cart/Add", f"Content-Type: {WEB}", script=ANSWER),
                  call(HELLO, WEB, "TE: gzip", "Grpc-Accept-Encoding: gzip", script=ANSWER),
                  call(HELLO, WEB + "+json", script=ANSWER, differs="grpc-web-types: headers body trailers upstream log"),
                  call(HELLO, WEB + "; charset=utf-8", script=ANSWER, differs="grpc-web-types: headers body trailers upstream log"),
                  call(HELLO, WEB, f"Accept: {TEXT}, */*", script=ANSWER, differs="grpc-web-types: headers body log")]),
    Configuration(
        "grpc_web: base64", hcm=HCM, cluster=CLUSTER, filters=filter_yaml("grpc_web"),
        requests=[text(b"", script=ANSWER), text(b"AAAAA", differs="grpc-web-base64: upstream log"),
                  text(b"AAAA@AAA", differs="grpc-web-base64: log"), text(b"AB==", differs="grpc-web-base64: upstream log"),
                  text(b"AAAA\r\nAAAA", differs="grpc-web-base64: log"),
                  raw(f"POST /s.S/M HTTP/1.1\nHost: h.test\nContent-Type: {TEXT}\nTransfer-Encoding: chunked\n\n",
                      "4\nAAAA\n", "6\nAAAABQ\n2\n==\n0\n\n", script=ANSWER),
                  text(base64.b64encode(HELLO) + base64.b64encode(GOOD_BYE), script=ANSWER,
                       differs="grpc-web-base64: status headers body end upstream details log")]),
    Configuration(
        "grpc_web: responses", hcm=HCM, cluster=CLUSTER, routes=ROUTES, filters=filter_yaml("grpc_web"),
        requests=[call(script=answer(HELLO[:3], HELLO[3:] + GOOD_BYE[:7], GOOD_BYE[7:])),
                  call(HELLO, WEB, ACCEPT_TEXT, script=answer(HELLO[:3], HELLO[3:] + GOOD_BYE[:7], GOOD_BYE[7:])),
                  call(script=answer(HELLO, trailers="")), call(script=answer(trailers="grpc-status: 5\n")),
                  call(script=TRAILERS_ONLY), call(HELLO, WEB, ACCEPT_TEXT, script=TRAILERS_ONLY),
                  call(script=answer(HELLO, kind=WEB)), call(script=page("200 OK", "application/grpc", HELLO)),
                  call(script=page("503 No", "text/html", b"<b>100%</b>\n")), call(script=answer(b"hello", kind="text/plain")),
                  call(script=answer(b"no", status="403 Forbidden")), call(script=page("500 No", "text/plain", b"x" * 20000)),
                  call(script=page("404 No", "text/plain", b""), differs="grpc-web-empty: headers"),
                  call(script=[READ, RESET]), call(path="/down/M", differs="early-answer: headers end log"),
                  call(HELLO, WEB, ACCEPT_TEXT, path="/down/M", differs="early-answer: headers end log")]),
    Configuration(
        "grpc_web: the status in the access log", hcm=HCM, cluster=CLUSTER, filters=filter_yaml("grpc_web"),
        log_filter="filter: {grpc_status_filter: {statuses: [OK]}}",
        requests=[call(kind="application/grpc", script=ANSWER), call(script=TRAILERS_ONLY),
                  call(script=ANSWER, differs="grpc-web-log: flags details log")]),
]
