"""What is believed of a client, and what is said about it to the upstream."""
from case import Configuration, get, raw

XFF = "X-Forwarded-For: 1.1.1.1, 2.2.2.2,3.3.3.3"
INTERNAL = "internal_address_config: {cidr_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}, {address_prefix: 10.0.0.0, prefix_len: 8}]}"


def detection(name, more):
    kind = {"xff": "xff.v3.XffConfig", "custom_header": "custom_header.v3.CustomHeaderConfig"}[name]
    return f"""original_ip_detection_extensions:
- name: envoy.http.original_ip_detection.{name}
  typed_config: {{"@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.{kind}, {more}}}
"""


FORWARDED = [get("/"), get("/", XFF), get("/", "X-Forwarded-For: 10.1.1.1"), get("/", "X-Forwarded-For: junk"),
             get("/", "X-Forwarded-For: 1.1.1.1:80, [2001:db8::1]:8080"), get("/", "X-Forwarded-For: 2001:db8::1"),
             get("/", "X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 2.2.2.2"), get("/", "X-Forwarded-For:"),
             get("/", "X-Forwarded-Proto: https"), get("/", "X-Forwarded-Proto: ftp"), get("/", "X-Forwarded-Host: f.test", "X-Forwarded-Port: 1"),
             get("/", "X-Envoy-Internal: true", "X-Envoy-External-Address: 9.9.9.9", "X-Real-Ip: 9.9.9.9", "Forwarded: for=9.9.9.9"),
             get("/", "X-Request-Id: mine"), get("/", "X-Client-Trace-Id: t"), get("/", XFF, "X-Request-Id: mine")]

CONFIGURATIONS = [
    Configuration("x-forwarded-for: nothing set", requests=FORWARDED),
    Configuration("x-forwarded-for: use_remote_address", hcm="use_remote_address: true", requests=FORWARDED),
    Configuration("x-forwarded-for: use_remote_address, internal addresses", hcm=f"use_remote_address: true\n{INTERNAL}", requests=FORWARDED),
    Configuration("x-forwarded-for: internal addresses", hcm=INTERNAL, requests=FORWARDED),
    Configuration("x-forwarded-for: one trusted hop", hcm="xff_num_trusted_hops: 1", requests=FORWARDED),
    Configuration("x-forwarded-for: one trusted hop and use_remote_address", hcm="use_remote_address: true\nxff_num_trusted_hops: 1",
                  requests=FORWARDED),
    Configuration("x-forwarded-for: more hops than there are", hcm="use_remote_address: true\nxff_num_trusted_hops: 5", requests=FORWARDED),
    Configuration("x-forwarded-for: skip_xff_append", hcm="use_remote_address: true\nskip_xff_append: true", requests=FORWARDED),
    Configuration("x-forwarded-port: append_x_forwarded_port", hcm="append_x_forwarded_port: true",
                  requests=[get("/"), get("/", "X-Forwarded-Port: 1"), get("/", "Host: h.test:8080")]),
    Configuration("original_ip_detection: xff by hops", hcm=detection("xff", "xff_num_trusted_hops: 1"), requests=FORWARDED),
    Configuration("original_ip_detection: xff by trusted ranges", requests=FORWARDED, hcm=detection(
        "xff", "xff_trusted_cidrs: {cidrs: [{address_prefix: 127.0.0.0, prefix_len: 8}, {address_prefix: 3.0.0.0, prefix_len: 8}]}")),
    Configuration("original_ip_detection: xff, appending", hcm=detection("xff", "xff_num_trusted_hops: 1, skip_xff_append: false"),
                  requests=FORWARDED),
    Configuration(
        "original_ip_detection: a header",
        hcm=detection("custom_header", "header_name: x-real-ip, allow_extension_to_set_address_as_trusted: true") + INTERNAL,
        requests=[get("/", "X-Real-Ip: 10.1.1.1"), get("/", "X-Real-Ip: 1.1.1.1"), get("/", "X-Real-Ip: junk"), get("/", XFF), get("/")]),
    Configuration(
        "original_ip_detection: a header that must be there",
        hcm=detection("custom_header", "header_name: x-real-ip, reject_with_status: {code: Unauthorized}"),
        requests=[get("/", "X-Real-Ip: 1.1.1.1"), get("/", "X-Real-Ip: junk"), get("/")]),
    Configuration("request ids: none made", hcm="generate_request_id: false",
                  requests=[get("/"), get("/", "X-Request-Id: mine")]),
    Configuration("request ids: kept from outside", hcm="use_remote_address: true\npreserve_external_request_id: true",
                  requests=[get("/"), get("/", "X-Request-Id: mine")]),
    Configuration("request ids: replaced from outside", hcm="use_remote_address: true", requests=[get("/", "X-Request-Id: mine")]),
    Configuration("request ids: in the response", hcm="always_set_request_id_in_response: true",
                  routes="- {match: {prefix: /d}, direct_response: {status: 200}}\n- {match: {prefix: /r}, redirect: {path_redirect: /}}\n"
                  "- {match: {prefix: /}, route: {cluster: one}}",
                  requests=[get("/"), get("/", "X-Request-Id: mine"), get("/d", "X-Request-Id: mine"), get("/r", "X-Request-Id: mine"),
                            raw("GET / HTTP/1.1\n\n", differs="parse-errors: headers body flags details log")]),
    Configuration("server, via, user-agent", hcm="server_name: s\nvia: v\nadd_user_agent: true", bootstrap="node: {id: node, cluster: front}",
                  routes="- {match: {prefix: /d}, direct_response: {status: 200}}\n- {match: {prefix: /}, route: {cluster: one}}",
                  requests=[get("/"), get("/", "Via: before", "User-Agent: ua"), get("/d"), get("/", "User-Agent:"),
                            get("/", script=b"HTTP/1.1 200 OK\r\nServer: up\r\nVia: up\r\nContent-Length: 0\r\n\r\n")]),
    Configuration("server_header_transformation: APPEND_IF_ABSENT", hcm="server_header_transformation: APPEND_IF_ABSENT",
                  requests=[get("/"), get("/", script=b"HTTP/1.1 200 OK\r\nServer: up\r\nContent-Length: 0\r\n\r\n")]),
    Configuration("server_header_transformation: PASS_THROUGH", hcm="server_header_transformation: PASS_THROUGH",
                  routes="- {match: {prefix: /d}, direct_response: {status: 200}}\n- {match: {prefix: /}, route: {cluster: one}}",
                  requests=[get("/"), get("/d"), get("/", script=b"HTTP/1.1 200 OK\r\nServer: up\r\nContent-Length: 0\r\n\r\n")]),
    Configuration("strip_matching_host_port", hcm="strip_matching_host_port: true",
                  requests=[get("/", "Host: h.test:80"), get("/", "Host: h.test"), get("/", "Host: [::1]:80")]),
    Configuration("strip_any_host_port", hcm="strip_any_host_port: true",
                  requests=[get("/", "Host: h.test:80"), get("/", "Host: h.test:"), get("/", "Host: [::1]:80"), get("/", "Host: h.test.:80")]),
    Configuration("strip_trailing_host_dot", hcm="strip_trailing_host_dot: true",
                  requests=[get("/", "Host: h.test."), get("/", "Host: h.test.:80"), get("/", "Host: h.test.."), get("/", "Host: .", differs="empty-host: upstream log"),
                            get("/", "Host: h.test:99.", differs="invalid-host: status headers body end upstream flags details log")]),
    Configuration("strip_trailing_host_dot and strip_any_host_port", hcm="strip_trailing_host_dot: true\nstrip_any_host_port: true",
                  requests=[get("/", "Host: h.test.:80"), get("/", "Host: h.test.")]),
    Configuration("underscores: rejected", hcm="common_http_protocol_options: {headers_with_underscores_action: REJECT_REQUEST}",
                  requests=[get("/", "X_A: 1", differs="underscore-log: log"), get("/", "X-A: _")]),
    Configuration("underscores: dropped", hcm="common_http_protocol_options: {headers_with_underscores_action: DROP_HEADER}",
                  requests=[get("/", "X_A: 1", "X-B: 2", "_: 3"), get("/")]),
]
