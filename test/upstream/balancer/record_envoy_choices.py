"""Prints what Envoy ($NARTHEX_ENVOY) chooses for the hosts and keys of envoy_choices_test.cc, a line for each table."""
import http.client
import http.server
import json
import os
import pathlib
import subprocess
import tempfile
import threading
import time

CLUSTERS = {
    "kRing": ("lb_policy: RING_HASH", (1, 1, 1, 1, 1)),
    "kMurmurRing": ("lb_policy: RING_HASH, ring_hash_lb_config: {hash_function: MURMUR_HASH_2, minimum_ring_size: 300}", (1, 1, 1, 1, 1)),
    "kWeightedRing": ("lb_policy: RING_HASH, ring_hash_lb_config: {minimum_ring_size: 64, maximum_ring_size: 100}", (1, 2, 3, 5, 8)),
    "kMaglev": ("lb_policy: MAGLEV", (1, 1, 1, 1, 1)),
    "kWeightedMaglev": ("lb_policy: MAGLEV, maglev_lb_config: {table_size: 251}", (1, 2, 3, 5, 8)),
}
TYPE = "type.googleapis.com/envoy.extensions.filters"


def upstream(number):
    """The port of a server that answers with its number."""
    class Answer(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", "1")
            self.end_headers()
            self.wfile.write(str(number).encode())

        def log_message(self, *_):
            pass
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_address[1]


def endpoint(number, port, weight):
    address = f"{{socket_address: {{address: 127.0.0.1, port_value: {port}}}}}"
    return f"{{endpoint: {{address: {address}}}, load_balancing_weight: {weight}, " \
           f"metadata: {{filter_metadata: {{envoy.lb: {{hash_key: host-{number}}}}}}}}}"


def bootstrap(ports):
    clusters, routes = [], []
    for name, (more, weights) in CLUSTERS.items():
        endpoints = ", ".join(endpoint(number, ports[number], weight) for number, weight in enumerate(weights))
        clusters.append(f"{{name: {name}, {more}, load_assignment: {{cluster_name: {name}, endpoints: [{{lb_endpoints: [{endpoints}]}}]}}}}")
        routes.append(f"{{match: {{prefix: /{name}}}, route: {{cluster: {name}, hash_policy: [{{header: {{header_name: x-key}}}}]}}}}")
    manager = f"""{{"@type": {TYPE}.network.http_connection_manager.v3.HttpConnectionManager, stat_prefix: s,
      http_filters: [{{name: router, typed_config: {{"@type": {TYPE}.http.router.v3.Router}}}}],
      route_config: {{virtual_hosts: [{{name: all, domains: ["*"], routes: [{", ".join(routes)}]}}]}}}}"""
    here = "address: {socket_address: {address: 127.0.0.1, port_value: 0}}"
    return f"""admin: {{{here}}}
static_resources:
  listeners: [{{{here}, filter_chains: [{{filters: [{{name: manager, typed_config: {manager}}}]}}]}}]
  clusters: [{", ".join(clusters)}]
"""


def listener_port(admin_file):
    while not (admin_file.exists() and admin_file.read_text()):
        time.sleep(0.1)
    while True:
        connection = http.client.HTTPConnection(admin_file.read_text())
        connection.request("GET", "/listeners?format=json")
        listeners = json.load(connection.getresponse()).get("listener_statuses", [])
        if listeners:
            return listeners[0]["local_address"]["socket_address"]["port_value"]


def choices(port, cluster):
    connection = http.client.HTTPConnection("127.0.0.1", port)
    chosen = ""
    for key in range(200):
        connection.request("GET", f"/{cluster}", headers={"x-key": f"key{key}"})
        chosen += connection.getresponse().read().decode()
    return chosen


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "envoy.yaml").write_text(bootstrap([upstream(number) for number in range(5)]))
        envoy = subprocess.Popen([os.environ["NARTHEX_ENVOY"], "-c", folder / "envoy.yaml", "--admin-address-path", folder / "admin",
                                  "--use-dynamic-base-id", "--concurrency", "1", "-l", "error"])
        try:
            port = listener_port(folder / "admin")
            for cluster in CLUSTERS:
                print(cluster, choices(port, cluster))
        finally:
            envoy.terminate()
            envoy.wait()


main()
