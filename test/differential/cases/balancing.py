"""Which host takes a request. Hosts are placed by hash_key, for ports are those of the run."""
from case import Configuration, get

HOSTS = (("one", 1), ("two", 2), ("three", 4))


def endpoint(name, weight=1, more=""):
    return f"{{endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: ${name}}}}}}}, " \
           f"load_balancing_weight: {weight}, metadata: {{filter_metadata: {{envoy.lb: {{hash_key: host-{name}, name: {name}}}}}}}{more}}}"


def cluster(name, more, *localities):
    """`localities` are the fields of each, as flow YAML."""
    assigned = ", ".join("{" + locality + "}" for locality in localities)
    return f"- name: {name}\n  type: STATIC\n  connect_timeout: 2s\n{more}" \
           f"  load_assignment: {{cluster_name: {name}, endpoints: [{assigned}]}}\n"


def endpoints(*all_of_them):
    return "lb_endpoints: [" + ", ".join(all_of_them) + "]"


def all_hosts(weighted=False):
    return endpoints(*(endpoint(name, weight if weighted else 1) for name, weight in HOSTS))


def route(cluster_name, policies, prefix="/", more=""):
    return f"- {{match: {{prefix: {prefix}}}, route: {{cluster: {cluster_name}, hash_policy: [{policies}]{more}}}}}\n"


HEADER = "{header: {header_name: x-key}}"
KEYS = [get("/", f"x-key: key{number}") for number in range(24)]
DOWN = ", health_status: UNHEALTHY"
DEGRADED = ", health_status: DEGRADED"


def hashed(name, more, weighted=False):
    return Configuration(name, routes=route("hashed", HEADER), requests=KEYS,
                         clusters=cluster("hashed", more, all_hosts(weighted)))


def only(name, more, *localities, requests=None, routes="- {match: {prefix: /}, route: {cluster: some}}\n"):
    return Configuration(name, routes=routes, requests=requests or [get("/"), get("/"), get("/")],
                         clusters=cluster("some", more, *localities))


def subset(fallback, requests):
    routes = "".join(f"- {{match: {{prefix: /{name}/}}, route: {{cluster: some, "
                     f"metadata_match: {{filter_metadata: {{envoy.lb: {{name: {name}}}}}}}}}}}\n"
                     for name in ("one", "two", "none")) + "- {match: {prefix: /}, route: {cluster: some}}\n"
    options = "  lb_subset_config:\n    subset_selectors: [{keys: [name]}]\n" \
              f"    fallback_policy: {fallback}\n    default_subset: {{name: three}}\n"
    return only(f"subsets, {fallback}", options, all_hosts(), routes=routes, requests=requests)


CONFIGURATIONS = [
    hashed("a ring", "  lb_policy: RING_HASH\n"),
    hashed("a ring of other points", "  lb_policy: RING_HASH\n  ring_hash_lb_config: {hash_function: MURMUR_HASH_2, minimum_ring_size: 50}\n"),
    hashed("a ring by weight", "  lb_policy: RING_HASH\n  ring_hash_lb_config: {minimum_ring_size: 10, maximum_ring_size: 30}\n", weighted=True),
    hashed("a Maglev table", "  lb_policy: MAGLEV\n"),
    hashed("a Maglev table by weight", "  lb_policy: MAGLEV\n  maglev_lb_config: {table_size: 251}\n", weighted=True),
    Configuration(
        "what makes the hash",
        routes=route("hashed", "{query_parameter: {name: q}, terminal: true}, " + HEADER, "/query") +
        route("hashed", "{cookie: {name: sid}}, " + HEADER, "/cookie") +
        route("hashed", "{header: {header_name: x-key, regex_rewrite: {pattern: {regex: '^(.).*'}, substitution: '\\1'}}}", "/part") +
        route("hashed", HEADER + ", {header: {header_name: x-other}}"),
        requests=[get(f"/query?a=b&q={number}&q=x", "x-key: a") for number in range(6)] +
        [get("/query?q=", "x-key: a"), get("/query?p=1", "x-key: a"), get("/query?p=1", "x-key: b")] +
        [get("/cookie", f"cookie: a=b; sid=s{number}", "x-key: a") for number in range(4)] + [get("/cookie", "x-key: c")] +
        [get("/part", f"x-key: {letter}{letter * 3}") for letter in "abcdef"] +
        [get("/", f"x-key: {number}", f"x-other: {number}") for number in range(6)] +
        [get("/", "x-key: a", "x-key: b"), get("/", "x-key: b", "x-key: a"), get("/", "x-other: z")],
        clusters=cluster("hashed", "  lb_policy: RING_HASH\n", all_hosts())),
    only("the first priority is enough", "", endpoints(endpoint("one")), "priority: 1, " + endpoints(endpoint("two"))),
    only("the first priority has no healthy host", "", endpoints(endpoint("one", more=DOWN)), "priority: 1, " + endpoints(endpoint("two"))),
    only("degraded hosts only", "", endpoints(endpoint("one", more=DOWN), endpoint("two", more=DEGRADED))),
    only("degraded hosts wait for the next priority", "", endpoints(endpoint("one", more=DEGRADED)), "priority: 1, " + endpoints(endpoint("two"))),
    only("panic", "", endpoints(endpoint("one", more=DOWN))),
    only("panic is off", "  common_lb_config: {healthy_panic_threshold: {value: 0}}\n", endpoints(endpoint("one", more=DOWN))),
    only("panic fails", "  common_lb_config: {zone_aware_lb_config: {fail_traffic_on_panic: true}}\n",
         endpoints(endpoint("one", more=DOWN))),
    only("a locality without weight", "  common_lb_config: {locality_weighted_lb_config: {}}\n",
         "locality: {zone: a}, load_balancing_weight: 3, " + endpoints(endpoint("one")), "locality: {zone: b}, " + endpoints(endpoint("two"))),
    Configuration("degraded hosts by hash", routes=route("some", HEADER),
                  requests=[get("/", "x-key: a", differs="degraded-by-hash: status headers body upstream flags details log")],
                  clusters=cluster("some", "  lb_policy: RING_HASH\n", endpoints(endpoint("one", more=DEGRADED)))),
    subset("NO_FALLBACK", [get("/one/"), get("/two/"), get("/none/"), get("/")]),
    subset("DEFAULT_SUBSET", [get("/one/"), get("/none/"), get("/")]),
]
