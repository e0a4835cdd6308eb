"""How each proxy is configured for the benchmarks.

Fair means: one worker, access log off, keep-alive on both sides, connection limits out of the way, session tickets on, and
otherwise what each one's own documentation recommends for a reverse proxy. Narthex and Envoy are given the same file.
"""
import dataclasses
import os

MAX_CONNECTIONS = 8192  # a proxy needs two files for each


@dataclasses.dataclass(frozen=True)
class Wire:
    """What is spoken to a proxy (HTTP/1.1 or 2, in clear text or over TLS 1.3), and by it (HTTP/1.1, or gRPC over HTTP/2)."""
    http2: bool = False
    tls: bool = False
    grpc: bool = False

    @property
    def alpn(self):
        return "h2" if self.http2 else "http/1.1"


CLEAR, H1_TLS, H2_TLS, GRPC = Wire(), Wire(tls=True), Wire(http2=True, tls=True), Wire(http2=True, grpc=True)


def route_path(number):
    return f"/r{number:05}/"


# ---- Envoy and Narthex ----------------------------------------------------------

DOWNSTREAM_TLS = """      transport_socket:
        name: envoy.transport_sockets.tls
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
          common_tls_context:
            alpn_protocols: [{alpn}]
            tls_params: {{tls_minimum_protocol_version: TLSv1_3}}
            tls_certificates: [{{certificate_chain: {{filename: {pem}}}, private_key: {{filename: {pem}}}}}]
"""
UPSTREAM_HTTP2 = """    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}
"""
LAYER = """          - name: mutation-{number}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations: {{request_mutations: [{{remove: x-absent}}]}}
"""


def envoy_config(wire, pem, listen, admin, upstream, routes=0, filters=0):
    """The Envoy v3 bootstrap: one catch-all route, or `routes` prefix routes; `filters` filters before the router."""
    codec = ("AUTO" if wire.tls else "HTTP2") if wire.http2 else "HTTP1"
    prefixes = [route_path(n) for n in range(routes)] if routes > 1 else ["/"]
    lines = "\n".join(f'              - {{match: {{prefix: "{p}"}}, route: {{cluster: upstream, timeout: 15s}}}}'
                      for p in prefixes)
    layers = "".join(LAYER.format(number=number) for number in range(filters))
    return f"""
admin:
  address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}
static_resources:
  listeners:
  - name: bench
    address: {{socket_address: {{address: 127.0.0.1, port_value: {listen}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          codec_type: {codec}
          route_config:
            name: bench
            virtual_hosts:
            - name: bench
              domains: ["*"]
              routes:
{lines}
          http_filters:
{layers}          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
{DOWNSTREAM_TLS.format(alpn=wire.alpn, pem=pem) if wire.tls else ""}  clusters:
  - name: upstream
    type: STATIC
    connect_timeout: 1s
{UPSTREAM_HTTP2 if wire.grpc else ""}    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}
"""


# ---- nginx ------------------------------------------------------------------------

NGINX_TLS = """    ssl_certificate {pem};
    ssl_certificate_key {pem};
    ssl_protocols TLSv1.3;
    ssl_session_cache shared:bench:10m;
    ssl_session_tickets on;
"""
NGINX_HTTP = """      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_read_timeout 15s;
      proxy_buffers 16 32k;
      proxy_max_temp_file_size 0;
"""
NGINX_GRPC = """      grpc_pass grpc://service;
      grpc_read_timeout 15s;
"""


def nginx_config(wire, pem, folder, listen, upstream):
    user = "user root;" if os.geteuid() == 0 else ""
    flags = " ssl" * wire.tls + " http2" * wire.http2
    temp = "\n".join(f"  {kind}_temp_path {folder}/nginx_{kind};"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {MAX_CONNECTIONS}; }}
http {{
{temp}
  access_log off;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  upstream service {{
    server 127.0.0.1:{upstream};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{listen}{flags} backlog=4096;
{NGINX_TLS.format(pem=pem) if wire.tls else ""}    location / {{
{NGINX_GRPC if wire.grpc else NGINX_HTTP}    }}
  }}
}}
"""


# ---- HAProxy ----------------------------------------------------------------------

def haproxy_config(wire, pem, listen, upstream):
    tls = f" ssl crt {pem} alpn {wire.alpn} ssl-min-ver TLSv1.3" if wire.tls else ""
    clear_http2 = " proto h2" if wire.http2 and not wire.tls else ""
    return f"""
global
  nbthread 1
  maxconn {MAX_CONNECTIONS}
defaults
  mode http
  timeout connect 1s
  timeout server 15s
  timeout client 3600s
  timeout http-keep-alive 3600s
  http-reuse always
frontend bench
  bind 127.0.0.1:{listen} backlog 4096{tls}{clear_http2}
  default_backend service
backend service
  server one 127.0.0.1:{upstream}{" proto h2" if wire.grpc else ""}
"""
