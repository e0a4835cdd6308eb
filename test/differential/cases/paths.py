"""Which route takes a path, and what the path becomes."""
from case import Configuration, get, raw


def direct(name, match):
    return f"- {{name: {name}, match: {{{match}}}, direct_response: {{status: 200, body: {{inline_string: {name}}}}}}}\n"


def routes(*pairs):
    return "".join(direct(name, match) for name, match in pairs)


CONFIGURATIONS = [
    Configuration(
        "path, prefix, path_separated_prefix",
        routes=routes(("path", "path: /exact"), ("separated", "path_separated_prefix: /seg/ment"),
                      ("longer", "prefix: /pre/longer"), ("prefix", "prefix: /pre"), ("slash", "prefix: /s/"),
                      ("query", "path: '/q'")),
        requests=[get(target) for target in (
            "/exact", "/exact?a=b", "/exact/", "/exacts", "/Exact", "/exact%20", "/exact;v=1",
            "/seg/ment", "/seg/ment/", "/seg/ment/x", "/seg/ment?x", "/seg/mentx", "/seg/men", "/SEG/ment",
            "/pre", "/prefix", "/pre/longer", "/pre/longe", "/pre?x", "/PRE", "/s", "/s/", "/s/x", "/q?", "/q??", "/")]),
    Configuration(
        "case_sensitive: false",
        routes=routes(("path", "path: /Exact, case_sensitive: false"), ("prefix", "prefix: /Pre, case_sensitive: false"),
                      ("separated", "path_separated_prefix: /Seg, case_sensitive: false")),
        requests=[get(target) for target in ("/EXACT", "/exact?Q", "/PREfix", "/pre", "/seg/X", "/SEG", "/segx")]),
    Configuration(
        "first match wins",
        routes=routes(("one", "prefix: /a/b"), ("two", "path: /a/b/c"), ("three", "safe_regex: {regex: '/a/.*'}"),
                      ("four", "prefix: /a"), ("five", "path: /a")),
        requests=[get(target) for target in ("/a/b/c", "/a/b", "/a/c", "/a", "/a/", "/b")]),
    Configuration(
        "safe_regex",
        routes=routes(("digits", "safe_regex: {regex: '/n/[0-9]+'}"), ("either", "safe_regex: {regex: '/(x|y)/.*z'}"),
                      ("insensitive", "safe_regex: {regex: '(?i)/CaSe'}"), ("dot", "safe_regex: {regex: '/d.t'}")),
        requests=[get(target) for target in (
            "/n/12", "/n/12?q=/x", "/n/12/", "/n/", "/x/aaz", "/y/z?z", "/y/za", "/case", "/CASE", "/d.t", "/dot", "/d%2Et")]),
    Configuration(
        "no normalisation",
        routes=routes(("a", "prefix: /a"), ("rest", "prefix: /")),
        requests=[get(target) for target in (
            "/b/../a", "/./a", "//a", "/%61", "/a%2fb", "/a%2Fb", "/a%5cb", "/a%00b", "/a%zz", "/a%", "/..", "/a/.",
            "/a|b", "/a{b}", "/a^b", "/a`b", "/a<b>", "/a'b", "/a[b]", "/a?b|c")] +
        [get(target, differs="log-escapes: log") for target in ("/a\\b", '/a"b')] +
        [get(target, differs="fragment-in-target: headers body flags details log") for target in ("/a#b", "/a?x#y")]),
    Configuration(
        "normalize_path",
        hcm="normalize_path: true",
        routes="- {match: {prefix: /a}, route: {cluster: one}}\n- {match: {prefix: /}, route: {cluster: two}}",
        requests=[get(target) for target in (
            "/b/../a", "/./a", "//a", "/%61", "/%41x", "/a%2fb", "/a%5cb", "/a%00b", "/a%zz", "/a\\b", "/b/%2e%2e/a", "/..",
            "/../..", "/a/.", "/a/..", "/a/b/../", "/a/%7eb", "/a?x=/../b", "/a?x=%61", "/a/./b//c", "/b/..%2fa", "/a%20b",
            "/a|b", "/a{b}", "/a\"b<c>", "/a^b", "/a`b", "/a'b[c]", "/a%7C", "/a;x/../b", "/%C3%A9", "/a?")]),
    Configuration(
        "merge_slashes",
        hcm="merge_slashes: true",
        requests=[get(target) for target in ("//a", "/a//b", "/a///b//", "/a?x=//b", "/a%2f%2fb", "/a/b")] +
        [get(target, differs="merge-slashes-root: upstream log") for target in ("///", "//?//")]),
    Configuration(
        "normalize_path and merge_slashes",
        hcm="normalize_path: true\nmerge_slashes: true",
        requests=[get(target) for target in ("//a/..//b", "/a//../b", "/a/..//..//b", "/.//a", "/a//./b")]),
    Configuration(
        "path_with_escaped_slashes_action REJECT_REQUEST",
        hcm="path_with_escaped_slashes_action: REJECT_REQUEST",
        requests=[get(target) for target in ("/a%2eb", "/a?x=%2f", "/a%252fb")] + [
            get(target, differs="logged-path: log") for target in ("/a%2fb", "/a%2Fb", "/a%5cb", "/a%5Cb")]),
    Configuration(
        "path_with_escaped_slashes_action UNESCAPE_AND_REDIRECT",
        hcm="path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT",
        requests=[get("/ab")] + [get(target, differs="logged-path: log") for target in (
            "/a%2fb", "/a%5cb", "/a%2fb?q=%2f", "/a%2f..%2fb")]),
    Configuration(
        "path_with_escaped_slashes_action UNESCAPE_AND_REDIRECT with normalisation",
        hcm="path_with_escaped_slashes_action: UNESCAPE_AND_REDIRECT\nnormalize_path: true\nmerge_slashes: true",
        requests=[get("/a//b"), get("/a/../b")] + [get(target, differs="logged-path: log") for target in (
            "/a%2f%2fb", "/a%2f..%2fb", "/%2f%2fhost/x")]),
    Configuration(
        "path_with_escaped_slashes_action UNESCAPE_AND_FORWARD",
        hcm="path_with_escaped_slashes_action: UNESCAPE_AND_FORWARD\nmerge_slashes: true\nnormalize_path: true",
        requests=[get("/a%2fb"), get("/a%5cb"), get("/a%2f%2Fb"), get("/a%2f..%2fb"), get("/%2fa?x=%2f")]),
    Configuration(
        "path_with_escaped_slashes_action KEEP_UNCHANGED",
        hcm="path_with_escaped_slashes_action: KEEP_UNCHANGED\nnormalize_path: true",
        requests=[get("/a%2fb"), get("/a%5cb"), get("/a%2f..%2fb")]),
    Configuration(
        "prefix_rewrite",
        routes="""
- {match: {prefix: /api/}, route: {cluster: one, prefix_rewrite: /}}
- {match: {prefix: /v1}, route: {cluster: one, prefix_rewrite: /v2}}
- {match: {path: /whole}, route: {cluster: one, prefix_rewrite: /other}}
- {match: {path_separated_prefix: /sep}, route: {cluster: one, prefix_rewrite: /}}
- {match: {path_separated_prefix: /keep}, route: {cluster: one, prefix_rewrite: /kept}}
- {match: {safe_regex: {regex: '/re/[0-9]+'}}, route: {cluster: one, prefix_rewrite: /all}}
- {match: {prefix: /Case, case_sensitive: false}, route: {cluster: one, prefix_rewrite: /case}}
""",
        requests=[get(target) for target in (
            "/api/x", "/api/", "/api/?q=1", "/api/x?q=/api/", "/v1", "/v1/x", "/v1x", "/whole", "/whole?q", "/sep", "/sep/x",
            "/sep?q", "/keep/x", "/keep", "/re/12?x", "/cASE/x", "/api//x")]),
    Configuration(
        "regex_rewrite",
        routes=r"""
- match: {prefix: /service/}
  route: {cluster: one, regex_rewrite: {pattern: {regex: '^/service/([^/]+)(/.*)$'}, substitution: '\2/instance/\1'}}
- match: {prefix: /xx/}
  route: {cluster: one, regex_rewrite: {pattern: {regex: 'one'}, substitution: 'two'}}
- match: {prefix: /case/}
  route: {cluster: one, regex_rewrite: {pattern: {regex: '(?i)/aaa/'}, substitution: '/bbb/'}}
- match: {prefix: /empty}
  route: {cluster: one, regex_rewrite: {pattern: {regex: '^/empty'}, substitution: '/'}}
- match: {prefix: /gone}
  route: {cluster: one, regex_rewrite: {pattern: {regex: '^/gone'}, substitution: ''}}
- match: {prefix: /cut}
  route: {cluster: one, regex_rewrite: {pattern: {regex: '^/cut(.*)'}, substitution: '\1'}}
""",
        requests=[get(target) for target in (
            "/service/foo/v1/api", "/service/foo", "/xx/one/two/one/zzz", "/case/x/AaA/y", "/empty/x?one", "/empty",
            "/xx/one?one=one", "/gone/x", "/gone?q", "/service/a/b?c=d", "/cut/x")] + [
            get("/cutx", differs="rewritten: status headers body details upstream log"),
            get("/cuthttp://other.test/", differs="rewritten: status headers body details upstream log")]),
    Configuration(
        "host rewrites",
        routes=r"""
- {match: {prefix: /literal}, route: {cluster: one, host_rewrite_literal: other.test}}
- {match: {prefix: /header}, route: {cluster: one, host_rewrite_header: x-host}}
- match: {prefix: /path}
  route: {cluster: one, host_rewrite_path_regex: {pattern: {regex: '^/path/(.+)/x$'}, substitution: '\1'}}
- {match: {prefix: /append}, route: {cluster: one, host_rewrite_literal: other.test, append_x_forwarded_host: true}}
- {match: {prefix: /auto}, route: {cluster: one, auto_host_rewrite: true}}
- {match: {prefix: /both}, route: {cluster: one, host_rewrite_literal: other.test, prefix_rewrite: /x}}
""",
        requests=[get("/literal"), get("/literal", "Host: h.test:99"), get("/header", "X-Host: from.header"), get("/header"),
                  get("/header", "X-Host: a b", differs="rewritten: status headers body end details upstream log"), get("/header", "X-Host:"),
                  *[get("/header", f"X-Host: {host}", differs="rewritten: status headers body end details upstream log")
                    for host in ("a/b", "a@other.test", "a:99999", "[::1")],
                  get("/path/p.test/x"), get("/path/p.test/x?q=1"),
                  get("/path/none", differs="rewritten: status headers body end details upstream log"), get("/append"),
                  get("/append", "X-Forwarded-Host: earlier"), get("/auto"), get("/both/y?q")]),
    Configuration(
        "host rewrite in lower layers",
        routes="""
- match: {prefix: /w}
  route: {weighted_clusters: {clusters: [{name: one, weight: 1, host_rewrite_literal: w.test}]}}
- {match: {prefix: /x}, route: {cluster: one, host_rewrite_literal: other.test}, request_headers_to_add: [{header: {key: x-h, value: '%REQ(:authority)%'}}, {header: {key: x-p, value: '%REQ(:path)%'}}]}
""",
        requests=[get("/w", differs="original-host: upstream"), get("/x")]),
    Configuration(
        "asterisk and absolute forms",
        routes="- {match: {prefix: /}, route: {cluster: one}}",
        requests=[
            raw("OPTIONS * HTTP/1.1\nHost: h.test\n\n"),
            raw("GET http://other.test/x?y HTTP/1.1\nHost: h.test\n\n"),
            raw("GET http://other.test HTTP/1.1\nHost: h.test\n\n"),
            raw("GET http://other.test?x HTTP/1.1\nHost: h.test\n\n",
                differs="absolute-form-without-path: status headers body upstream details log"),
            raw("GET https://other.test/x HTTP/1.1\nHost: h.test\n\n"),
            raw("GET HTTP://other.test/x HTTP/1.1\nHost: h.test\n\n"),
            raw("GET http://other.test:8080/x HTTP/1.1\nHost: h.test\n\n"),
            raw("GET ftp://other.test/x HTTP/1.1\nHost: h.test\n\n", differs="parse-errors: details"),
            raw("GET http://u@other.test/x HTTP/1.1\nHost: h.test\n\n",
                differs="userinfo-in-target: status headers body end upstream flags details log"),
            raw("GET http:/x HTTP/1.1\nHost: h.test\n\n", differs="parse-errors: details"),
            raw("GET x HTTP/1.1\nHost: h.test\n\n", differs="parse-errors: details"),
            raw("GET * HTTP/1.1\nHost: h.test\n\n", differs="parse-errors: details"),
            raw("GET http://other.test/a#b HTTP/1.1\nHost: h.test\n\n",
                differs="fragment-in-target: headers body flags details log"),
        ]),
]
