"""Timeouts and limits, each of them reached."""
from case import ALL, ANSWER, HANG, READ, Configuration, crlf, get, post, raw

SLOW = [READ, HANG]
GRPC = "Content-Type: application/grpc"
HALF = [READ, crlf("HTTP/1.1 200 OK\nContent-Length: 4\n\nab"), HANG]
INTERNAL = "use_remote_address: true\ninternal_address_config: {cidr_ranges: [{address_prefix: 0.0.0.0, prefix_len: 0}]}"


def upstream_options(more):
    return f"""typed_extension_protocol_options:
  envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
    "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
    explicit_http_config: {{http_protocol_options: {{}}}}
    {more}"""


CONFIGURATIONS = [
    Configuration(
        "timeouts of routes",
        routes="- {match: {prefix: /short}, route: {cluster: one, timeout: 0.2s}}\n- {match: {prefix: /}, route: {cluster: one, timeout: 0s}}",
        requests=[get("/short", script=SLOW), get("/short", script=HALF, differs="broken-response: end"), get("/short"), get("/"), post("/short", b"abc", script=SLOW)]),
    Configuration(
        "timeouts that callers of ours may set", hcm=INTERNAL, requests=[
            get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: 200", script=SLOW), get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: x"),
            get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: 0"), get("/", "X-Envoy-Expected-Rq-Timeout-Ms: 7")]),
    Configuration(
        "timeouts that the caller before us expects", hcm=INTERNAL, router="respect_expected_rq_timeout: true", requests=[
            get("/", "X-Envoy-Expected-Rq-Timeout-Ms: 200", script=SLOW), get("/", "X-Envoy-Expected-Rq-Timeout-Ms: x"), get("/")]),
    Configuration(
        "timeouts that a caller from outside would like", router="respect_expected_rq_timeout: true", requests=[
            get("/", "X-Envoy-Expected-Rq-Timeout-Ms: 200"), get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: 200")]),
    Configuration(
        "grpc-timeout",
        routes="- {match: {prefix: /}, route: {cluster: one, max_stream_duration: {grpc_timeout_header_max: 10s, grpc_timeout_header_offset: 0.1s}}}",
        requests=[get("/", GRPC, "Grpc-Timeout: 300m", script=SLOW), get("/", GRPC, "Grpc-Timeout: 5S"), get("/", GRPC, "Grpc-Timeout: 99999999H"),
                  get("/", GRPC, "Grpc-Timeout: x"), get("/", GRPC), get("/", "Grpc-Timeout: 300m", script=SLOW), get("/", "Grpc-Timeout: 5S")]),
    Configuration(
        "grpc-timeout of a route's own", routes="- {match: {prefix: /}, route: {cluster: one, max_stream_duration: {max_stream_duration: 3s}}}",
        requests=[get("/", GRPC), get("/", GRPC, "Grpc-Timeout: 5S"), get("/", "Grpc-Timeout: 5S")]),
    Configuration(
        "grpc-timeout in place of other limits", hcm="common_http_protocol_options: {max_stream_duration: 0.4s}",
        routes="- {match: {prefix: /both}, route: {cluster: one, max_stream_duration: {max_stream_duration: 0.1s, grpc_timeout_header_max: 2s}}}\n"
        "- {match: {prefix: /ever}, route: {cluster: one, max_stream_duration: {max_stream_duration: 0s}}}\n"
        "- {match: {prefix: /}, route: {cluster: one, timeout: 0.1s, max_stream_duration: {}}}",
        requests=[get("/both", GRPC, "Grpc-Timeout: 300m", script=SLOW), get("/both", GRPC, script=SLOW), get("/both", GRPC, "Grpc-Timeout: x"),
                  get("/ever", GRPC, "Grpc-Timeout: 5S"), get("/", GRPC, "Grpc-Timeout: 5S"), get("/", GRPC, script=SLOW)]),
    Configuration(
        "max_stream_duration of the manager", hcm="common_http_protocol_options: {max_stream_duration: 0.2s}",
        routes="- {match: {prefix: /longer}, route: {cluster: one, max_stream_duration: {max_stream_duration: 20s}}}\n"
        "- {match: {prefix: /}, route: {cluster: one}}",
        requests=[get("/", script=SLOW), get("/", script=HALF, differs="broken-response: end"), get("/"), get("/longer")]),
    Configuration(
        "stream_idle_timeout", hcm="stream_idle_timeout: 0.2s",
        requests=[get("/", script=SLOW), get("/", script=HALF, differs="broken-response: end"), raw("POST / HTTP/1.1\nHost: h.test\nContent-Length: 4\n\nab")]),
    Configuration(
        "idle_timeout of a route", routes="- {match: {prefix: /}, route: {cluster: one, idle_timeout: 0.2s}}",
        requests=[get("/", script=SLOW), get("/")]),
    Configuration(
        "request_timeout", hcm="request_timeout: 0.2s",
        requests=[raw("POST / HTTP/1.1\nHost: h.test\nContent-Length: 4\n\nab"), post("/", b"abcd"), raw("GET / HTTP/1.1\nHost: h.test\nX-A: ")]),
    Configuration("request_headers_timeout", hcm="request_headers_timeout: 0.2s", requests=[raw("GET / HTTP/1.1\nHo"), get("/")]),
    Configuration(
        "requests of a connection", hcm="common_http_protocol_options: {max_requests_per_connection: 2}",
        requests=[raw("GET /1 HTTP/1.1\nHost: h.test\n\n", ANSWER, "GET /2 HTTP/1.1\nHost: h.test\n\n", responses=ALL)]),
    Configuration(
        "requests of a connection to the upstream", cluster=upstream_options("common_http_protocol_options: {max_requests_per_connection: 1}"),
        requests=[raw("GET /1 HTTP/1.1\nHost: h.test\n\n", ANSWER, "GET /2 HTTP/1.1\nHost: h.test\n\n", responses=2)]),
    Configuration(
        "headers of a response", cluster=upstream_options("common_http_protocol_options: {max_headers_count: 5, max_response_headers_kb: 1}"),
        requests=[get("/", script=crlf("HTTP/1.1 200 OK\n" + "".join(f"X-{n}: 1\n" for n in range(4)) + "Content-Length: 0\n\n")),
                  get("/", script=crlf("HTTP/1.1 200 OK\n" + "".join(f"X-{n}: 1\n" for n in range(6)) + "Content-Length: 0\n\n")),
                  get("/", script=crlf("HTTP/1.1 200 OK\nX: " + "v" * 2000 + "\nContent-Length: 0\n\n"))]),
    Configuration(
        "request_body_buffer_limit and bodies that are not buffered",
        routes="- {match: {prefix: /}, route: {cluster: one}, request_body_buffer_limit: 4}", requests=[post("/", b"123456789")]),
    Configuration(
        "a circuit breaker of the other priority",
        routes="- {match: {prefix: /high}, route: {cluster: b, priority: HIGH}}\n- {match: {prefix: /}, route: {cluster: b}}",
        clusters="""
- name: b
  connect_timeout: 1s
  circuit_breakers: {thresholds: [{priority: DEFAULT, max_requests: 0}, {priority: HIGH, max_requests: 10}]}
  load_assignment: {cluster_name: b, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $one}}}}]}]}
""",
        requests=[get("/high"), get("/", differs="overflow-host: log")]),
    Configuration(
        "hosts that take no load",
        routes="- {match: {prefix: /ill}, route: {cluster: ill}}\n- {match: {prefix: /some}, route: {cluster: some}}",
        clusters="""
- name: ill
  connect_timeout: 1s
  common_lb_config: {healthy_panic_threshold: {value: 0}}
  load_assignment: {cluster_name: ill, endpoints: [{lb_endpoints: [{health_status: UNHEALTHY, endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $one}}}}]}]}
- name: some
  connect_timeout: 1s
  load_assignment: {cluster_name: some, endpoints: [{lb_endpoints: [{health_status: DRAINING, endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $one}}}}, {endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: $two}}}}]}]}
""",
        requests=[get("/ill"), get("/some"), get("/some")]),
    Configuration(
        "names that are looked up",
        routes="- {match: {prefix: /strict}, route: {cluster: strict, auto_host_rewrite: true}}\n- {match: {prefix: /logical}, route: {cluster: logical, auto_host_rewrite: true}}\n"
        "- {match: {prefix: /named}, route: {cluster: named, auto_host_rewrite: true, append_x_forwarded_host: true}}",
        clusters="\n".join(f"""
- name: {name}
  type: {kind}
  connect_timeout: 1s
  dns_lookup_family: V4_ONLY
  load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{{endpoint: {{{more}address: {{socket_address: {{address: {address}, port_value: $one}}}}}}}}]}}]}}
""" for name, kind, address, more in (("strict", "STRICT_DNS", "localhost", ""), ("logical", "LOGICAL_DNS", "localhost", ""),
                                      ("named", "STATIC", "127.0.0.1", "hostname: named.test, "))),
        requests=[get("/strict"), get("/logical"), get("/named")]),
]
