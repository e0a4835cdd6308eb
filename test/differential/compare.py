"""What two gateways did with one exchange, made comparable, and the parts in which they differ."""
import re

# Values that no two processes share: what they look like, and what stands for them.
UNSTABLE = {
    "date": (re.compile(r"^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$"), "(a date)"),
    "x-request-id": (re.compile(r"^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$"), "(a UUID)"),
    "x-envoy-upstream-service-time": (re.compile(r"^\d+$"), "(ms)"),
}


def stable_headers(headers, names):
    """Sorted by name, for order matters only among fields of one name."""
    found = []
    for name, value in headers:
        pattern, stand_in = UNSTABLE.get(name.lower(), (None, None))
        if pattern is not None and pattern.match(value):
            value = stand_in
        found.append((name, names.get(value) if value in names else named_ports(value, names)))
    return sorted(found, key=lambda pair: pair[0])


def named_ports(text, names):
    """Ports of this run by what they are."""
    return re.sub(r"(?<=:)\d{4,5}\b", lambda match: names.get(match[0], match[0]), text)


def observation(seen, upstream, log, names):
    """The parts that are compared, each by its name."""
    final = [r for r in seen["responses"] if r["status"] >= 200 or r["status"] < 100 or r["status"] == 101]
    early = [(r["line"], stable_headers(r["headers"], names)) for r in seen["responses"] if r not in final]
    return {
        "status": [r["line"] for r in final],
        "interim": early,
        "headers": [stable_headers(r["headers"], names) for r in final],
        "body": [r["body"] if r["body"] is None else named_ports(r["body"], names) for r in final],
        "trailers": [sorted(r["trailers"]) for r in final],
        "end": seen["end"],
        "tls": seen["tls"],
        "upstream": [[r["upstream"], r["line"], stable_headers(r["headers"], names), r["body"], sorted(r["trailers"]),
                      {key: named_ports(str(value), names) for key, value in r["facts"].items()}] for r in upstream],
        "flags": [line["flags"] for line in log],
        "details": [line["details"] for line in log],
        "log": [{key: named_ports(value, names) for key, value in line.items() if key not in ("flags", "details")}
                for line in log],
    }


def differing(one, other):
    return [part for part in one if one[part] != other[part]]


def describe(part, envoy, narthex):
    """Lines that show only what differs."""
    if isinstance(envoy, dict) and isinstance(narthex, dict) and envoy.keys() == narthex.keys():
        return [f"    {part}.{key}: envoy {envoy[key]!r}, narthex {narthex[key]!r}"
                for key in envoy if envoy[key] != narthex[key]]
    if isinstance(envoy, list) and isinstance(narthex, list):
        unequal = [(one, other) for one, other in zip(envoy, narthex) if one != other]
        if len(envoy) == len(narthex) and all(type(one) is type(other) in (list, dict) for one, other in unequal):
            return [line for one, other in unequal for line in describe(part, one, other)]
        only = [item for item in envoy if item not in narthex], [item for item in narthex if item not in envoy]
        if only[0] or only[1]:
            return [f"    {part}: only envoy {only[0]!r}", f"    {part}: only narthex {only[1]!r}"]
    return [f"    {part}: envoy   {envoy!r}", f"    {part}: narthex {narthex!r}"]
