"""What a route does: clusters, weights, redirects, direct responses."""
from case import Configuration, get, post, raw, request

CONFIGURATIONS = [
    Configuration(
        "cluster, cluster_header, unknown cluster",
        table="validate_clusters: false",
        routes="""
- {match: {prefix: /one}, route: {cluster: one}}
- {match: {prefix: /two}, route: {cluster: two}}
- {match: {prefix: /h}, route: {cluster_header: x-cluster}}
- {match: {prefix: /none}, route: {cluster: none}}
- {match: {prefix: /n404}, route: {cluster: none, cluster_not_found_response_code: NOT_FOUND}}
- {match: {prefix: /n500}, route: {cluster_header: x-cluster, cluster_not_found_response_code: INTERNAL_SERVER_ERROR}}
""",
        requests=[get("/one"), get("/two"), get("/h", "X-Cluster: two"), get("/h", "X-Cluster: none"), get("/h"),
                  get("/h", "X-Cluster:"), get("/h", "X-Cluster: one", "X-Cluster: two"), get("/none"), get("/n404"),
                  get("/n500"), request("HEAD", "/none", differs="head-framing: headers"), post("/one", b"abc"), post("/none", b"abc", differs="early-answer: headers end log")]),
    Configuration(
        "weighted clusters",
        routes="""
- {match: {prefix: /a}, route: {weighted_clusters: {clusters: [{name: one, weight: 100}, {name: two, weight: 0}]}}}
- {match: {prefix: /b}, route: {weighted_clusters: {clusters: [{name: one, weight: 0}, {name: two, weight: 7}]}}}
- match: {prefix: /h}
  route: {weighted_clusters: {clusters: [{cluster_header: x-cluster, weight: 1}]}}
- match: {prefix: /v}
  route: {weighted_clusters: {header_name: x-random, clusters: [{name: one, weight: 30}, {name: two, weight: 30}, {name: three, weight: 40}]}}
- match: {prefix: /m}
  route:
    weighted_clusters:
      clusters:
      - name: one
        weight: 1
        request_headers_to_add: [{header: {key: x-in, value: w}}]
        request_headers_to_remove: [x-out]
        response_headers_to_add: [{header: {key: x-w, value: '%UPSTREAM_CLUSTER%'}}]
        response_headers_to_remove: [x-upstream]
""",
        requests=[get("/a"), get("/b"), get("/h", "X-Cluster: three"), get("/h"), get("/v", "X-Random: 0"),
                  get("/v", "X-Random: 29"), get("/v", "X-Random: 30"), get("/v", "X-Random: 60"), get("/v", "X-Random: 161"),
                  get("/m", "X-Out: 1")]),
    Configuration(
        "redirects",
        routes=r"""
- {match: {prefix: /host}, redirect: {host_redirect: other.test}}
- {match: {prefix: /path}, redirect: {path_redirect: /elsewhere}}
- {match: {prefix: /pathq}, redirect: {path_redirect: '/elsewhere?fixed=1'}}
- {match: {prefix: /https}, redirect: {https_redirect: true}}
- {match: {prefix: /scheme}, redirect: {scheme_redirect: ftp}}
- {match: {prefix: /mixed}, redirect: {scheme_redirect: HtTpS}}
- {match: {prefix: /port}, redirect: {port_redirect: 8443, https_redirect: true}}
- {match: {prefix: /strip}, redirect: {path_redirect: /s, strip_query: true}}
- {match: {prefix: /rewrite}, redirect: {prefix_rewrite: /rewritten}}
- {match: {prefix: /regex/}, redirect: {regex_rewrite: {pattern: {regex: '^/regex/(.*)$'}, substitution: '/got/\1'}}}
- {match: {prefix: /301}, redirect: {response_code: MOVED_PERMANENTLY}}
- {match: {prefix: /302}, redirect: {response_code: FOUND, host_redirect: x.test}}
- {match: {prefix: /303}, redirect: {response_code: SEE_OTHER, host_redirect: x.test}}
- {match: {prefix: /307}, redirect: {response_code: TEMPORARY_REDIRECT, host_redirect: x.test}}
- {match: {prefix: /308}, redirect: {response_code: PERMANENT_REDIRECT, host_redirect: x.test}}
- {match: {prefix: /bare/}, redirect: {regex_rewrite: {pattern: {regex: '^/bare/(.*)$'}, substitution: '\1'}}}
- {match: {prefix: /all}, redirect: {https_redirect: true, host_redirect: x.test, port_redirect: 1, path_redirect: /p, strip_query: true}}
""",
        requests=[get(target) for target in (
            "/host", "/host/x?y=z", "/path?x=1", "/pathq?x=1", "/https/x?y", "/scheme", "/port", "/strip?x", "/301", "/302", "/303", "/307", "/308", "/all?x")] +
        [get("/https", "Host: h.test:80"), get("/https", "Host: h.test:8080"), get("/host", "Host: h.test:8080"),
         get("/port", "Host: h.test:8080"), get("/https", "Host: [::1]:80"), request("HEAD", "/host", differs="head-framing: headers"),
         post("/host", b""), get("/https", "X-Forwarded-Proto: https"), get("/rewrite/x?q=1", differs="logged-path: log"), get("/regex/x?q=1", differs="logged-path: log"),
         get("/bare/.other.test/x", differs="rewritten: status headers body details log"), get("/bare//x", differs="logged-path: log"),
         get("/rewrite%2f", differs="logged-path: log"), get("/scheme", "Host: h.test:443"), get("/mixed", "Host: h.test:80")]),
    Configuration(
        "require_tls",
        vhosts="""
- {name: all, domains: [a.test], require_tls: ALL, routes: [{match: {prefix: /}, route: {cluster: one}}]}
- {name: external, domains: [e.test], require_tls: EXTERNAL_ONLY, routes: [{match: {prefix: /}, route: {cluster: one}}]}
""",
        requests=[get("/x?y", "Host: a.test"), get("/x", "Host: a.test", "X-Forwarded-Proto: https"), get("/", "Host: e.test"),
                  get("/", "Host: e.test", "X-Envoy-Internal: true"), get("/", "Host: e.test", "X-Forwarded-For: 10.0.0.1")]),
    Configuration(
        "direct responses",
        routes="""
- {match: {prefix: /200}, direct_response: {status: 200, body: {inline_string: hello}}}
- {match: {prefix: /204}, direct_response: {status: 204}}
- {match: {prefix: /304}, direct_response: {status: 304}}
- {match: {prefix: /201}, direct_response: {status: 201}}
- {match: {prefix: /302}, direct_response: {status: 302}}
- {match: {prefix: /404}, direct_response: {status: 404, body: {inline_string: 'not here'}}}
- {match: {prefix: /503}, direct_response: {status: 503}}
- {match: {prefix: /499}, direct_response: {status: 499}}
- {match: {prefix: /299}, direct_response: {status: 299}}
- {match: {prefix: /418}, direct_response: {status: 418}}
- {match: {prefix: /598}, direct_response: {status: 598, body: {inline_string: odd}}}
- {match: {prefix: /bytes}, direct_response: {status: 200, body: {inline_bytes: aGVsbG8=}}}
- match: {prefix: /typed}
  direct_response: {status: 200, body: {inline_string: '{}'}}
  response_headers_to_add: [{header: {key: content-type, value: application/json}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}]
""",
        requests=[get("/200"), request("HEAD", "/200"), get("/204"), get("/304"), get("/201?x"), get("/302"), get("/404"),
                  get("/503"), get("/598"), get("/499"), get("/299"), get("/418"), get("/bytes"), get("/typed"), raw("GET /200 HTTP/1.1\nHost: h\nConnection: close\n\n"),
                  post("/200", b"")]),
    Configuration(
        "failing upstreams",
        routes="""
- {match: {prefix: /down}, route: {cluster: down}}
- {match: {prefix: /empty}, route: {cluster: empty}}
""",
        requests=[get("/down", differs="connect-failure: log"), get("/empty"), request("HEAD", "/down", differs="connect-failure: log"), request("HEAD", "/empty"),
                  get("/empty", "Content-Type: application/json")]),
    Configuration(
        "circuit breakers: no requests, no connections, no pending ones",
        routes="""
- {match: {prefix: /r}, route: {cluster: requests}}
- {match: {prefix: /p}, route: {cluster: pending}}
- {match: {prefix: /c}, route: {cluster: connections}}
""",
        clusters="\n".join(f"""
- name: {name}
  connect_timeout: 1s
  circuit_breakers: {{thresholds: [{{{limit}}}]}}
  load_assignment:
    cluster_name: {name}
    endpoints: [{{lb_endpoints: [{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: $one}}}}}}}}]}}]
""" for name, limit in (("requests", "max_requests: 0"), ("pending", "max_pending_requests: 0"),
                        ("connections", "max_connections: 0, max_pending_requests: 0"))),
        requests=[get("/r", differs="overflow-host: log"), get("/p"), get("/c")]),
]
