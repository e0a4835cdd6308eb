"""Header mutations of routes, with operators and append actions."""
from case import Configuration, crlf, get, post


def add(key, value, more=""):
    return f"{{header: {{key: {key}, value: '{value}'}}{', ' + more if more else ''}}}"


OPERATORS = ("%PROTOCOL%", "%REQ(:path)%", "%REQ(x-a)%", "%REQ(x-none)%", "%REQ(x-none?x-a)%", "%REQ(x-a):2%", "%%", "%ROUTE_NAME%",
             "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "%UPSTREAM_CLUSTER%",
             "a%REQ(x-a)%b%REQ(:method)%c", "%HOSTNAME:0%", "%DYNAMIC_METADATA(a:b)%",
             "%REQ(:authority)%", "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%",
             "%UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "%PATH(NQ)%", "%PATH(WQ:PATH)%", "%STREAM_ID:0%")
ACTIONS = ("APPEND_IF_EXISTS_OR_ADD", "ADD_IF_ABSENT", "OVERWRITE_IF_EXISTS_OR_ADD", "OVERWRITE_IF_EXISTS")
REPLY = crlf("HTTP/1.1 200 OK\nContent-Length: 0\nX-A: up\nX-B: 1\nX-B: 2\nX-Remove: 1\n\n")

CONFIGURATIONS = [
    Configuration(
        "operators in request headers",
        routes="- name: r\n  match: {prefix: /}\n  route: {cluster: one}\n  request_headers_to_add:\n" +
        "".join(f"  - {add(f'x-op-{number}', text)}\n" for number, text in enumerate(OPERATORS)
                if text not in ("%HOSTNAME:0%", "%STREAM_ID:0%")),
        requests=[get("/p?q", "X-A: abc"), get("/p"), get("/p", "X-A:"), get("/p", "X-A: one", "X-A: two")]),
    Configuration(
        "operators in response headers",
        routes="- name: r\n  match: {prefix: /}\n  route: {cluster: one}\n  response_headers_to_add:\n" + "".join(
            f"  - {add(f'x-op-{number}', text)}\n" for number, text in enumerate((
                "%RESP(x-a)%", "%RESP(:status)%", "%RESPONSE_CODE%", "%RESPONSE_FLAGS%", "%REQ(x-a)%", "%UPSTREAM_CLUSTER%",
                "%RESPONSE_CODE_DETAILS%", "%RESP(none?x-a)%", "%REQ(:path)%", "%UPSTREAM_HOST%"))),
        requests=[get("/p?q", "X-A: abc", script=REPLY), get("/p"), get("/p", script=crlf("HTTP/1.1 503 Bad\nContent-Length: 0\n\n"))]),
    Configuration(
        "values are taken before anything is added",
        routes=f"""
- match: {{prefix: /}}
  route: {{cluster: one}}
  request_headers_to_add: [{add('x-1', 'a')}, {add('x-2', '%REQ(x-1)%')}, {add('x-3', 'o', 'append_action: OVERWRITE_IF_EXISTS_OR_ADD')},
    {add('x-3', 'a')}, {add('x-4', 'a')}, {add('x-4', 'o', 'append_action: OVERWRITE_IF_EXISTS_OR_ADD')},
    {add('x-5', '1', 'append_action: ADD_IF_ABSENT')}, {add('x-5', '2', 'append_action: ADD_IF_ABSENT')}]
""",
        requests=[get("/"), get("/", "X-1: client", "X-3: c", "X-4: c", "X-5: c")]),
    Configuration(
        "bytes of headers",
        routes=f"- {{match: {{prefix: /}}, route: {{cluster: one}}, request_headers_to_add: [{add('x-n', '%REQUEST_HEADERS_BYTES%')}]}}",
        requests=[get("/")]),
    Configuration(
        "append actions on requests",
        routes="".join(f"""
- match: {{prefix: /{number}}}
  route: {{cluster: one}}
  request_headers_to_add: [{add('x-a', 'new', f'append_action: {action}')}, {add('x-b', '', f'append_action: {action}')},
    {add('x-c', '', f'append_action: {action}, keep_empty_value: true')}]
""" for number, action in enumerate(ACTIONS)),
        requests=[get(f"/{number}", *lines) for number in range(len(ACTIONS))
                  for lines in ((), ("X-A: old", "X-B: old", "X-C: old"), ("X-A: 1", "X-A: 2"))]),
    Configuration(
        "append actions on responses",
        routes="".join(f"""
- match: {{prefix: /{number}}}
  route: {{cluster: one}}
  response_headers_to_add: [{add('x-a', 'new', f'append_action: {action}')}, {add('x-b', 'n', f'append_action: {action}')}]
  response_headers_to_remove: [x-remove, x-envoy-upstream-service-time]
""" for number, action in enumerate(ACTIONS)),
        requests=[get(f"/{number}", script=script) for number in range(len(ACTIONS)) for script in (None, REPLY)]),
    Configuration(
        "layers",
        table=f"request_headers_to_add: [{add('x-l', 'table')}]\nresponse_headers_to_add: [{add('x-l', 'table')}]\n"
        "request_headers_to_remove: [x-table]\nresponse_headers_to_remove: [x-remove]",
        vhosts=f"""
- name: v
  domains: ['*']
  request_headers_to_add: [{add('x-l', 'vhost')}]
  response_headers_to_add: [{add('x-l', 'vhost')}]
  request_headers_to_remove: [x-vhost]
  routes:
  - match: {{prefix: /}}
    request_headers_to_add: [{add('x-l', 'route')}]
    response_headers_to_add: [{add('x-l', 'route')}]
    request_headers_to_remove: [x-route]
    route:
      weighted_clusters:
        clusters:
        - {{name: one, weight: 1, request_headers_to_add: [{add('x-l', 'weighted')}], response_headers_to_add: [{add('x-l', 'weighted')}]}}
""",
        requests=[get("/", "X-L: client", "X-Table: 1", "X-Vhost: 1", "X-Route: 1", script=REPLY), get("/")]),
    Configuration(
        "most_specific_header_mutations_wins",
        table=f"most_specific_header_mutations_wins: true\n"
        f"request_headers_to_add: [{add('x-l', 'table', 'append_action: OVERWRITE_IF_EXISTS_OR_ADD')}]\n"
        f"response_headers_to_add: [{add('x-l', 'table')}]",
        vhosts=f"""
- name: v
  domains: ['*']
  request_headers_to_add: [{add('x-l', 'vhost', 'append_action: OVERWRITE_IF_EXISTS_OR_ADD')}]
  response_headers_to_add: [{add('x-l', 'vhost')}]
  routes:
  - match: {{prefix: /}}
    request_headers_to_add: [{add('x-l', 'route', 'append_action: OVERWRITE_IF_EXISTS_OR_ADD')}]
    response_headers_to_add: [{add('x-l', 'route')}]
    route: {{cluster: one}}
""",
        requests=[get("/", "X-L: client"), get("/")]),
    Configuration(
        "mutations of local replies",
        vhosts=f"""
- name: v
  domains: ['*']
  response_headers_to_add: [{add('x-code', '%RESPONSE_CODE%')}, {add('x-details', '%RESPONSE_CODE_DETAILS%')}, {add('x-flags', '%RESPONSE_FLAGS%')}]
  routes:
  - {{match: {{prefix: /direct}}, direct_response: {{status: 200, body: {{inline_string: x}}}}}}
  - {{match: {{prefix: /redirect}}, redirect: {{host_redirect: o.test}}}}
  - {{match: {{prefix: /down}}, route: {{cluster: down}}}}
  - {{match: {{prefix: /empty}}, route: {{cluster: empty}}}}
""",
        requests=[get("/direct"), get("/redirect"), get("/down", differs="connect-failure: log"), get("/empty"), get("/none")]),
    Configuration(
        "attempt counts, x-envoy headers",
        vhosts="""
- name: v
  domains: ['*']
  include_request_attempt_count: true
  include_attempt_count_in_response: true
  routes:
  - {match: {prefix: /}, route: {cluster: one, timeout: 5s}}
""",
        requests=[get("/"), get("/", "X-Envoy-Attempt-Count: 7", "X-Envoy-Upstream-Rq-Timeout-Ms: 100",
                                "X-Envoy-Expected-Rq-Timeout-Ms: 50", "X-Envoy-Original-Path: /o", "X-Envoy-Internal: true",
                                "X-Envoy-Max-Retries: 3", "X-Envoy-Retry-On: 5xx", "X-Envoy-External-Address: 1.2.3.4",
                                "X-Envoy-Other: kept", "X-Envoy-Decorator-Operation: d"),
                  get("/", script=crlf("HTTP/1.1 200 OK\nContent-Length: 0\nX-Envoy-Upstream-Service-Time: x\n"
                                       "X-Envoy-Attempt-Count: 3\nX-Envoy-Overloaded: 1\nX-Envoy-Decorator-Operation: d\n\n"))]),
    Configuration(
        "suppress_envoy_headers",
        router="suppress_envoy_headers: true",
        routes="- {match: {prefix: /p}, route: {cluster: one, timeout: 5s, prefix_rewrite: /x, host_rewrite_literal: o.test}}\n"
        "- {match: {prefix: /down}, route: {cluster: down}}",
        requests=[get("/p"), get("/down", differs="connect-failure: log"), get("/p", "X-Envoy-Original-Path: /o")]),
    Configuration(
        "strict_check_headers",
        hcm="use_remote_address: true\ninternal_address_config: {cidr_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}",
        router="strict_check_headers: [x-envoy-upstream-rq-timeout-ms, x-envoy-retry-on, x-envoy-max-retries]",
        requests=[get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: 5000"), get("/", "X-Envoy-Upstream-Rq-Timeout-Ms: x"),
                  get("/", "X-Envoy-Retry-On: 5xx,nonsense"), get("/", "X-Envoy-Max-Retries: -1"),
                  get("/", "X-Envoy-Max-Retries: 2")]),
    Configuration(
        "internal_only_headers",
        hcm="use_remote_address: true\ninternal_address_config: {cidr_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}",
        table="internal_only_headers: [x-secret, x-other]",
        requests=[get("/", "X-Secret: 1", "X-Other: 2", "X-Third: 3"), post("/", b"abc", "X-Secret: 1")]),
]
