"""What each scenario asks of which proxies."""
import configurations
from configurations import CLEAR, GRPC, H1_TLS, H2_TLS

SMALL_BODY, LARGE_BODY, GRPC_MESSAGE = 1024, 1024 * 1024, 32
ROUTES, FILTERS, IDLE_CONNECTIONS = 10_000, 8, 5_000
HTTP2_CONNECTIONS, HTTP2_STREAMS, HANDSHAKES_AT_ONCE = 16, 8, 16
ALL = ("relay", "narthex", "haproxy", "nginx", "envoy")
PEERS = ALL[1:]  # the relay terminates nothing: no yardstick for TLS or HTTP/2


class Subject:
    """One line of a table: a proxy, and what it is asked to do.

    `wire` is what it speaks, `handshakes` how often clients connect over TLS (once, full or resumed for each request), and
    `connections` their number, or None for what the command line says.
    """

    def __init__(self, proxy, label=None, path="/1k", body=SMALL_BODY, routes=0, filters=0, wire=CLEAR, handshakes="once",
                 connections=None):
        self.proxy, self.label, self.path, self.body = proxy, label or proxy, path, body
        self.routes, self.filters = routes, filters
        self.wire, self.handshakes, self.connections = wire, handshakes, connections
        if wire.http2:
            self.connections = HTTP2_CONNECTIONS

    def load_options(self):
        """The load generator's options but for those of time and number."""
        protocol = "grpc" if self.wire.grpc else "http2" if self.wire.http2 else "http1"
        options = ["--path", self.path, "--body", str(self.body), "--protocol", protocol]
        if self.wire.http2:
            options += ["--streams", str(HTTP2_STREAMS)]
        return options + (["--tls", self.handshakes] if self.wire.tls else [])


def subjects(scenario, only):
    """The lines of a scenario's table, without the proxies that are not wanted."""
    last = configurations.route_path(ROUTES - 1) + "x"
    lines = {
        "small": [Subject(name) for name in ALL],
        "large": [Subject(name, path="/1m", body=LARGE_BODY) for name in ALL],
        "idle": [Subject(name) for name in ALL],
        "routes": [Subject(name, f"{name}, {count} route{'s' * (count > 1)}", path=last, routes=count)
                   for name in ("narthex", "envoy") for count in (1, ROUTES)],
        "filters": [Subject(name, f"{name}, {count} filters", filters=count)
                    for name in ("narthex", "envoy") for count in (0, FILTERS)],
        "h1tls": [Subject(name, wire=H1_TLS) for name in PEERS],
        "h2tls": [Subject(name, wire=H2_TLS) for name in PEERS],
        "bulktls": [Subject(name, path="/1m", body=LARGE_BODY, wire=H1_TLS) for name in PEERS],
        "handshake": [Subject(name, wire=H1_TLS, handshakes="full", connections=HANDSHAKES_AT_ONCE) for name in PEERS],
        "resume": [Subject(name, wire=H1_TLS, handshakes="resumed", connections=HANDSHAKES_AT_ONCE) for name in PEERS],
        "grpc": [Subject(name, path="/bench.Echo/Unary", body=GRPC_MESSAGE, wire=GRPC) for name in PEERS],
    }[scenario]
    return [line for line in lines if line.proxy in only]


OVER_TLS_OR_HTTP2 = ("h2tls", "h1tls", "handshake", "resume", "grpc", "bulktls")
NAMES = ("small", "routes", "large", "idle", "filters", "layer", *OVER_TLS_OR_HTTP2)
