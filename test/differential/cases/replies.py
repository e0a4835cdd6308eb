"""What the gateway itself answers: local_reply_config, and the form that gRPC clients read."""
from case import HANG, READ, RESET, Configuration, filter_yaml, get, post, raw, request

GRPC = "Content-Type: application/grpc"
ROUTES = """
- {match: {prefix: /direct200}, direct_response: {status: 200, body: {inline_string: "hi"}}}
- {match: {prefix: /direct404}, direct_response: {status: 404, body: {inline_string: "nope ~ 100%"}}}
- {match: {prefix: /typed}, direct_response: {status: 200, body: {inline_string: "{}"}}, response_headers_to_add: [{header: {key: content-type, value: application/json}}]}
- {match: {prefix: /teapot}, direct_response: {status: 418}}
- {match: {prefix: /redirect}, redirect: {path_redirect: /x}}
- {match: {prefix: /none}, route: {cluster_header: x-cluster}}
- {match: {prefix: /timeout}, route: {cluster: one, timeout: 0.2s}}
- {match: {prefix: /duration}, route: {cluster: one, max_stream_duration: {max_stream_duration: 0.2s}}}
- {match: {prefix: /routed}, route: {cluster: one}}
"""
FAULT = filter_yaml("fault", "abort: {header_abort: {}, percentage: {numerator: 100}}")
HEADERS = "response_headers_to_add: [{header: {key: x-route, value: 'r-%RESPONSE_CODE%'}}]"


def replies(*headers):
    return [get("/direct200", *headers), get("/direct404", *headers), get("/typed", *headers),
            get("/teapot", *headers), get("/redirect", *headers), get("/none", *headers), get("/elsewhere", *headers),
            get("/timeout", *headers, script=[READ, HANG]),
            get("/routed", *headers, script=[READ, RESET]), get("/routed", *headers),
            get("/routed", "X-Envoy-Fault-Abort-Request: 429", *headers),
            get("/routed", "X-Envoy-Fault-Abort-Grpc-Request: 7", *headers)]


CONFIGURATIONS = [
    Configuration("replies as they are", routes=ROUTES, table=HEADERS, filters=FAULT, requests=[*replies(), get("/duration", script=[READ, HANG])]),
    Configuration(
        "replies to gRPC requests", routes=ROUTES, table=HEADERS, filters=FAULT,
        requests=[*replies(GRPC), get("/direct404", GRPC + "+proto"), get("/direct404", GRPC + "-web"),
                  get("/direct404", GRPC + ";x=1"), post("/direct404", b"abc", GRPC, differs="early-answer: headers end log"),
                  request("HEAD", "/direct404", GRPC, differs="head-framing: headers")]),
    Configuration(
        "one format for all replies", routes=ROUTES, table=HEADERS, filters=FAULT,
        hcm="""
local_reply_config:
  body_format:
    text_format_source: {inline_string: "%LOCAL_REPLY_BODY%|%RESPONSE_CODE%|%RESPONSE_CODE_DETAILS%|%RESPONSE_FLAGS%|%RESP(X-ROUTE)%|%REQ(:PATH)%"}
""",
        requests=[*replies(), *replies(GRPC), request("HEAD", "/direct404"),
                  raw("GET / HTTP/1.0\nHost: h.test\n\n", differs="refusal-flags: headers body log")]),
    Configuration(
        "mappers", routes=ROUTES, table=HEADERS, filters=FAULT,
        hcm="""
local_reply_config:
  mappers:
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: all}}}}
    status_code: 503
    body: {inline_string: "mapped body"}
    headers_to_add:
    - {header: {key: x-mapped, value: "%RESPONSE_CODE%-%RESP(:status)%"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}
    body_format_override: {json_format: {status: "%RESPONSE_CODE%", text: "%LOCAL_REPLY_BODY%", path: "%REQ(:path)%", why: {details: "%RESPONSE_CODE_DETAILS%"}}}
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: body}}}}
    body: {inline_string: "only a body"}
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: type}}}}
    headers_to_add: [{header: {key: content-type, value: "x/y"}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: nothing}}}}
    body_format_override: {text_format_source: {inline_string: ""}}
  - filter: {header_filter: {header: {name: x-m, string_match: {exact: html}}}}
    body_format_override: {text_format_source: {inline_string: "<b>%LOCAL_REPLY_BODY%</b>"}, content_type: "text/html; charset=UTF-8"}
  - filter: {response_flag_filter: {flags: [NR, UT]}}
    status_code: 500
  - filter:
      and_filter:
        filters:
        - {status_code_filter: {comparison: {op: GE, value: {default_value: 400, runtime_key: k}}}}
        - {status_code_filter: {comparison: {op: LE, value: {default_value: 499, runtime_key: k}}}}
    status_code: 422
""",
        requests=[*replies(), *replies(GRPC), *replies("X-M: all"), *replies(GRPC, "X-M: all"), *replies("X-M: html"),
                  *replies("X-M: body"), *replies("X-M: type"), *replies("X-M: nothing"),
                  request("HEAD", "/direct404", "X-M: all")]),
    Configuration(
        "a reply made to have no content", routes=ROUTES,
        hcm="""
local_reply_config:
  mappers:
  - filter: {status_code_filter: {comparison: {op: EQ, value: {default_value: 418, runtime_key: k}}}}
    status_code: 204
    body: {inline_string: "none"}
""",
        requests=[get("/teapot", differs="no-content: headers log"), get("/direct404")]),
    Configuration("a mapper without a filter", hcm="local_reply_config: {mappers: [{status_code: 500}]}", accepted=False),
    Configuration("a mapper with an unknown operator",
                  hcm="local_reply_config: {body_format: {text_format_source: {inline_string: '%NONE%'}}}", accepted=False),
]
