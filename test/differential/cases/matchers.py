"""Headers, query parameters, cookies and fractions in a route's match."""
from case import Configuration, get, raw


def header_route(name, matcher):
    return f"- {{name: {name}, match: {{prefix: /{name}, headers: [{{name: x-h, {matcher}}}]}}, " \
           f"direct_response: {{status: 200, body: {{inline_string: {name}}}}}}}\n"


def query_route(name, matcher):
    return f"- {{name: {name}, match: {{prefix: /{name}, query_parameters: [{{name: q, {matcher}}}]}}, " \
           f"direct_response: {{status: 200, body: {{inline_string: {name}}}}}}}\n"


def values(path, *lines):
    return [get(path, *([line] if isinstance(line, str) else line)) for line in lines]


CONFIGURATIONS = [
    Configuration(
        "headers: string_match",
        routes=header_route("exact", "string_match: {exact: abc}") +
        header_route("joined", "string_match: {exact: 'a,b'}") +
        header_route("prefix", "string_match: {prefix: ab}") +
        header_route("suffix", "string_match: {suffix: bc}") +
        header_route("contains", "string_match: {contains: b}") +
        header_route("regex", "string_match: {safe_regex: {regex: 'a.c'}}") +
        header_route("ignore", "string_match: {exact: AbC, ignore_case: true}") +
        header_route("icontains", "string_match: {contains: B, ignore_case: true}"),
        requests=values("/exact", "X-H: abc", "X-H: ABC", "X-H: abcd", "X-H:", ["X-H: abc", "X-H: x"], ["X-H: x", "X-H: abc"],
                        ["X-H: a", "X-H: bc"], "X-H:  abc  ", "Y: abc") +
        values("/joined", "X-H: a,b", ["X-H: a", "X-H: b"]) +
        values("/prefix", "X-H: abx", "X-H: xab", "X-H: AB") + values("/suffix", "X-H: xbc", "X-H: bcx") +
        values("/contains", "X-H: abc", "X-H: aBc") + values("/regex", "X-H: axc", "X-H: xaxc", "X-H: ac") +
        values("/ignore", "X-H: aBc", "X-H: aBcd") + values("/icontains", "X-H: xbx", "X-H: xx")),
    Configuration(
        "headers: range, present, invert",
        routes=header_route("range", "range_match: {start: -10, end: 10}") +
        header_route("present", "present_match: true") +
        header_route("absent", "present_match: false") +
        header_route("notpresent", "present_match: true, invert_match: true") +
        header_route("inverted", "string_match: {exact: a}, invert_match: true") +
        header_route("bare", "invert_match: false") +
        header_route("notrange", "range_match: {start: 0, end: 10}, invert_match: true"),
        requests=values("/range", "X-H: 0", "X-H: -10", "X-H: 10", "X-H: 9", "X-H: +5", "X-H: 5x", "X-H: 1.5", "X-H:",
                        "X-H: 99999999999999999999", "Y: 1") +
        values("/present", "X-H: a", "X-H:", "Y: a") + values("/absent", "X-H: a", "Y: a") +
        values("/notpresent", "X-H: a", "Y: a") + values("/inverted", "X-H: a", "X-H: b", "Y: a", ["X-H: a", "X-H: b"]) +
        values("/bare", "X-H: a", "Y: a") + values("/notrange", "X-H: 5", "X-H: 10", "X-H: x", "Y: a")),
    Configuration(
        "headers: treat_missing_header_as_empty",
        routes=header_route("exact", "string_match: {exact: ''}, treat_missing_header_as_empty: true") +
        header_route("inverted", "string_match: {exact: a}, invert_match: true, treat_missing_header_as_empty: true") +
        header_route("regex", "string_match: {safe_regex: {regex: '.*'}}, treat_missing_header_as_empty: true") +
        header_route("present", "present_match: true, treat_missing_header_as_empty: true") +
        header_route("range", "range_match: {start: 0, end: 9}, treat_missing_header_as_empty: true"),
        requests=[get(path, line) for path in ("/exact", "/inverted", "/regex", "/present", "/range")
                  for line in ("X-H: a", "X-H:", "Y: a")]),
    Configuration(
        "headers: pseudo and known ones",
        routes="""
- {name: post, match: {prefix: /m, headers: [{name: ':method', string_match: {exact: POST}}]}, direct_response: {status: 200}}
- {name: auth, match: {prefix: /a, headers: [{name: ':authority', string_match: {prefix: h}}]}, direct_response: {status: 200}}
- {name: host, match: {prefix: /h, headers: [{name: host, string_match: {prefix: h}}]}, direct_response: {status: 200}}
- {name: path, match: {prefix: /, headers: [{name: ':path', string_match: {suffix: z}}]}, direct_response: {status: 200}}
- {name: scheme, match: {prefix: /s, headers: [{name: ':scheme', string_match: {exact: http}}]}, direct_response: {status: 200}}
- {name: agent, match: {prefix: /u, headers: [{name: User-Agent, string_match: {exact: 'a,b'}}]}, direct_response: {status: 200}}
- {name: xff, match: {prefix: /f, headers: [{name: x-forwarded-for, string_match: {contains: '9.9'}}]}, direct_response: {status: 200}}
- {name: two, match: {prefix: /t, headers: [{name: a, present_match: true}, {name: b, present_match: true}]}, direct_response: {status: 200}}
- {name: cookie, match: {prefix: /c, headers: [{name: cookie, string_match: {exact: 'a=1; b=2'}}]}, direct_response: {status: 200}}
- {name: cl, match: {prefix: /l, headers: [{name: content-length, string_match: {exact: '0'}}]}, direct_response: {status: 200}}
- {name: te, match: {prefix: /k, headers: [{name: connection, present_match: true}]}, direct_response: {status: 200}}
""",
        requests=[get("/m"), raw("POST /m HTTP/1.1\nHost: h\nContent-Length: 0\n\n"), get("/a"), get("/a", "Host: x"),
                  get("/h"), get("/h", "Host: x"), get("/xyz"), get("/xyz?q"), get("/s"),
                  get("/u", "User-Agent: a", "User-Agent: b"), get("/u", "User-Agent: a,b"),
                  get("/f", "X-Forwarded-For: 9.9.9.9"), get("/f"), get("/t", "A: 1"), get("/t", "A: 1", "B: 2"),
                  get("/c", "Cookie: a=1; b=2"), get("/c", "Cookie: a=1", "Cookie: b=2", differs="cookie-lines: status flags details log"),
                  raw("POST /l HTTP/1.1\nHost: h\nContent-Length: 0\n\n"), get("/k", "Connection: keep-alive")]),
    Configuration(
        "deprecated header matchers",
        routes=header_route("exact", "exact_match: abc") + header_route("prefix", "prefix_match: ab") +
        header_route("suffix", "suffix_match: bc") + header_route("contains", "contains_match: b") +
        header_route("regex", "safe_regex_match: {regex: 'a.c'}"),
        requests=[get(path, line) for path in ("/exact", "/prefix", "/suffix", "/contains", "/regex")
                  for line in ("X-H: abc", "X-H: abcb")]),
    Configuration(
        "query_parameters",
        routes=query_route("exact", "string_match: {exact: abc}") + query_route("present", "present_match: true") +
        query_route("regex", "string_match: {safe_regex: {regex: '[0-9]+'}}") + query_route("bare", "present_match: false") +
        query_route("icase", "string_match: {prefix: AB, ignore_case: true}"),
        requests=[get(target) for target in (
            "/exact?q=abc", "/exact?q=abc&x=1", "/exact?x=1&q=abc", "/exact?q=ABC", "/exact?q=x&q=abc", "/exact?q=abc&q=x",
            "/exact?Q=abc", "/exact?q=a%62c", "/exact?q", "/exact", "/exact?aq=abc", "/exact?;q=abc",
            "/exact?q=abc=d", "/exact?&&q=abc", "/exact?%71=abc", "/present?q", "/present?q=", "/present?x=q", "/present?q=1",
            "/regex?q=12", "/regex?q=12a", "/bare?q=1", "/bare?x", "/icase?q=abX")]),
    Configuration(
        "cookies",
        routes="""
- {name: exact, match: {prefix: /e, cookies: [{name: c, string_match: {exact: abc}}]}, direct_response: {status: 200}}
- {name: inverted, match: {prefix: /i, cookies: [{name: c, string_match: {exact: abc}, invert_match: true}]}, direct_response: {status: 200}}
- {name: regex, match: {prefix: /r, cookies: [{name: c, string_match: {safe_regex: {regex: '[0-9]+'}}}]}, direct_response: {status: 200}}
- {name: two, match: {prefix: /t, cookies: [{name: c, string_match: {prefix: a}}, {name: d, string_match: {prefix: b}}]}, direct_response: {status: 200}}
""",
        requests=values("/e", "Cookie: c=abc", "Cookie: d=1; c=abc", "Cookie: c=\"abc\"", "Cookie: c=x; c=abc", "Cookie: C=abc",
                        "Cookie: c=abc;d=1", ["Cookie: d=1", "Cookie: c=abc"], "Y: a", "Cookie: c = abc", "Cookie: cc=abc") +
        values("/i", "Cookie: c=abc", "Cookie: c=x", "Y: a") + values("/r", "Cookie: c=12", "Cookie: c=1a") +
        values("/t", "Cookie: c=a; d=b", "Cookie: c=a")),
    Configuration(
        "runtime_fraction 0 and 100",
        routes="""
- {name: never, match: {prefix: /, runtime_fraction: {default_value: {numerator: 0}}}, direct_response: {status: 200, body: {inline_string: never}}}
- {name: always, match: {prefix: /a, runtime_fraction: {default_value: {numerator: 100}}}, direct_response: {status: 200, body: {inline_string: always}}}
- {name: million, match: {prefix: /m, runtime_fraction: {default_value: {numerator: 1000000, denominator: MILLION}}}, direct_response: {status: 200}}
- {name: keyed, match: {prefix: /k, runtime_fraction: {default_value: {numerator: 0}, runtime_key: some.key}}, direct_response: {status: 200}}
""",
        bootstrap="layered_runtime: {layers: [{name: static, static_layer: {some.key: 100}}]}",
        requests=[get("/a"), get("/m"), get("/k"), get("/x")]),
    Configuration(
        "grpc routes",
        routes="""
- {name: grpc, match: {prefix: /, grpc: {}}, route: {cluster: one}}
- {name: rest, match: {prefix: /}, route: {cluster: two}}
""",
        requests=[get("/", "Content-Type: application/grpc"), get("/", "Content-Type: application/grpc+proto"),
                  get("/", "Content-Type: application/grpcx"), get("/", "Content-Type: text/plain"), get("/")]),
]
