"""The filters that refuse requests while upstreams are in trouble: adaptive_concurrency and admission_control."""
from case import HANG, READ, Configuration, Fields, crlf, filter_yaml, get, http2, http2_fields, post

SLOW = [READ, HANG]
ROUTES = "- {match: {prefix: /}, route: {cluster: one, timeout: 0.3s}}"
FAILED = crlf("HTTP/1.1 503 No\nContent-Length: 0\n\n")
CALL = "Content-Type: application/grpc"
HCM = "http_protocol_options: {enable_trailers: true}"
CLUSTER = """\
typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {http_protocol_options: {enable_trailers: true}}"""


def limit(min_rtt="interval: 100s, min_concurrency: 1", more="", limits=""):
    return filter_yaml("adaptive_concurrency", "gradient_controller_config:\n"
                       f"  concurrency_limit_params: {{concurrency_update_interval: 0.1s{limits}}}\n"
                       f"  min_rtt_calc_params: {{{min_rtt}}}\n{more}")


def together(*fields):
    """Two requests at once, of which the upstream answers neither."""
    return http2(*(Fields(http2_fields("GET", "/", *fields), end=True, stream=stream) for stream in (1, 3)), script=SLOW)


# Surely, once anything has failed: any share to the power of 1 / aggression is almost 1.
SURELY = "aggression: {default_value: 1000000000}\nmax_rejection_probability: {default_value: {value: 100}}\n"


def admission(more=SURELY, criteria="{}"):
    return filter_yaml("admission_control", f"success_criteria: {criteria}\n{more}")


def answered(status, more="", trailers=""):
    if not trailers:
        return get("/", script=crlf(f"HTTP/1.1 {status} X\nContent-Length: 0\n{more}\n"))
    head = f"HTTP/1.1 {status} X\nContent-Type: application/grpc\nTransfer-Encoding: chunked\n\n0\n{trailers}\n"
    return post("/s.S/M", b"", CALL, script=crlf(head))


def called(status):
    return answered(200, trailers=f"grpc-status: {status}\n")


LIMITS = [
    Configuration("adaptive_concurrency: beyond the limit", routes=ROUTES, filters=limit(), requests=[together(), get("/"), together(CALL)]),
    Configuration("adaptive_concurrency: a status of its own", routes=ROUTES,
                  filters=limit(more="concurrency_limit_exceeded_status: {code: TooManyRequests}"), requests=[together(), together(CALL)]),
    Configuration("adaptive_concurrency: a status that is no error", routes=ROUTES,
                  filters=limit(more="concurrency_limit_exceeded_status: {code: OK}"), requests=[together()]),
    Configuration("adaptive_concurrency: within the limit", routes=ROUTES,
                  filters=limit("interval: 100s, min_concurrency: 2"), requests=[together()]),
    Configuration("adaptive_concurrency: off", routes=ROUTES,
                  filters=limit(more="enabled: {default_value: true, runtime_key: adaptive_concurrency.enabled}"),
                  bootstrap="layered_runtime: {layers: [{name: static, static_layer: {adaptive_concurrency.enabled: false}}]}",
                  requests=[together()]),
    Configuration("adaptive_concurrency: a limit of the runtime", routes=ROUTES, filters=limit(),
                  bootstrap="layered_runtime: {layers: [{name: static, static_layer: "
                  "{adaptive_concurrency.gradient_controller.min_concurrency: 2}}]}", requests=[together()]),
    Configuration("adaptive_concurrency: health checks", routes=ROUTES,
                  filters=filter_yaml("health_check", "pass_through_mode: true\nheaders: [{name: x-hc, present_match: true}]") + limit(),
                  requests=[together("x-hc: 1")]),
]

ADMISSION = [
    Configuration("admission_control: after a failure", filters=admission(),
                  requests=[get("/"), answered(404), get("/"), get("/", script=FAILED), get("/"), post("/s.S/M", b"", CALL)]),
    Configuration("admission_control: after a failed call", hcm=HCM, cluster=CLUSTER, filters=admission(),
                  requests=[called(0), called(5), called(16), called(14), get("/")]),
    Configuration("admission_control: after what only looks like a call", filters=admission(),
                  requests=[answered(503, "Content-Type: application/grpc\ngrpc-status: 0\n"), get("/")]),
    Configuration("admission_control: after no upstream was there", filters=admission(),
                  routes="- {match: {prefix: /e}, route: {cluster: empty}}\n" + ROUTES,
                  requests=[get("/"), get("/e"), get("/")]),
    Configuration("admission_control: successes of its own", hcm=HCM, cluster=CLUSTER,
                  filters=admission(criteria="{http_criteria: {http_success_status: [{start: 200, end: 300}, {start: 503, end: 504}]}, "
                                    "grpc_criteria: {grpc_success_status: [14]}}"),
                  requests=[get("/"), get("/", script=FAILED), called(14), answered(404), get("/")]),
    Configuration("admission_control: few requests", filters=admission(SURELY + "rps_threshold: {default_value: 100}"),
                  requests=[get("/", script=FAILED), get("/"), get("/")]),
    Configuration("admission_control: a threshold that is kept", filters=admission(SURELY + "sr_threshold: {default_value: {value: 50}}"),
                  requests=[get("/"), get("/"), get("/", script=FAILED), get("/"), get("/", script=FAILED), get("/", script=FAILED), get("/")]),
    Configuration("admission_control: no share at all", filters=admission("max_rejection_probability: {default_value: {value: 0}}"),
                  requests=[get("/", script=FAILED), get("/", script=FAILED), get("/")]),
    Configuration("admission_control: off", filters=admission(SURELY + "enabled: {default_value: true, runtime_key: on}"),
                  bootstrap="layered_runtime: {layers: [{name: static, static_layer: {on: false}}]}",
                  requests=[get("/", script=FAILED), get("/", script=FAILED), get("/")]),
    Configuration("admission_control: the runtime's values",
                  filters=admission("max_rejection_probability: {default_value: {value: 100}, runtime_key: most}\n"
                                    "aggression: {default_value: 1000000000}"),
                  bootstrap="layered_runtime: {layers: [{name: static, static_layer: {most: 0}}]}",
                  requests=[get("/", script=FAILED), get("/", script=FAILED), get("/")]),
]


def refused(name, filters):
    return Configuration(f"refused: {name}", accepted=False, filters=filters)


def taken(name, filters):
    return Configuration(f"taken: {name}", filters=filters)


def http_range(start, end):
    return f"{{http_criteria: {{http_success_status: [{{start: {start}, end: {end}}}]}}}}"


LOADED = [
    refused("a limit without a best latency", limit("request_count: 5")),
    refused("a best latency measured all the time", limit("interval: 0.0001s")),
    taken("a best latency that is fixed", limit("fixed_value: 1s")),
    taken("a best latency that is fixed and measured", limit("interval: 1s, fixed_value: 1s")),
    taken("a least limit above the largest", limit(limits=", max_concurrency_limit: 2, min_concurrency_limit: 5")),
    refused("admission without criteria", filter_yaml("admission_control", "sampling_window: 1s")),
    refused("a success below 100", admission(criteria=http_range(99, 300))),
    refused("a success above 599", admission(criteria=http_range(100, 601))),
    refused("successes the wrong way round", admission(criteria=http_range(400, 300))),
    taken("no successes", admission(criteria=http_range(300, 300))),
    refused("a gRPC status of 17", admission(criteria="{grpc_criteria: {grpc_success_status: [17]}}")),
    refused("a threshold below 1%", admission("sr_threshold: {default_value: {value: 0.5}}")),
    refused("a threshold without a value", admission("sr_threshold: {}")),
    refused("a window before now", admission("sampling_window: -1s")),
    taken("a window of less than a second", admission("sampling_window: 0.4s")),
    taken("a window of thirty years", admission("sampling_window: 1000000000s")),
    taken("an aggression below 1", admission("aggression: {default_value: -1}")),
]

CONFIGURATIONS = LIMITS + ADMISSION + LOADED
