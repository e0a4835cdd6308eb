"""What the tables of test/differential/cases are written in: configurations, requests, scripts of an upstream."""
import re
import textwrap
from dataclasses import dataclass, field

# Steps of an upstream's script, besides bytes to send.
READ = "read the request to its end"
CLOSE = "close in good order"
RESET = "reset the connection"
HANG = "say no more, and wait for the gateway to give up"

# Steps of a client, besides bytes to send.
ANSWER = "wait for bytes from the gateway"
SHUT = "shut down the sending side"

# How a client reads: until nothing more can come, rather than a number of responses.
ALL = -1


@dataclass
class Exchange:
    """One connection of a client: what it sends, what the upstreams do meanwhile, how many responses it awaits.

    `differs` names an entry of docs/differences.md and the parts of the observation that differ, and no others:
    "entry: status details".
    """
    steps: list
    script: list | bytes | None = None
    responses: int = 1
    differs: str = ""
    method: str = "GET"

    def title(self):
        first = next((step for step in self.steps if isinstance(step, bytes)), b"nothing")
        lines = [line for line in first.decode("latin-1").split("\r\n") if line and line.lower() != "host: h.test"]
        return ", ".join(lines)[:110]


@dataclass
class Configuration:
    """A configuration that is started on its own, and the exchanges to hold with it.

    The texts are YAML: `routes` of the one virtual host, or `vhosts` instead; `table`, `hcm`, `cluster` more fields of
    the route table, the connection manager, each cluster; `filters` before the router; `clusters` more of them, in which $one is the port of
    the upstream `one`. `log_filter` stands at the access log that is compared; `more_logs` are further ones, in which $folder is
    a folder of the run's own.
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
    requests: list = field(default_factory=list)
    accepted: bool = True
    differs: str = ""

    def yaml(self, ports, folder):
        """The bootstrap. `ports` are those of the upstreams; the listener's is for the kernel to choose."""
        vhosts = self.vhosts or f"- name: all\n  domains: ['*']\n  routes:\n{indent(self.routes, 2)}"
        clusters = "\n".join(cluster_yaml(name, port, self.cluster) for name, port in ports.items())
        hcm = self.hcm if "route_config:" in self.hcm or "rds:" in self.hcm else \
            f"{dedent(self.hcm)}\nroute_config:\n  name: table\n{indent(self.table, 2)}\n  virtual_hosts:\n{indent(vhosts, 2)}"
        return f"""\
admin: {{address: {{pipe: {{path: {folder}/admin}}}}}}
{dedent(self.bootstrap)}
static_resources:
  listeners:
  - name: front
    address: {{socket_address: {{address: 127.0.0.1, port_value: 0}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: front
          access_log:
          - name: envoy.access_loggers.file
{indent(self.log_filter, 12)}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog
              path: {folder}/access.log
              log_format: {{text_format_source: {{inline_string: "{LOG_FORMAT}"}}}}
{indent(self.more_logs.replace("$folder", str(folder)), 10)}
{indent(hcm, 10)}
          http_filters:
{indent(self.filters, 10)}
          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
{indent(self.router, 14)}
  clusters:
{indent(clusters, 2)}
{indent(re.sub("[$]([a-z]+)", lambda name: str(ports[name[1]]), self.clusters), 2)}
"""


LOG_FIELDS = {
    "client": "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%", "code": "%RESPONSE_CODE%", "flags": "%RESPONSE_FLAGS%",
    "details": "%RESPONSE_CODE_DETAILS%", "cluster": "%UPSTREAM_CLUSTER%", "route": "%ROUTE_NAME%",
    "method": "%REQ(:METHOD)%", "path": "%REQ(:PATH)%", "authority": "%REQ(:AUTHORITY)%",
    "received": "%BYTES_RECEIVED%", "sent": "%BYTES_SENT%", "protocol": "%PROTOCOL%", "host": "%UPSTREAM_HOST%",
    "remote": "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "termination": "%CONNECTION_TERMINATION_DETAILS%",
    "transport": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
}
LOG_FORMAT = "\\t".join(LOG_FIELDS.values()) + "\\n"


def dedent(text):
    return textwrap.dedent(text).strip("\n")


def indent(text, columns):
    return textwrap.indent(dedent(text), " " * columns)


def cluster_yaml(name, port, more):
    address = f"{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}"
    endpoints = f"endpoints: [{{lb_endpoints: [{{endpoint: {{address: {address}}}}}]}}]" if port else "endpoints: []"
    return f"- name: {name}\n  type: STATIC\n  connect_timeout: 2s\n" \
           f"  load_assignment: {{cluster_name: {name}, {endpoints}}}\n{indent(more, 2)}"


def filter_yaml(name, more="", kind=""):
    """One HTTP filter of the subset, for `filters`."""
    kinds = {"buffer": "Buffer", "header_mutation": "HeaderMutation", "fault": "HTTPFault", "health_check": "HealthCheck",
             "grpc_web": "GrpcWeb"}
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
