"""Configurations that are only loaded: what both refuse, and what both take though it looks odd."""
from case import Configuration, filter_yaml, per_route

DIRECT = "direct_response: {status: 200}"


def refused(name, **fields):
    return Configuration(f"refused: {name}", accepted=False, **fields)


def taken(name, **fields):
    return Configuration(f"taken: {name}", **fields)


def route(match="prefix: /", action=DIRECT, more=""):
    return f"- {{match: {{{match}}}, {action}{', ' + more if more else ''}}}"


def cluster(more, name="extra"):
    return f"- name: {name}\n  connect_timeout: 1s\n" + "".join(f"  {line}\n" for line in more.splitlines())


ENDPOINT = "load_assignment: {cluster_name: extra, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: " \
           "{address: %s, port_value: %s}}}}]}]}"
CUT = "pattern: {regex: '^/a'}, substitution: /b"

ROUTES = [
    refused("a route without a match", routes=f"- {{{DIRECT}}}"),
    refused("a match without a path", routes=route("headers: [{name: a, present_match: true}]")),
    refused("a route without an action", routes="- {match: {prefix: /}}"),
    refused("a regular expression that is none", routes=route("safe_regex: {regex: '('}")),
    refused("a path_separated_prefix with a slash at its end", routes=route("path_separated_prefix: /a/")),
    refused("a path_separated_prefix with a query", routes=route("path_separated_prefix: '/a?b'")),
    refused("ignore_case with safe_regex",
            routes=route("prefix: /, headers: [{name: a, string_match: {safe_regex: {regex: a}, ignore_case: true}}]")),
    refused("a header without a name", routes=route("prefix: /, headers: [{name: '', present_match: true}]")),
    refused("prefix_rewrite beside regex_rewrite",
            routes=route("prefix: /a", f"route: {{cluster: one, prefix_rewrite: /b, regex_rewrite: {{{CUT}}}}}")),
    refused("two host rewrites", routes=route(action="route: {cluster: one, host_rewrite_literal: a, auto_host_rewrite: true}")),
    refused("a substitution with a control byte",
            routes=route(action="route: {cluster: one, regex_rewrite: {pattern: {regex: a}, substitution: \"a\\nb\"}}")),
    refused("an unknown cluster", routes=route(action="route: {cluster: none}")),
    refused("an unknown weighted cluster", routes=route(action="route: {weighted_clusters: {clusters: [{name: none, weight: 1}]}}")),
    refused("weights that add up to nothing",
            routes=route(action="route: {weighted_clusters: {clusters: [{name: one, weight: 0}]}}")),
    refused("weighted clusters without a cluster", routes=route(action="route: {weighted_clusters: {clusters: []}}")),
    refused("a status of 99", routes=route(action="direct_response: {status: 99}")),
    refused("a status of 600", routes=route(action="direct_response: {status: 600}")),
    refused("a body above max_direct_response_body_size_bytes", table="max_direct_response_body_size_bytes: 4",
            routes=route(action="direct_response: {status: 200, body: {inline_string: hello}}")),
    refused("a body from a file that is not there",
            routes=route(action="direct_response: {status: 200, body: {filename: /no/such/file}}")),
    refused("a redirect by two ways", routes=route(action="redirect: {path_redirect: /a, prefix_rewrite: /b}")),
    refused("a path_redirect with a control byte", routes=route(action='redirect: {path_redirect: "/a\\n"}')),
    refused("a negative timeout", routes=route(action="route: {cluster: one, timeout: -1s}")),
    taken("a fraction above its denominator",
            routes=route("prefix: /, runtime_fraction: {default_value: {numerator: 101}}")),
    taken("a key written twice", table="name: again", differs="duplicate-keys: accepted"),
]

VHOSTS = [
    refused("a virtual host without domains", vhosts=f"- {{name: a, domains: [], routes: [{route()[2:]}]}}"),
    refused("a virtual host without a name", vhosts=f"- {{name: '', domains: ['*'], routes: [{route()[2:]}]}}"),
    refused("a domain twice in one virtual host", vhosts=f"- {{name: a, domains: [a.test, a.test], routes: [{route()[2:]}]}}"),
    refused("a domain of two virtual hosts",
            vhosts=f"- {{name: a, domains: [a.test], routes: [{route()[2:]}]}}\n- {{name: b, domains: [a.test], routes: [{route()[2:]}]}}"),
    refused("domains that differ in case only",
            vhosts=f"- {{name: a, domains: [a.test], routes: [{route()[2:]}]}}\n- {{name: b, domains: [A.test], routes: [{route()[2:]}]}}"),
    refused("any domain twice",
            vhosts=f"- {{name: a, domains: ['*'], routes: [{route()[2:]}]}}\n- {{name: b, domains: ['*'], routes: [{route()[2:]}]}}"),
    taken("a domain with an asterisk within", vhosts=f"- {{name: a, domains: [a.*.test], routes: [{route()[2:]}]}}"),
    taken("a virtual host without routes", vhosts="- {name: a, domains: ['*']}"),
]

HEADERS = [
    refused(f"a header {where} that may not be set: {key}", routes=route(more=f"{where}: [{{header: {{key: '{key}', value: x}}}}]"))
    for where, key in (("request_headers_to_add", ":path"), ("request_headers_to_add", "host"),
                       ("response_headers_to_add", ":status"), ("request_headers_to_add", ""))
] + [
    refused("a header that may not be removed", routes=route(more="request_headers_to_remove: [host]")),
    refused("a pseudo-header that may not be removed", routes=route(more="request_headers_to_remove: [':path']")),
    refused("an unknown operator", routes=route(more="response_headers_to_add: [{header: {key: a, value: '%NONE%'}}]")),
    refused("an operator without its end", routes=route(more="response_headers_to_add: [{header: {key: a, value: '%REQ(a'}}]")),
    refused("append beside append_action",
            routes=route(more="response_headers_to_add: [{header: {key: a, value: b}, append: true, append_action: ADD_IF_ABSENT}]")),
]

MANAGER = [
    refused("use_remote_address beside original_ip_detection_extensions", hcm="""
use_remote_address: true
original_ip_detection_extensions:
- name: envoy.http.original_ip_detection.xff
  typed_config: {"@type": type.googleapis.com/envoy.extensions.http.original_ip_detection.xff.v3.XffConfig, xff_num_trusted_hops: 1}
"""),
    refused("an unknown original_ip_detection extension", hcm="""
original_ip_detection_extensions:
- name: none
  typed_config: {"@type": type.googleapis.com/google.protobuf.Struct, value: {}}
"""),
    refused("strip_any_host_port beside strip_matching_host_port", hcm="strip_any_host_port: true\nstrip_matching_host_port: true"),
    refused("max_request_headers_kb of 0", hcm="max_request_headers_kb: 0"),
    refused("max_request_headers_kb above 8192", hcm="max_request_headers_kb: 8193"),
    refused("a prefix that is too long", hcm="internal_address_config: {cidr_ranges: [{address_prefix: 10.0.0.0, prefix_len: 129}]}"),
    refused("a prefix that is no address", hcm="internal_address_config: {cidr_ranges: [{address_prefix: ten, prefix_len: 8}]}"),
    refused("a server_name with a line break", hcm='server_name: "a\\nb"'),
    refused("an unknown field", hcm="no_such_field: 1"),
    refused("an unknown enum value", hcm="codec_type: HTTP9"),
    refused("a boolean that is none", hcm="merge_slashes: 7"),
    refused("a negative duration", hcm="request_timeout: -1s"),
    refused("a duration without a unit", hcm="request_timeout: 5"),
    refused("an access log without a path", more_logs="""
- name: envoy.access_loggers.file
  typed_config: {"@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: ""}
"""),
]

FILTERS = [
    refused("an unknown filter", filters='- {name: none, typed_config: {"@type": type.googleapis.com/envoy.none.v3.None}}'),
    refused("a filter without configuration", filters="- {name: envoy.filters.http.buffer}"),
    refused("a router before the last filter", filters='- {name: r, typed_config: {"@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}'),
    refused("a buffer without a limit", filters=filter_yaml("buffer")),
    refused("a buffer of 0 bytes", filters=filter_yaml("buffer", "max_request_bytes: 0")),
    refused("a health check without pass_through_mode", filters=filter_yaml("health_check")),
    refused("a health check that caches without passing through",
            filters=filter_yaml("health_check", "pass_through_mode: false\ncache_time: 5s")),
    taken("a health check of clusters that passes through",
            filters=filter_yaml("health_check", "pass_through_mode: true\ncluster_min_healthy_percentages: {one: {value: 10}}")),
    refused("an abort with status 199", filters=filter_yaml("fault", "abort: {http_status: 199, percentage: {numerator: 1}}")),
    refused("an abort with status 600", filters=filter_yaml("fault", "abort: {http_status: 600, percentage: {numerator: 1}}")),
    refused("a delay of nothing", filters=filter_yaml("fault", "delay: {fixed_delay: 0s, percentage: {numerator: 1}}")),
    refused("an abort of no kind", filters=filter_yaml("fault", "abort: {percentage: {numerator: 1}}")),
    refused("a mutation of :path by the filter",
            filters=filter_yaml("header_mutation", "mutations: {request_mutations: [{append: {header: {key: '', value: x}}}]}")),
    refused("a per-route configuration for a route that is malformed", filters=filter_yaml("buffer", "max_request_bytes: 9"),
            routes=route(more="typed_per_filter_config: " + per_route("buffer", "BufferPerRoute", "disabled: false"))),
]

CLUSTERS = [
    refused("a cluster without a name", clusters=cluster(ENDPOINT % ("127.0.0.1", 1), name="''")),
    refused("a cluster name twice", clusters=cluster(ENDPOINT % ("127.0.0.1", 1), name="one")),
    refused("a STATIC cluster with a host name", clusters=cluster(ENDPOINT % ("localhost", 1))),
    refused("a LOGICAL_DNS cluster with two endpoints", clusters=cluster(
        "type: LOGICAL_DNS\nload_assignment: {cluster_name: extra, endpoints: [{lb_endpoints: [" + ", ".join(
            ["{endpoint: {address: {socket_address: {address: localhost, port_value: 1}}}}"] * 2) + "]}]}")),
    refused("a port above 65535", clusters=cluster(ENDPOINT % ("127.0.0.1", 65536))),
    refused("a connect_timeout of 0", clusters=cluster(ENDPOINT % ("127.0.0.1", 1)).replace("1s", "0s")),
    refused("a weight of 0", clusters=cluster((ENDPOINT % ("127.0.0.1", 1)).replace("}}}}]}]}", "}}}, load_balancing_weight: 0}]}]}"))),
    refused("a load assignment without a cluster name", clusters=cluster((ENDPOINT % ("127.0.0.1", 1)).replace("cluster_name: extra, ", ""))),
    refused("unhealthy in lower letters that mean nothing", clusters=cluster((ENDPOINT % ("127.0.0.1", 1)).replace("}}}}]}]}", "}}}, health_status: ILL}]}]}"))),
    taken("a cluster without endpoints", clusters=cluster("type: STATIC")),
    taken("a cluster that no route uses", clusters=cluster(ENDPOINT % ("127.0.0.1", 1))),
    taken("a connect_timeout that is not set", clusters="- {name: extra, type: STATIC}"),
]

BOOTSTRAP = [
    refused("an unknown field at the top", bootstrap="no_such_field: 1"),
    refused("two runtime layers of one name",
            bootstrap="layered_runtime: {layers: [{name: a, static_layer: {}}, {name: a, static_layer: {}}]}"),
    refused("two admin layers", bootstrap="layered_runtime: {layers: [{name: a, admin_layer: {}}, {name: b, admin_layer: {}}]}"),
    refused("a runtime layer of no kind", bootstrap="layered_runtime: {layers: [{name: a}]}"),
]

CONFIGURATIONS = ROUTES + VHOSTS + HEADERS + MANAGER + FILTERS + CLUSTERS + BOOTSTRAP
