"""What the tables of test/differential/cases are written in: configurations, requests, scripts of an upstream."""
import re
import textwrap
from dataclasses import dataclass, field

# Steps of an upstream's script, besides bytes to send.
READ = "read the request to its end"
CLOSE = "close in good order"
RESET = "reset the connection"
HANG = "say no more, and wait for the gateway to give up"
PAUSE = "wait until the gateway has passed on what was sent"

# Steps of a client, besides bytes to send.
ANSWER = "wait for bytes from the gateway"
SHUT = "shut down the sending side"
ENDED = "wait for the end of every stream"


@dataclass(frozen=True)
class Take:
    """A step of an upstream, and of a client whose connection has become a tunnel: reads so many bytes."""
    count: int


# Frames of HTTP/2: steps of a client and of an upstream.
@dataclass(frozen=True)
class Fields:
    fields: list
    end: bool = False
    stream: int = 1


@dataclass(frozen=True)
class Data:
    body: bytes
    end: bool = False
    stream: int = 1


@dataclass(frozen=True)
class Reset:
    code: int
    stream: int = 1


@dataclass(frozen=True)
class Goaway:
    code: int
    last: int = 0


@dataclass(frozen=True)
class Settings:
    values: dict


@dataclass(frozen=True)
class Tls:
    """How a client speaks TLS. `certificate` is one of those that certificates.py makes, as is what the gateway shows."""
    sni: str | None = "exact.test"
    alpn: tuple = ()
    version: str = ""  # the only one that it speaks: "TLSv1_2"
    ciphers: str = ""
    certificate: str = ""
    resumes: str = ""  # a session of the same exchange, held before on a connection that was "closed" or "cut"


# How a client reads: until nothing more can come, rather than a number of responses.
ALL = -1


@dataclass
class Exchange:
    """One connection of a client: what it sends, what the upstreams do meanwhile, how many responses it awaits.

    `differs` names an entry of docs/differences.md and the parts of the observation that differ, and no others:
    "entry: status details". A part with a question mark hangs on what one of the gateways has read by then, and may differ.
    """
    steps: list
    script: list | bytes | None = None
    responses: int = 1
    differs: str = ""
    method: str = "GET"
    tls: Tls | None = None
    before: bytes = b""  # sent before TLS begins
    is_http2: bool = False
    is_tunnel: bool = False  # what follows a 101 is a tunnel's, to its end

    def title(self):
        lines = []
        for step in self.steps:
            text = step.decode("latin-1") if isinstance(step, bytes) else ""
            lines += text.split("\r\n") + [f"{name}: {value}" for name, value in getattr(step, "fields", ())]
        lines = [line for line in lines if line and line.lower() not in ("host: h.test", ":authority: h.test", ":scheme: http")]
        settings = [f"{name} {value}" for name, value in vars(self.tls).items() if value] if self.tls else []
        return ", ".join([repr(self.before)] * bool(self.before) + settings + lines)[:140]


@dataclass
class Chain:
    """A further filter chain: the same connection manager, whose responses name the chain. Without `match`, the default one."""
    name: str
    match: str = ""
    transport: str = ""


@dataclass
class Configuration:
    """A configuration that is started on its own, and the exchanges to hold with it.

    The texts are YAML: `routes` of the one virtual host, or `vhosts` instead; `table`, `hcm`, `cluster` more fields of
    the route table, the connection manager, each cluster; `filters` before the router; `clusters` more of them, in which $one is the port of
    the upstream `one`. `log_filter` stands at the access log that is compared; `more_logs` are further ones, in which $folder is
    a folder of the run's own. `listener` are more fields of the listener, `transport` the transport socket of its first chain, `match` what
    that chain asks for; $certs is the folder of certificates.py.
    """
    name: str
    routes: str = "- {match: {prefix: /}, route: {cluster: one}}"
    vhosts: str = ""
    table: str = ""
    hcm: str = ""
    filters: str = ""
    router: str = ""
    cluster: str = ""
    clusters: str = ""
    bootstrap: str = ""
    log_filter: str = ""
    more_logs: str = ""
    listener: str = ""
    transport: str = ""
    match: str = ""
    chains: list = field(default_factory=list)
    requests: list = field(default_factory=list)
    accepted: bool = True
    differs: str = ""

    def yaml(self, ports, folder):
        """The bootstrap. `ports` are those of the upstreams; the listener's is for the kernel to choose."""
        clusters = "\n".join(cluster_yaml(name, ports[name], self.cluster) for name in CLUSTERS)
        more_clusters = re.sub("[$]([a-z]+)", lambda found: str(ports.get(found[1], found[0])), self.clusters)
        default = "".join(self.chain_yaml(chain, folder) for chain in self.chains if not chain.match)
        return f"""\
admin: {{address: {{pipe: {{path: {folder}/admin}}}}}}
{dedent(self.bootstrap)}
static_resources:
  listeners:
  - name: front
    address: {{socket_address: {{address: 127.0.0.1, port_value: 0}}}}
{indent(self.listener, 4)}
    filter_chains:
{listed(self.chain_yaml(Chain("", self.match, self.transport), folder), 4)}
{"".join(listed(self.chain_yaml(chain, folder), 4) for chain in self.chains if chain.match)}
{f"    default_filter_chain:{chr(10)}{indent(default, 6)}" if default else ""}
  clusters:
{indent(clusters, 2)}
{indent(more_clusters, 2)}
"""

    def chain_yaml(self, chain, folder):
        return f"""\
name: "{chain.name}"
{dedent(chain.match)}
{dedent(chain.transport)}
filters:
- name: envoy.filters.network.http_connection_manager
  typed_config:
    "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
    stat_prefix: front
    access_log:
    - name: envoy.access_loggers.file
{indent(self.log_filter, 6)}
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
        path: {folder}/access.log
        log_format: {{text_format_source: {{inline_string: "{LOG_FORMAT}"}}}}
{indent(self.more_logs.replace("$folder", str(folder)), 4)}
{indent(self.manager_yaml(chain.name), 4)}
    http_filters:
{indent(self.filters, 4)}
    - name: envoy.filters.http.router
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
{indent(self.router, 8)}
"""

    def manager_yaml(self, chain_name):
        """The fields of the connection manager: those of the table, and routes unless these have them."""
        if "route_config:" in self.hcm or "rds:" in self.hcm:
            return self.hcm
        vhosts = self.vhosts or f"- name: all\n  domains: ['*']\n  routes:\n{indent(self.routes, 2)}"
        named = f"response_headers_to_add: [{{header: {{key: x-chain, value: {chain_name}}}}}]" if chain_name else ""
        return f"{dedent(self.hcm)}\nroute_config:\n  name: table\n{indent(self.table, 2)}\n{indent(named, 2)}\n" \
               f"  virtual_hosts:\n{indent(vhosts, 2)}"


# The clusters that every configuration has, each named as its upstream.
CLUSTERS = ("one", "two", "three", "down", "empty")

LOG_FIELDS = {
    "client": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "code": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%", "cluster": "%UPSTREAM_CLUSTER%", "route": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%", "authority": "%REQ(:AUTHORITY)%",
    "received": "%BYTES_RECEIVED%", "sent": "%BYTES_SENT%", "protocol": "%PROTOCOL%", "host": "%UPSTREAM_HOST%",
    "remote": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "termination": "%CONNECTION_TERMINATION_DETAILS%",
    "transport": "%UPSTREAM_TRANSPORT_FAILURE_REASON%", "sni": "%REQUESTED_SERVER_NAME%", "upstream_protocol": "%UPSTREAM_PROTOCOL%",
}
LOG_FORMAT = "\\t".join(LOG_FIELDS.values()) + "\\n"


def dedent(text):
    return textwrap.dedent(text).strip("\n")


def indent(text, columns):
    return textwrap.indent(dedent(text), " " * columns)


def listed(text, columns):
    """The text as an element of a list."""
    return " " * columns + "- " + indent(text, columns + 2).lstrip() + "\n"


def cluster_yaml(name, port, more):
    address = f"{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}"
    endpoints = f"endpoints: [{{lb_endpoints: [{{endpoint: {{address: {address}}}}}]}}]" if port else "endpoints: []"
    return f"- name: {name}\n  type: STATIC\n  connect_timeout: 2s\n" \
           f"  load_assignment: {{cluster_name: {name}, {endpoints}}}\n{indent(more, 2)}"


def filter_yaml(name, more="", kind=""):
    """One HTTP filter of the subset, for `filters`."""
    kinds = {"buffer": "Buffer", "header_mutation": "HeaderMutation", "fault": "HTTPFault", "health_check": "HealthCheck",
             "grpc_web": "GrpcWeb", "adaptive_concurrency": "AdaptiveConcurrency", "admission_control": "AdmissionControl"}
    url = f"type.googleapis.com/envoy.extensions.filters.http.{name}.v3.{kind or kinds[name]}"
    return f'- name: envoy.filters.http.{name}\n  typed_config:\n    "@type": {url}\n{indent(more, 4)}\n'


def per_route(name, kind, more):
    """The value of a typed_per_filter_config for one filter, as flow YAML."""
    url = f"type.googleapis.com/envoy.extensions.filters.http.{name}.v3.{kind}"
    return f'{{envoy.filters.http.{name}: {{"@type": {url}, {more}}}}}'


def request(method, target, *headers, body=None, **options):
    """A well-formed HTTP/1.1 request; `headers` are lines, and Host is added unless there is one."""
    lines = [f"{method} {target} HTTP/1.1"]
    if not any(line.lower().startswith("host:") for line in headers):
        lines.append("Host: h.test")
    lines += headers
    if body is not None:
        lines.append(f"Content-Length: {len(body)}")
    head = "".join(line + "\r\n" for line in lines) + "\r\n"
    return Exchange([head.encode("latin-1") + (body or b"")], method=method, **options)


def differing(differs, *exchanges):
    """The exchanges, which differ on purpose in the same way."""
    for exchange in exchanges:
        exchange.differs = differs
    return exchanges


def http2(*steps, **options):
    """Frames as they are, behind the client's preface."""
    return Exchange(list(steps), is_http2=True, **options)


def http2_fields(method="GET", target="/", *fields, authority="h.test", scheme="http"):
    """The fields of a request, "name: value" each; a pseudo-header that is None is left out."""
    pseudo = ((":method", method), (":scheme", scheme), (":authority", authority), (":path", target))
    return [pair for pair in pseudo if pair[1] is not None] + [tuple(text.split(": ", 1)) for text in fields]


def http2_request(method, target, *fields, body=None, trailers=None, authority="h.test", scheme="http", **options):
    """A request on one stream."""
    head = http2_fields(method, target, *fields, authority=authority, scheme=scheme)
    steps = [Fields(head, end=body is None and trailers is None)]
    if body is not None:
        steps.append(Data(body, end=trailers is None))
    if trailers is not None:
        steps.append(Fields([tuple(text.split(": ", 1)) for text in trailers], end=True))
    return Exchange(steps, is_http2=True, method=method, **options)


def http2_get(target, *fields, **options):
    return http2_request("GET", target, *fields, **options)


def get(target, *headers, **options):
    return request("GET", target, *headers, **options)


def post(target, body, *headers, **options):
    return request("POST", target, *headers, body=body, **options)


def raw(*steps, **options):
    """Bytes as they are; "\n" in a text stands for CRLF."""
    wire = [step.replace("\n", "\r\n").encode("latin-1") if isinstance(step, str) and step not in (ANSWER, SHUT) else step
            for step in steps]
    first = next((step for step in wire if isinstance(step, bytes)), b"")
    return Exchange(wire, method=first.split(b" ")[0].decode("latin-1"), **options)


def crlf(text):
    return text.replace("\n", "\r\n").encode("latin-1")
