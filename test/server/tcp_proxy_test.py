"""The real binary as a TCP proxy: ends, resets, slow readers, choices of clusters, PROXY headers, time limits, reloads."""

import hashlib
import os
import signal
import socket
import ssl
import struct
import threading
import time
import unittest

from smoke_test import LIMIT_S, until
from tcp_proxy_kit import INSPECTOR, TcpProxyTest, cluster, echo, http, naming, proxy_header, read_all, tcp
from tls_test import CONTEXT, TlsUpstream, downstream

MIB = 1024 * 1024


class BytesTest(TcpProxyTest):

    def test_passes_bytes_both_ways_and_keeps_books(self):
        server = self.serve_tcp(echo)
        gateway = self.run_gateway(self.logging(
            "%BYTES_RECEIVED% %BYTES_SENT% %UPSTREAM_CLUSTER% %UPSTREAM_HOST% %RESPONSE_FLAGS% %PROTOCOL% "
            "%UPSTREAM_REQUEST_ATTEMPT_COUNT% %DURATION%"), cluster("service", server.port))
        client = self.plain(gateway)
        self.assert_echoes(client)
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_active"), 1)
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.downstream_cx_active"), 1)
        client.close()
        self.assertRegex(self.lines(self.log, 1)[0], r"^5 5 service 127\.0\.0\.1:%d - - 1 \d+$" % server.port)
        for name, value in (("tcp.t.downstream_cx_total", 1), ("tcp.t.downstream_cx_rx_bytes_total", 5),
                            ("tcp.t.downstream_cx_tx_bytes_total", 5), ("cluster.service.upstream_cx_total", 1),
                            ("cluster.service.upstream_cx_destroy_local", 1), ("cluster.service.upstream_cx_active", 0),
                            ("listener.127.0.0.1_0.downstream_cx_active", 0), ("server.total_connections", 0)):
            self.assertEqual(gateway.stat(name), value, name)

    def test_the_end_of_the_client_is_passed_on_and_the_answer_still_comes(self):
        client = self.plain(self.before(lambda connection: connection.sendall(read_all(connection)[::-1])))
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(read_all(client), b"noitseuq")

    def test_the_end_of_the_upstream_is_passed_on_and_the_client_goes_on(self):
        heard, done = [], threading.Event()

        def script(connection):
            connection.sendall(b"all that I say")
            connection.shutdown(socket.SHUT_WR)
            heard.append(read_all(connection))
            done.set()
        client = self.plain(self.before(script))
        self.assertEqual(read_all(client), b"all that I say")
        client.sendall(b"and my answer")
        client.close()
        self.assertTrue(done.wait(LIMIT_S))
        self.assertEqual(heard, [b"and my answer"])

    def test_a_reset_of_one_side_resets_the_other(self):
        ended = threading.Event()

        def script(connection):
            if connection.recv(1) == b"r":
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            with self.assertRaises(ConnectionResetError):
                connection.recv(1)
            ended.set()
        gateway = self.before(script)
        client = self.plain(gateway)
        client.sendall(b"r")
        with self.assertRaises(ConnectionResetError):
            client.recv(1)
        client = self.plain(gateway)
        client.sendall(b"x")
        until(lambda: gateway.stat("tcp.t.downstream_cx_rx_bytes_total") == 2, "the byte")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        self.assertTrue(ended.wait(LIMIT_S))
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the end of both")
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_destroy_remote"), 1)

    def pump(self, sender, receiver, gateway):
        """50 MiB from one to the other, who waits before it reads; what arrived is what was sent, and memory is flat."""
        data = os.urandom(MIB) * 50
        before = gateway.memory()
        thread = threading.Thread(target=lambda: (sender.sendall(data), sender.shutdown(socket.SHUT_WR)), daemon=True)
        thread.start()
        paused = time.monotonic() + 1
        most, size, digest = 0, 0, hashlib.sha256()
        while piece := receiver.recv(256 * 1024):
            size += len(piece)
            digest.update(piece)
            most = max(most, gateway.memory())
            if time.monotonic() < paused:
                time.sleep(0.05)
        thread.join(LIMIT_S)
        self.assertEqual((size, digest.digest()), (len(data), hashlib.sha256(data).digest()))
        self.assertLess(most - before, 4 * MIB)

    def test_a_slow_reader_makes_nothing_grow(self):
        arrived, connections, finished = threading.Event(), [], threading.Event()

        def script(connection):
            connections.append(connection)
            arrived.set()
            finished.wait(LIMIT_S)
        self.addCleanup(finished.set)
        gateway = self.before(script)
        client = self.plain(gateway)
        self.assertTrue(arrived.wait(LIMIT_S))
        self.pump(client, connections[0], gateway)
        self.pump(connections[0], client, gateway)
        self.assertGreater(gateway.stat("tcp.t.downstream_flow_control_paused_reading_total"), 0)


class ChoiceTest(TcpProxyTest):

    def test_tls_passes_through_by_its_server_name_beside_http(self):
        self.authority.issue("b", ["b.test"])
        first = self.serve(TlsUpstream("first", self.certificate, self.key))
        second = self.serve(TlsUpstream("second", self.at("b.pem"), self.at("b.key")))
        match = "filter_chain_match: {transport_protocol: tls, server_names: [%s]}, "
        gateway = self.run_gateway(
            [match % "a.test" + tcp("cluster: a"), match % "'*.test'" + tcp("cluster: b"), http()],
            cluster("a", first.server_port) + cluster("b", second.server_port) +
            cluster("service", self.upstream.server_port), more=INSPECTOR)
        self.assertTrue(self.ask(self.connect(gateway.port, "a.test")).endswith("first"))
        self.assertTrue(self.ask(self.connect(gateway.port, "b.test")).endswith("second"))
        self.assertEqual(gateway.get(), (200, "first"))
        self.assertEqual(gateway.stat("tcp.t.downstream_cx_total"), 2)
        self.assertEqual(gateway.stat("http.h.downstream_cx_total"), 1)

    def test_tls_may_end_here_and_begin_anew(self):
        upstream = self.serve(TlsUpstream("sealed", self.certificate, self.key))
        gateway = self.run_gateway(
            downstream(self.certificate, self.key) + ", " + tcp(),
            cluster("service", upstream.server_port, more="transport_socket: {name: tls, typed_config: {'@type': "
                    "%sUpstreamTlsContext, sni: a.test, common_tls_context: {validation_context: {trusted_ca: "
                    "{filename: %s}}}}}" % (CONTEXT, self.authority.certificate)))
        self.assertTrue(self.ask(self.connect(gateway.port)).endswith("sealed"))
        self.assertEqual(gateway.stat("cluster.service.ssl.handshake"), 1)
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.handshake"), 1)

    def test_clusters_share_connections_by_weight(self):
        servers = [self.serve_tcp(naming(name)) for name in (b"a", b"b")]
        gateway = self.run_gateway(
            tcp("weighted_clusters: {clusters: [{name: a, weight: 1}, {name: b, weight: 1}]}"),
            cluster("a", servers[0].port) + cluster("b", servers[1].port))
        # That one of them gets none has a chance of 2 to the power of -63.
        self.assertEqual({self.plain(gateway).recv(1) for _ in range(64)}, {b"a", b"b"})
        self.assertEqual(sum(server.accepted for server in servers), 64)

    def unused_port(self):
        with socket.create_server(("127.0.0.1", 0)) as server:
            return server.getsockname()[1]

    def test_an_upstream_that_is_down_closes_the_client_and_is_logged(self):
        port = self.unused_port()
        gateway = self.run_gateway(self.logging("%RESPONSE_FLAGS% %UPSTREAM_HOST% %UPSTREAM_TRANSPORT_FAILURE_REASON%"),
                                   cluster("service", port))
        self.assert_closed(self.plain(gateway))
        self.assertEqual(self.lines(self.log, 1), ["UF,URX 127.0.0.1:%d connect_to_127.0.0.1:%d:_Connection_refused" %
                                                   (port, port)])
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_connect_fail"), 1)

    def test_the_next_attempt_goes_to_another_host(self):
        up = self.serve_tcp(echo)
        gateway = self.run_gateway(self.logging("%RESPONSE_FLAGS% %UPSTREAM_HOST%", "cluster: service, "
                                                "max_connect_attempts: 2"),
                                   cluster("service", self.unused_port(), up.port))
        for count in range(1, 5):
            client = self.plain(gateway)
            self.assert_echoes(client)
            client.close()
            self.assertEqual(self.lines(self.log, count)[-1], "- 127.0.0.1:%d" % up.port)
        self.assertGreater(gateway.stat("cluster.service.upstream_cx_connect_fail"), 0)

    def test_the_breaker_of_connections_and_no_host_close_the_client(self):
        up = self.serve_tcp(echo)
        line = self.logging("%RESPONSE_FLAGS%")
        gateway = self.run_gateway(line, cluster("service", up.port, more="circuit_breakers: {thresholds: "
                                                 "[{max_connections: 1}]}"))
        self.assert_echoes(self.plain(gateway))
        self.assert_closed(self.plain(gateway))
        self.assertEqual(self.lines(self.log, 1), ["UO"])
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_overflow"), 1)
        gateway.clusters = cluster("service")
        gateway.reload()
        self.assert_closed(self.plain(gateway))
        self.assertEqual(self.lines(self.log, 2)[1], "UH")


class TimeTest(TcpProxyTest):

    def test_who_is_silent_for_long_is_closed(self):
        gateway = self.before(echo, self.logging("%CONNECTION_TERMINATION_DETAILS%", "cluster: service, idle_timeout: 1s"))
        client = self.plain(gateway)
        # Bytes put it off.
        for _ in range(4):
            self.assert_echoes(client)
            time.sleep(0.4)
        self.assert_closed(client)
        self.assertEqual(gateway.stat("tcp.t.idle_timeout"), 1)
        self.assertEqual(self.lines(self.log, 1), ["tcp_session_idle_timeout"])

    def test_no_connection_lasts_longer_than_it_may(self):
        gateway = self.before(echo, self.logging("%RESPONSE_FLAGS%", "cluster: service, "
                                                 "max_downstream_connection_duration: 0.3s"))
        client = self.plain(gateway)
        self.assert_echoes(client)
        self.assert_closed(client)
        self.assertEqual(gateway.stat("tcp.t.max_downstream_connection_duration"), 1)
        self.assertEqual(self.lines(self.log, 1), ["DT"])

    def test_the_log_may_be_written_before_the_end(self):
        gateway = self.before(echo, self.logging(
            "%BYTES_RECEIVED% %UPSTREAM_CLUSTER%", "cluster: service, access_log_options: {flush_access_log_on_start: "
            "true, flush_access_log_on_connected: true, access_log_flush_interval: 0.2s}"))
        client = self.plain(gateway)
        self.assert_echoes(client)
        self.assertEqual(self.lines(self.log, 2)[:2], ["0 -", "0 service"])
        until(lambda: "5 service" in self.lines(self.log, 3), "a line of the connection that lasts")

    def test_a_reload_keeps_connections_and_serves_new_ones_anew(self):
        old, new = self.serve_tcp(naming(b"old")), self.serve_tcp(naming(b"new"))
        gateway = self.run_gateway(tcp(), cluster("service", old.port))
        client = self.plain(gateway)
        self.assertEqual(client.recv(3), b"old")
        gateway.clusters = cluster("service", new.port)
        gateway.reload()
        self.assert_echoes(client)
        self.assertEqual(self.plain(gateway).recv(3), b"new")
        # The chain gets another terminal filter, and the connection lives on all the same.
        gateway.chains, gateway.clusters = [http()], cluster("service", self.upstream.server_port)
        gateway.reload()
        self.assert_echoes(client)
        self.assertEqual(gateway.get(), (200, "first"))

    def test_a_drained_connection_lives_on_until_the_drain_time_ends(self):
        up = self.serve_tcp(echo)
        gateway = self.run_gateway("name: one, " + tcp(), cluster("service", up.port), "--drain-time-s", "2")
        client = self.plain(gateway)
        self.assert_echoes(client)
        began = time.monotonic()
        gateway.chains = ["name: two, " + tcp()]
        gateway.reload()
        self.assert_echoes(client)
        self.assert_closed(client)
        self.assertGreater(time.monotonic() - began, 1.5)

    def test_the_process_waits_for_its_connections_when_it_drains(self):
        gateway = self.before(echo)
        client = self.plain(gateway)
        self.assert_echoes(client)
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: gateway.admin("/ready")[0] == 503, "the drain")
        self.assert_echoes(client)
        client.close()
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)


class ProxyHeaderTest(TcpProxyTest):

    def header(self, version, client):
        """What the upstream of this client's connection must get first."""
        (host, port), (_, local) = client.getsockname(), client.getpeername()
        if version == "V1":
            return ("PROXY TCP4 %s 127.0.0.1 %d %d\r\n" % (host, port, local)).encode()
        return b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + socket.inet_aton(host) + socket.inet_aton("127.0.0.1") + \
            struct.pack(">HH", port, local)

    def start_recording(self, chain, version, inner=None):
        received = []

        def script(connection):
            received.append(b"")
            place = len(received) - 1
            while piece := connection.recv(65536):
                received[place] += piece
                if b"\r\n\r\n" in received[place][16:]:
                    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        more = proxy_header(version, inner) if inner else proxy_header(version)
        up = self.serve_tcp(script)
        return self.run_gateway(chain, cluster("service", up.port, more=more)), received

    def test_a_tcp_connection_begins_with_the_header(self):
        for version in ("V1", "V2"):
            gateway, received = self.start_recording(tcp(), version)
            client = self.plain(gateway)
            client.sendall(b"hello")
            wanted = self.header(version, client) + b"hello"
            until(lambda: received and len(received[0]) >= len(wanted), "the bytes")
            self.assertEqual(received, [wanted])
            gateway.end()

    def test_each_client_of_http_has_connections_of_its_own(self):
        for version in ("V1", "V2"):
            gateway, received = self.start_recording(http(), version)
            # More than there are workers, so that two are on the same.
            clients = [self.plain(gateway) for _ in range(3)]
            for client in [*clients, *clients]:
                client.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
                self.assertTrue(client.recv(65536).startswith(b"HTTP/1.1 200 OK"))
            self.assertEqual(len(received), 3)
            for client, bytes_of_it in zip(clients, received):
                header = self.header(version, client)
                self.assertTrue(bytes_of_it.startswith(header + b"GET / HTTP/1.1\r\n"), bytes_of_it)
                self.assertEqual(bytes_of_it.count(b"GET / "), 2)
                self.assertEqual(bytes_of_it.count(header), 1)
            gateway.end()

    def test_the_header_comes_before_the_tls_handshake(self):
        got = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)

        def script(connection):
            got.append(connection.recv(28, socket.MSG_WAITALL))
            with context.wrap_socket(connection, server_side=True) as sealed:
                sealed.sendall(b"sealed")
        up = self.serve_tcp(script)
        inner = ("{name: tls, typed_config: {'@type': %sUpstreamTlsContext, sni: a.test, common_tls_context: "
                 "{validation_context: {trusted_ca: {filename: %s}}}}}" % (CONTEXT, self.authority.certificate))
        gateway = self.run_gateway(tcp(), cluster("service", up.port, more=proxy_header("V2", inner)))
        client = self.plain(gateway)
        # The upstream breaks its TLS off without a word, and the client's connection is reset then.
        header = self.header("V2", client)
        self.assertEqual(client.recv(6, socket.MSG_WAITALL), b"sealed")
        self.assertEqual(got, [header])


if __name__ == "__main__":
    unittest.main()
