"""The HTTP filters before the router, and how routes configure them."""
from case import READ, Configuration, crlf, filter_yaml, get, per_route, post, raw, request

MAX_8 = filter_yaml("buffer", "max_request_bytes: 8")
OFF = "{envoy.filters.http.%s: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true}}"
ON = "{envoy.filters.http.%s: {\"@type\": type.googleapis.com/envoy.config.route.v3.FilterConfig, config: {}}}"


def route(path, more=""):
    return f"- {{match: {{prefix: {path}}}, route: {{cluster: one}}{', ' + more if more else ''}}}\n"


def chunked(target, *chunks, more=""):
    body = "".join(f"{len(chunk):x}\n{chunk}\n" for chunk in chunks)
    return raw(f"POST {target} HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n{more}\n{body}0\n\n")


def mutation(where, *items):
    return f"mutations: {{{where}: [{', '.join(items)}]}}"


def append(key, value, action="APPEND_IF_EXISTS_OR_ADD"):
    return f"{{append: {{header: {{key: {key}, value: '{value}'}}, append_action: {action}}}}}"


REPLY = crlf("HTTP/1.1 200 OK\nContent-Length: 0\nX-A: up\nX-Debug-1: 1\nX-Remove: 1\n\n")
TRAILERS = crlf("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n0\nX-T: 1\nX-Remove: 1\n\n")

CONFIGURATIONS = [
    Configuration(
        "buffer",
        filters=MAX_8,
        routes=route("/own", "typed_per_filter_config: " + per_route("buffer", "BufferPerRoute", "buffer: {max_request_bytes: 2}")) +
        route("/off", "typed_per_filter_config: " + per_route("buffer", "BufferPerRoute", "disabled: true")) +
        route("/none", "typed_per_filter_config: " + OFF % "buffer") + route("/"),
        requests=[post("/", b"12345678"), chunked("/", "1234", "5678"), post("/own", b"12"), post("/off", b"123456789"),
                  post("/none", b"123456789"), chunked("/off", "123456789"), get("/"), post("/", b"")]),
    Configuration(
        "header_mutation: requests",
        filters=filter_yaml("header_mutation", mutation(
            "request_mutations", append("x-a", "%REQ(x-b)%"), append("x-c", "new", "OVERWRITE_IF_EXISTS"),
            append("x-d", "new", "ADD_IF_ABSENT"), append("x-e", "new", "OVERWRITE_IF_EXISTS_OR_ADD"), "{remove: x-gone}",
            "{remove_on_match: {key_matcher: {prefix: x-debug-}}}", append("x-path", "%REQ(:path)%"))),
        requests=[get("/p?q", "X-B: b", "X-C: old", "X-D: old", "X-E: old", "X-Gone: 1", "X-Debug-A: 1", "X-Debug-B: 2"), get("/"),
                  get("/", "X-A: 1", "X-E: 1", "X-E: 2", "X-Gone: 1", "X-Gone: 2")]),
    Configuration(
        "header_mutation: responses",
        filters=filter_yaml("header_mutation", mutation(
            "response_mutations", append("x-a", "%RESP(x-a)%-%RESPONSE_CODE%"), "{remove: x-remove}",
            "{remove_on_match: {key_matcher: {prefix: x-debug-}}}", append("x-req", "%REQ(x-in)%"),
            append("x-f", "%RESPONSE_CODE_DETAILS%-%RESPONSE_FLAGS%"))),
        routes="- {match: {prefix: /direct}, direct_response: {status: 404}}\n- {match: {prefix: /empty}, route: {cluster: empty}}\n"
        "- {match: {prefix: /r}, redirect: {path_redirect: /x}}\n" + route("/"),
        requests=[get("/", "X-In: 1", script=REPLY), get("/"), get("/direct"), get("/empty"), get("/r")]),
    Configuration(
        "header_mutation: by route, table and virtual host",
        filters=filter_yaml("header_mutation", mutation("request_mutations", append("x-l", "filter"))),
        table="typed_per_filter_config: " + per_route("header_mutation", "HeaderMutationPerRoute",
                                                      mutation("request_mutations", append("x-l", "table"))),
        vhosts="- name: v\n  domains: ['*']\n  typed_per_filter_config: " +
        per_route("header_mutation", "HeaderMutationPerRoute", mutation("request_mutations", append("x-l", "vhost"))) +
        "\n  routes:\n  " + route("/r", "typed_per_filter_config: " + per_route(
            "header_mutation", "HeaderMutationPerRoute", mutation("request_mutations", append("x-l", "route")))) + "  " + route("/"),
        requests=[get("/r"), get("/")]),
    Configuration(
        "header_mutation: the most specific wins",
        filters=filter_yaml("header_mutation", mutation("request_mutations", append("x-l", "filter", "OVERWRITE_IF_EXISTS_OR_ADD")) +
                            "\nmost_specific_header_mutations_wins: true"),
        table="typed_per_filter_config: " + per_route("header_mutation", "HeaderMutationPerRoute", mutation(
            "request_mutations", append("x-l", "table", "OVERWRITE_IF_EXISTS_OR_ADD"))),
        routes=route("/r", "typed_per_filter_config: " + per_route("header_mutation", "HeaderMutationPerRoute", mutation(
            "request_mutations", append("x-l", "route", "OVERWRITE_IF_EXISTS_OR_ADD")))) + route("/"),
        requests=[get("/r"), get("/")]),
    Configuration(
        "header_mutation: query parameters",
        filters=filter_yaml("header_mutation", mutation(
            "query_parameter_mutations", "{append: {record: {key: a, value: '1'}, action: ADD_IF_ABSENT}}", "{remove: gone}",
            "{append: {record: {key: o, value: 'x y'}, action: OVERWRITE_IF_EXISTS_OR_ADD}}",
            "{append: {record: {key: p, value: '%REQ(x-in)%'}, action: APPEND_IF_EXISTS_OR_ADD}}")),
        requests=[get(target, "X-In: v") for target in ("/", "/?a=0", "/?")] + [
            get(target, "X-In: v", differs="query-order: upstream log") for target in ("/?gone=1&b=2&gone", "/?o=1&o=2", "/?p=0", "/x?b")]),
    Configuration(
        "header_mutation: trailers",
        filters=filter_yaml("header_mutation", mutation("response_trailers_mutations", append("x-t2", "2"), "{remove: x-remove}")),
        hcm="http_protocol_options: {enable_trailers: true}",
        cluster="""typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {enable_trailers: true}}""",
        requests=[get("/", script=TRAILERS), get("/")]),
    Configuration(
        "filters that are off, and turned on by a route",
        filters=MAX_8.replace("- name: envoy.filters.http.buffer\n", "- name: envoy.filters.http.buffer\n  disabled: true\n") +
        filter_yaml("header_mutation", mutation("request_mutations", append("x-l", "filter"))),
        routes=route("/on", "typed_per_filter_config: " + per_route("buffer", "BufferPerRoute", "buffer: {max_request_bytes: 2}")) +
        route("/off", "typed_per_filter_config: " + OFF % "header_mutation") + route("/"),
        requests=[post("/", b"123456789"), post("/on", b"12"), get("/off"), get("/"), chunked("/on", "12")]),
    Configuration(
        "fault: aborts",
        filters=filter_yaml("fault", "abort: {http_status: 418, percentage: {numerator: 100}}\n"
                            "headers: [{name: x-fault, string_match: {exact: 'yes'}}]"),
        routes=route("/other", "typed_per_filter_config: " + per_route(
            "fault", "HTTPFault", "abort: {http_status: 503, percentage: {numerator: 100}}")) + route("/"),
        requests=[get("/", "X-Fault: yes"), get("/", "X-Fault: no"), get("/"), get("/other"), get("/", "X-Fault: yes", "Content-Type: application/grpc")]),
    Configuration(
        "fault: what headers may ask for",
        filters=filter_yaml("fault", "abort: {header_abort: {}, percentage: {numerator: 100}}\n"
                            "delay: {header_delay: {}, percentage: {numerator: 100}}"),
        requests=[get("/", "X-Envoy-Fault-Abort-Request: 503"), get("/", "X-Envoy-Fault-Abort-Request: 199"),
                  get("/", "X-Envoy-Fault-Abort-Request: x"), get("/", "X-Envoy-Fault-Abort-Request: 600"),
                  get("/", "X-Envoy-Fault-Abort-Request: 503", "X-Envoy-Fault-Abort-Request-Percentage: 0"),
                  get("/", "X-Envoy-Fault-Abort-Grpc-Request: 5"), get("/", "X-Envoy-Fault-Delay-Request: 50"),
                  get("/", "X-Envoy-Fault-Delay-Request: 50", "X-Envoy-Fault-Delay-Request-Percentage: 0"),
                  get("/", "X-Envoy-Fault-Delay-Request: x"),
                  get("/", "X-Envoy-Fault-Delay-Request: 20", "X-Envoy-Fault-Abort-Request: 504")]),
    Configuration(
        "fault: fractions of the runtime, clusters and nodes",
        filters=filter_yaml("fault", "abort: {http_status: 500, percentage: {numerator: 0}}\nupstream_cluster: one\n"
                            "downstream_nodes: [n1]\nabort_percent_runtime: my.percent\nabort_http_status_runtime: my.status"),
        bootstrap="layered_runtime: {layers: [{name: static, static_layer: {my.percent: 100, my.status: 429}}]}",
        routes="- {match: {prefix: /two}, route: {cluster: two}}\n" + route("/"),
        requests=[get("/", "X-Envoy-Downstream-Service-Node: n1"), get("/", "X-Envoy-Downstream-Service-Node: n2"), get("/"),
                  get("/two", "X-Envoy-Downstream-Service-Node: n1")]),
    Configuration(
        "health_check: answered by the gateway",
        filters=filter_yaml("health_check", "pass_through_mode: false\nheaders: [{name: ':path', string_match: {exact: /healthz}}]"),
        requests=[get("/healthz"), get("/healthz?x"), get("/other"), request("HEAD", "/healthz", differs="head-framing: headers"), post("/healthz", b"")]),
    Configuration(
        "health_check: with a cluster's hosts",
        filters=filter_yaml("health_check", "pass_through_mode: false\nheaders: [{name: x-hc, present_match: true}]\n"
                            "cluster_min_healthy_percentages: {one: {value: 50}}") +
        filter_yaml("health_check", "pass_through_mode: false\nheaders: [{name: x-empty, present_match: true}]\n"
                    "cluster_min_healthy_percentages: {empty: {value: 50}}").replace("name: envoy", "name: second.envoy") +
        filter_yaml("health_check", "pass_through_mode: false\nheaders: [{name: x-none, present_match: true}]\n"
                    "cluster_min_healthy_percentages: {none: {value: 50}}").replace("name: envoy", "name: third.envoy"),
        bootstrap="node: {id: node, cluster: front-cluster}",
        requests=[get("/", "X-Hc: 1"), get("/", "X-Empty: 1"), get("/", "X-None: 1"), get("/")]),
    Configuration(
        "health_check: passed through",
        filters=filter_yaml("health_check", "pass_through_mode: true\nheaders: [{name: ':path', string_match: {exact: /healthz}}]"),
        requests=[get("/healthz"), get("/healthz", script=crlf("HTTP/1.1 503 No\nContent-Length: 0\n\n")), get("/other")]),
    Configuration(
        "health_check: passed through and remembered",
        filters=filter_yaml("health_check", "pass_through_mode: true\ncache_time: 60s\nheaders: [{name: ':path', string_match: {exact: /healthz}}]"),
        requests=[get("/healthz"), get("/healthz"), get("/other")]),
    Configuration(
        "health_check: a remembered failure",
        filters=filter_yaml("health_check", "pass_through_mode: true\ncache_time: 60s\nheaders: [{name: ':path', string_match: {exact: /healthz}}]"),
        requests=[get("/healthz", script=[READ, crlf("HTTP/1.1 503 No\nContent-Length: 0\n\n")]), get("/healthz")]),
    Configuration(
        "filters of requests that no route takes",
        vhosts="- {name: a, domains: [a.test], routes: [{match: {prefix: /}, route: {cluster: one}}]}",
        table="response_headers_to_add: [{header: {key: x-table, value: t}}]\ntyped_per_filter_config: " +
        per_route("buffer", "BufferPerRoute", "disabled: true"),
        filters=MAX_8 + filter_yaml("fault", "abort: {header_abort: {}, percentage: {numerator: 100}}") +
        filter_yaml("health_check", "pass_through_mode: false\nheaders: [{name: ':path', string_match: {exact: /healthz}}]") +
        filter_yaml("header_mutation", mutation("response_mutations", append("x-r", "%RESPONSE_CODE_DETAILS%"))),
        requests=[get("/"), get("/healthz", differs="filters-behind: headers"),
                  get("/", "X-Envoy-Fault-Abort-Request: 503", differs="filters-behind: headers"), post("/", b"1"), get("/", "Content-Type: application/grpc"),
                  get("/", "Host: a.test"), post("/", b"123456789", "Host: a.test")]),
]
