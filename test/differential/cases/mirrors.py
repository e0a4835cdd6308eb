"""Copies of requests: which are made, where they go, and what they say."""
from cases.upgrades import SERVED, SWITCH, upgrade
from case import CLOSE, Configuration, Take, get, post, raw


def routes(**policies):
    """A route for each name, with the mirrors that it has."""
    return "".join(f"- {{match: {{prefix: /{name}}}, route: {{cluster: one, request_mirror_policies: [{text}]}}}}\n"
                   for name, text in policies.items())


def fraction(numerator):
    return f"{{cluster: two, runtime_fraction: {{default_value: {{numerator: {numerator}}}}}}}"


def refused(name, policy):
    return Configuration(name, routes=routes(x=policy), accepted=False)


TWO = "request_mirror_policies: [{cluster: two, host_rewrite_literal: "
LEVELS = f"""
- name: with
  domains: [with.test]
  {TWO}vhost.test}}]
  routes:
  - {{match: {{prefix: /route}}, route: {{cluster: one, {TWO}route.test}}]}}}}
  - {{match: {{prefix: /}}, route: {{cluster: one}}}}
- name: without
  domains: ["*"]
  routes:
  - {{match: {{prefix: /route}}, route: {{cluster: one, {TWO}route.test}}]}}}}
  - {{match: {{prefix: /weights}}, route: {{weighted_clusters: {{clusters: [{{name: one, weight: 1}}]}}, {TWO}weights.test}}]}}}}
  - {{match: {{prefix: /}}, route: {{cluster: one}}}}
"""
CHANGES = """
- match: {prefix: /}
  request_headers_to_add: [{header: {key: x-route, value: r}}]
  route:
    cluster: one
    prefix_rewrite: /new
    host_rewrite_literal: new.test
    timeout: 3s
    request_mirror_policies:
    - cluster: two
      request_headers_mutations:
      - {append: {header: {key: x-copy, value: "%REQ(x-a)% %REQ(x-forwarded-for)%"}}}
      - {remove: x-a}
      - {append: {header: {key: x-b, value: c}, append_action: OVERWRITE_IF_EXISTS_OR_ADD}}
"""

CONFIGURATIONS = [
    Configuration("copies", routes=routes(x="{cluster: two}"), requests=[
        get("/x", asked=2), get("/x?q=1", "X-A: 1", asked=2), post("/x", b"order", asked=2), post("/x", b"", asked=2),
        get("/x", "Host: a.test:80", asked=2), get("/x", "Host: [::1]", asked=2), get("/x", "Host: [::1]:80", asked=2),
        get("/x", "X-Forwarded-For: 10.1.1.1", asked=2), get("/x", "X-Request-Id: a", asked=2), get("/other"),
        raw("POST /x HTTP/1.1\nHost: h.test\nTransfer-Encoding: chunked\n\n5\norder\n", "3\nabc\n0\n\n", asked=2)]),
    Configuration("hosts of copies", routes=routes(
        literal="{cluster: two, host_rewrite_literal: copy.test}", plain="{cluster: two, disable_shadow_host_suffix_append: true}",
        both="{cluster: two, host_rewrite_literal: copy.test, disable_shadow_host_suffix_append: true}"), requests=[
            get("/literal", asked=2), get("/plain", asked=2), get("/both", asked=2), get("/literal", "Host: a.test:80", asked=2)]),
    Configuration("what copies say", routes=CHANGES, requests=[
        get("/", asked=2), get("/x", "X-A: 1", "X-B: 1", asked=2), post("/", b"order", "X-Forwarded-For: 10.1.1.1", asked=2)]),
    Configuration("levels of mirrors", table=TWO + "table.test}]", vhosts=LEVELS, requests=[
        get("/", asked=2), get("/route", asked=2), get("/weights", asked=2), get("/", "Host: with.test", asked=2),
        get("/route", "Host: with.test", asked=2)]),
    Configuration("mirrors by header", routes=routes(x="{cluster_header: x-copy}"), requests=[
        get("/x", "X-Copy: two", asked=2), get("/x", "X-Copy: none"), get("/x"), get("/x", "X-Copy: three", asked=2)]),
    Configuration("several mirrors", routes=routes(x="{cluster: two}, {cluster: three}", y="{cluster: two}, {cluster: two}"),
                  requests=[get("/x", asked=3), post("/y", b"order", asked=3)]),
    Configuration("mirrors that fail", routes=routes(down="{cluster: down}", empty="{cluster: empty}"), requests=[
        get("/down"), post("/down", b"order"), get("/empty"), post("/empty", b"order")]),
    Configuration("shares of copies", routes=routes(none=fraction(0), all=fraction(100)), requests=[
        get("/none"), get("/all", asked=2)]),
    Configuration("attempts of copies", vhosts=f"- {{name: v, domains: ['*'], include_request_attempt_count: true, {TWO}c.test}}], "
                  "routes: [{match: {prefix: /}, route: {cluster: one}}]}", requests=[get("/", asked=2)]),
    # Envoy's mirror has the end of the tunnel, too, which no two runs see at the same time.
    Configuration("upgrades have no copies", hcm=SERVED, routes=routes(x="{cluster: two}"), requests=[
        upgrade("/x", script=[SWITCH, Take(4), b"pong", CLOSE],
                differs="mirrored-upgrades: upstream headers flags details")]),
    refused("a mirror without a cluster", "{}"),
    refused("a mirror with two clusters", "{cluster: two, cluster_header: x-copy}"),
    refused("a mirror at an unknown cluster", "{cluster: none}"),
]
