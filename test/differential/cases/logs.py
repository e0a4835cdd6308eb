"""Which exchanges an access log takes, and in which form."""
from case import HANG, READ, RESET, Configuration, crlf, filter_yaml, get

ROUTES = """
- {match: {prefix: /200}, direct_response: {status: 200}}
- {match: {prefix: /404}, direct_response: {status: 404}}
- {match: {prefix: /503}, direct_response: {status: 503}}
- {match: {prefix: /one}, route: {cluster: one, timeout: 0.2s}}
- {match: {prefix: /empty}, route: {cluster: empty}}
"""
GRPC = "Content-Type: application/grpc"


def logged(name, text, requests, **more):
    return Configuration(f"log filter: {name}", routes=ROUTES, log_filter=f"filter: {{{text}}}", requests=requests, **more)


def comparison(op, value, key="k"):
    return f"comparison: {{op: {op}, value: {{default_value: {value}, runtime_key: {key}}}}}"


STATUSES = [get("/200"), get("/404"), get("/503"), get("/none"), get("/empty")]
TAKEN = [get("/one"), get("/one", "X-L: yes"), get("/one", "X-L: no"), get("/200", "X-L: yes")]
FRACTIONS = [get("/200"), get("/200", "X-Request-Id: 7b674932-635d-4ceb-b907-12674f8c7267")]

CONFIGURATIONS = [
    logged("statuses from 400 on", f"status_code_filter: {{{comparison('GE', 400)}}}", STATUSES),
    logged("statuses up to 404", f"status_code_filter: {{{comparison('LE', 404)}}}", STATUSES),
    logged("one status", f"status_code_filter: {{{comparison('EQ', 503)}}}", STATUSES),
    logged("any but one status", f"status_code_filter: {{{comparison('NE', 503)}}}", STATUSES),
    logged("a status that the runtime sets", f"status_code_filter: {{{comparison('EQ', 200, 'my.status')}}}", STATUSES,
           bootstrap="layered_runtime: {layers: [{name: static, static_layer: {my.status: 404}}]}"),
    logged("durations", f"duration_filter: {{{comparison('GE', 150)}}}", [get("/one", script=[READ, HANG]), get("/200")]),
    logged("no health checks", "not_health_check_filter: {}", [get("/healthz"), get("/200")],
           filters=filter_yaml("health_check", "pass_through_mode: false\nheaders: [{name: ':path', string_match: {exact: /healthz}}]")),
    logged("a header", "header_filter: {header: {name: x-l, string_match: {exact: 'yes'}}}", TAKEN),
    logged("without a header", "header_filter: {header: {name: x-l, present_match: true, invert_match: true}}", TAKEN),
    logged("any flag", "response_flag_filter: {}", [*STATUSES, get("/one", script=[READ, HANG]), get("/one", script=[READ, RESET])]),
    logged("some flags", "response_flag_filter: {flags: [UT, UH]}",
           [*STATUSES, get("/one", script=[READ, HANG]), get("/one", script=[READ, RESET])]),
    logged("gRPC statuses", "grpc_status_filter: {statuses: [UNAVAILABLE, NOT_FOUND]}",
           [get("/404", GRPC), get("/200", GRPC), get("/empty", GRPC), get("/404"),
            get("/one", GRPC, script=crlf("HTTP/1.1 200 OK\nContent-Length: 0\ngrpc-status: 5\n\n")),
            get("/one", GRPC, script=crlf("HTTP/1.1 200 OK\nContent-Length: 0\ngrpc-status: 0\n\n"))]),
    logged("all but some gRPC statuses", "grpc_status_filter: {statuses: [OK], exclude: true}",
           [get("/404", GRPC), get("/200", GRPC), get("/one", GRPC, script=crlf("HTTP/1.1 200 OK\nContent-Length: 0\ngrpc-status: 0\n\n"))]),
    logged("both of two", "and_filter: {filters: [{header_filter: {header: {name: x-l, present_match: true}}}, "
           f"{{status_code_filter: {{{comparison('EQ', 404)}}}}}]}}", [get("/404", "X-L: 1"), get("/404"), get("/200", "X-L: 1")]),
    logged("one of two", "or_filter: {filters: [{header_filter: {header: {name: x-l, present_match: true}}}, "
           f"{{status_code_filter: {{{comparison('EQ', 404)}}}}}]}}", [get("/404", "X-L: 1"), get("/404"), get("/200", "X-L: 1"), get("/200")]),
    logged("none of them by fraction", "runtime_filter: {runtime_key: k, percent_sampled: {numerator: 0}}", FRACTIONS),
    logged("all of them by fraction", "runtime_filter: {runtime_key: k, percent_sampled: {numerator: 100}, use_independent_randomness: true}", FRACTIONS),
    logged("all of them by the runtime", "runtime_filter: {runtime_key: my.fraction, percent_sampled: {numerator: 0}}", FRACTIONS,
           bootstrap="layered_runtime: {layers: [{name: static, static_layer: {my.fraction: 100}}]}"),
    Configuration("refused: a log filter of two kinds in one", accepted=False,
                  log_filter="filter: {not_health_check_filter: {}, response_flag_filter: {}}"),
    Configuration("refused: a log filter with an unknown flag", accepted=False, log_filter="filter: {response_flag_filter: {flags: [NOPE]}}"),
    Configuration("refused: and_filter of one", accepted=False, log_filter="filter: {and_filter: {filters: [{not_health_check_filter: {}}]}}"),
    Configuration("refused: a comparison without a value", accepted=False,
                  log_filter="filter: {status_code_filter: {comparison: {op: EQ}}}"),
]
