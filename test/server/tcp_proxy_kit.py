"""What the tests of the TCP proxy share: upstreams that speak no HTTP, and a gateway of chains in flow style."""

import signal
import socket
import threading

from smoke_test import Gateway, LIMIT_S, until
from tls_test import ACCESS_LOG, EdgeTest, FILTER

NETWORK = "type.googleapis.com/envoy.extensions.filters.network."
SOCKETS = "type.googleapis.com/envoy.extensions.transport_sockets."
INSPECTOR = "listener_filters: [{name: tls, typed_config: {'@type': %stls_inspector.v3.TlsInspector}}]" % FILTER


class Server:
    """Serves each connection with `script(connection)`, in a thread of its own."""

    def __init__(self, script):
        self.script, self.accepted = script, 0
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listening.accept()[0]
            except OSError:
                return
            self.accepted += 1
            connection.settimeout(LIMIT_S)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        with connection:
            try:
                self.script(connection)
            except OSError:
                pass  # a test that ends closes its connections

    def end(self):
        self.listening.close()


def read_all(connection):
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def echo(connection):
    while piece := connection.recv(65536):
        connection.sendall(piece)


def naming(name):
    """A script that says its name and then echoes."""
    def script(connection):
        connection.sendall(name)
        echo(connection)
    return script


def tcp(more="cluster: service"):
    return "filters: [{name: tcp, typed_config: {'@type': %stcp_proxy.v3.TcpProxy, stat_prefix: t, %s}}]" % (NETWORK, more)


def http():
    return ("filters: [{name: hcm, typed_config: {'@type': %shttp_connection_manager.v3.HttpConnectionManager, stat_prefix: "
            "h, route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: "
            "service}}]}]}, http_filters: [{name: router, typed_config: {'@type': type.googleapis.com/envoy.extensions."
            "filters.http.router.v3.Router}}]}}]" % NETWORK)


def cluster(name, *ports, more=""):
    hosts = ", ".join("{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}" % port
                      for port in ports)
    return ("  - {name: %s, type: STATIC, connect_timeout: 2s, load_assignment: {cluster_name: %s, endpoints: "
            "[{lb_endpoints: [%s]}]}%s}\n" % (name, name, hosts, more and ", " + more))


def proxy_header(version, inner="{name: raw, typed_config: {'@type': %sraw_buffer.v3.RawBuffer}}" % SOCKETS):
    return ("transport_socket: {name: proxy, typed_config: {'@type': %sproxy_protocol.v3.ProxyProtocolUpstreamTransport, "
            "config: {version: %s}, transport_socket: %s}}" % (SOCKETS, version, inner))


class TcpGateway(Gateway):
    """With one listener, of these chains in flow style."""

    def __init__(self, directory, chains, clusters, *flags, more=""):
        self.chains, self.clusters, self.more = chains, clusters, more
        super().__init__(directory, 0, *flags)

    def text(self, upstream_port):
        return ("admin: {address: {pipe: {path: %s}}}\nstatic_resources:\n  listeners:\n  - name: main\n    address: "
                "{socket_address: {address: 127.0.0.1, port_value: 0}}\n    %s\n    filter_chains: [%s]\n  clusters:\n%s" %
                (self.admin_socket, self.more, ", ".join("{%s}" % chain for chain in self.chains), self.clusters))

    def reload(self):
        before = self.stat("server.config_update_success")
        self.write(0)
        self.process.send_signal(signal.SIGHUP)
        until(lambda: self.stat("server.config_update_success") > before, "the reload")

    def memory(self):
        with open("/proc/%d/status" % self.process.pid) as status:
            return next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS"))


class TcpProxyTest(EdgeTest):

    def serve_tcp(self, script):
        server = Server(script)
        self.addCleanup(server.end)
        return server

    def run_gateway(self, chains, clusters, *flags, more=""):
        gateway = TcpGateway(self.folder, [chains] if isinstance(chains, str) else chains, clusters, *flags, more=more)
        self.addCleanup(gateway.end)
        return gateway

    def before(self, script, chains=None, *flags):
        """A gateway in front of a server with this script."""
        server = self.serve_tcp(script)
        return self.run_gateway(chains or tcp(), cluster("service", server.port), *flags)

    def plain(self, gateway):
        client = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
        self.addCleanup(client.close)
        return client

    def logging(self, line, more="cluster: service"):
        self.log = self.at("tcp.log")
        return tcp(more + ", " + ACCESS_LOG % (self.log, line))

    def assert_closed(self, client):
        try:
            self.assertEqual(client.recv(1), b"")
        except ConnectionResetError:
            pass  # it had sent what nobody took

    def assert_echoes(self, client, text=b"hello"):
        client.sendall(text)
        self.assertEqual(client.recv(len(text), socket.MSG_WAITALL), text)
