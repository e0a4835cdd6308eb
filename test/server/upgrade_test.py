"""The real binary between clients and upstreams that change the protocol: WebSocket over both versions of HTTP, and
HTTP/2 with prior knowledge on both sides."""

import base64
import hashlib
import socket
import struct
import tempfile
import threading
import time
import unittest

import h2.config
import h2.connection
import h2.events
import h2.settings

from smoke_test import Gateway, LIMIT_S, Upstream, until

UPGRADES = ("stat_prefix: main", "stat_prefix: main\n          upgrade_configs: [{upgrade_type: WebSocket}]")
ALLOW_CONNECT = ("stat_prefix: main", "stat_prefix: main\n          http2_protocol_options: {allow_connect: true}\n"
                                      "          upgrade_configs: [{upgrade_type: websocket}]")
TO_HTTP2 = ("    connect_timeout: 1s", """    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http2_protocol_options: {}}""")
KEY = "dGhlIHNhbXBsZSBub25jZQ=="
HANDSHAKE = ("GET /chat HTTP/1.1\r\nhost: a.test\r\nconnection: keep-alive, Upgrade\r\nupgrade: websocket\r\n"
             "sec-websocket-version: 13\r\nsec-websocket-key: " + KEY + "\r\n\r\n").encode()


def accept_of(key):
    return base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()


def read_head(sock):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = sock.recv(1)
        if not piece:
            raise AssertionError("closed within a head: %r" % head)
        head += piece
    lines = head.decode().split("\r\n")
    return lines[0], {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:-2])}


class Server:
    """Accepts connections and runs `serve(connection)` for each on a thread of its own."""

    backlog = 64

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=self.backlog)
        self.port = self.listener.getsockname()[1]
        self.connections = []
        self.heads = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(LIMIT_S)
            self.connections.append(connection)
            threading.Thread(target=self.run, args=(connection,), daemon=True).start()

    def run(self, connection):
        try:
            self.serve(connection)
        except (OSError, AssertionError):
            pass

    def close(self):
        # Wakes the thread in accept, which would keep the port otherwise.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for connection in self.connections:
            connection.close()


class Echo(Server):
    """Agrees to WebSocket, then sends back what comes, in plain bytes, until the other side has no more."""

    status = 101
    extra = b""

    def serve(self, connection):
        line, fields = read_head(connection)
        self.heads.append((line, fields))
        if self.status != 101:
            connection.sendall(b"HTTP/1.1 %d Nope\r\ncontent-length: 4\r\n\r\nnope" % self.status)
            return self.serve(connection)
        connection.sendall(("HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
                            "sec-websocket-accept: %s\r\n\r\n" % accept_of(fields["sec-websocket-key"])).encode() +
                           self.extra)
        while piece := connection.recv(65536):
            connection.sendall(piece)
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)
        return None


class Http2Server(Server):
    """HTTP/2 in clear text: echoes the bodies of requests, and what comes by CONNECT of either kind, of which the library's
    checks know the extended one alone."""

    def serve(self, connection):
        state = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="utf-8", validate_inbound_headers=False))
        state.local_settings = h2.settings.Settings(
            client=False, initial_values={h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL: 1})
        state.initiate_connection()
        connection.sendall(state.data_to_send())
        while data := connection.recv(65536):
            for event in state.receive_data(data):
                self.handle(state, event)
            connection.sendall(state.data_to_send())

    def handle(self, state, event):
        if isinstance(event, h2.events.RequestReceived):
            self.heads.append(dict(event.headers))
            state.send_headers(event.stream_id, [(":status", "200"), ("x-version", "2")])
        elif isinstance(event, h2.events.DataReceived):
            state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            state.send_data(event.stream_id, event.data)
        elif isinstance(event, h2.events.StreamEnded):
            state.end_stream(event.stream_id)


class Http2Client:
    """One connection; waits for what a stream is sent."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.state = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8",
                                                                              validate_outbound_headers=False))
        self.state.initiate_connection()
        self.heads, self.bodies, self.ended, self.resets, self.goaway = {}, {}, set(), {}, None
        self.flush()

    def flush(self):
        self.socket.sendall(self.state.data_to_send())

    def request(self, fields, end=True):
        stream = self.state.get_next_available_stream_id()
        self.state.send_headers(stream, fields, end_stream=end)
        self.flush()
        return stream

    def send(self, stream, data=b"", end=False):
        self.state.send_data(stream, data, end_stream=end)
        self.flush()

    def take(self):
        data = self.socket.recv(65536)
        if not data:
            raise AssertionError("the connection was closed")
        for event in self.state.receive_data(data):
            if isinstance(event, h2.events.ResponseReceived):
                self.heads[event.stream_id] = dict(event.headers)
            elif isinstance(event, h2.events.DataReceived):
                self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
                self.state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, h2.events.StreamEnded):
                self.ended.add(event.stream_id)
            elif isinstance(event, h2.events.StreamReset):
                self.resets[event.stream_id] = event.error_code
            elif isinstance(event, h2.events.ConnectionTerminated):
                self.goaway = event
        self.flush()

    def wait(self, condition):
        while not condition():
            self.take()

    def get(self, path="/", method="GET", body=None):
        stream = self.request([(":method", method), (":scheme", "http"), (":authority", "a.test"), (":path", path)],
                              end=body is None)
        if body is not None:
            self.send(stream, body, end=True)
        self.wait(lambda: stream in self.ended or stream in self.resets)
        return self.heads[stream], self.bodies.get(stream, b"")

    def websocket(self):
        self.wait(lambda: self.state.remote_settings.get(h2.settings.SettingCodes.ENABLE_CONNECT_PROTOCOL) == 1)
        stream = self.request([(":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"),
                               (":authority", "a.test"), (":path", "/chat"), ("sec-websocket-version", "13")], end=False)
        self.wait(lambda: stream in self.heads or stream in self.resets)
        return stream


class EdgeTest(unittest.TestCase):

    def serve(self, server):
        self.addCleanup(server.close)
        return server

    def start(self, port, *edits, flags=()):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        gateway = Gateway(folder.name, port, *flags, edits=list(edits))
        self.addCleanup(gateway.end)
        return gateway

    def connect(self, gateway):
        client = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
        self.addCleanup(client.close)
        return client

    def seconds_to_the_end(self, client):
        """How long the client's connection lives on without a byte, until it is closed or reset."""
        began = time.monotonic()
        try:
            self.assertEqual(client.recv(10), b"")
        except ConnectionResetError:
            pass
        return time.monotonic() - began

    def http2(self, gateway):
        client = Http2Client(gateway.port)
        self.addCleanup(client.socket.close)
        return client

    def upgrade(self, gateway):
        client = self.connect(gateway)
        client.sendall(HANDSHAKE)
        line, fields = read_head(client)
        self.assertEqual(line, "HTTP/1.1 101 Switching Protocols")
        return client, fields


def receive(client, size):
    got = b""
    while len(got) < size:
        piece = client.recv(65536)
        if not piece:
            break
        got += piece
    return got


class WebSocketTest(EdgeTest):

    def test_passes_both_directions_and_half_closes(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, UPGRADES)
        client, fields = self.upgrade(gateway)
        self.assertEqual(fields["sec-websocket-accept"], accept_of(KEY))
        self.assertEqual(fields["upgrade"], "websocket")
        self.assertNotIn("transfer-encoding", fields)
        self.assertNotIn("content-length", fields)
        for text in (b"one", b"two", b"x" * 100000):
            client.sendall(text)
            self.assertEqual(receive(client, len(text)), text)
        self.assertEqual(gateway.stat("http.main.downstream_cx_upgrades_active"), 1)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive(client, 4), b"bye")
        self.assertEqual(echo.heads[0][1]["connection"].lower(), "upgrade")
        until(lambda: gateway.stat("http.main.downstream_cx_upgrades_active") == 0, "the end of the upgrade")
        self.assertEqual(gateway.stat("http.main.downstream_cx_upgrades_total"), 1)
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the upstream's end")

    def test_what_comes_with_the_head_is_not_lost(self):
        echo = self.serve(Echo())
        echo.extra = b"welcome"
        gateway = self.start(echo.port, UPGRADES)
        client = self.connect(gateway)
        client.sendall(HANDSHAKE + b"early")
        read_head(client)
        self.assertEqual(receive(client, 12), b"welcomeearly")

    def test_a_refusal_is_an_ordinary_answer_and_the_connection_goes_on(self):
        echo = self.serve(Echo())
        echo.status = 403
        gateway = self.start(echo.port, UPGRADES)
        client = self.connect(gateway)
        client.sendall(HANDSHAKE + HANDSHAKE)
        for _ in range(2):
            line, fields = read_head(client)
            self.assertEqual((line.split(" ")[1], receive(client, 4)), ("403", b"nope"))
        self.assertEqual(len(echo.connections), 1)

    def test_is_ignored_where_it_is_not_allowed(self):
        upstream = Upstream("plain")
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        gateway = self.start(upstream.server_port)
        client = self.connect(gateway)
        client.sendall(HANDSHAKE)
        line, _ = read_head(client)
        self.assertEqual(line, "HTTP/1.1 200 OK")
        self.assertIsNone(upstream.headers["upgrade"])

    def test_a_route_decides_before_the_listener(self):
        echo = self.serve(Echo())
        echo.status = 200
        gateway = self.start(echo.port, UPGRADES, ("route: {cluster: service}", "route: {cluster: service, upgrade_configs: "
                                                   "[{upgrade_type: websocket, enabled: false}]}"))
        client = self.connect(gateway)
        client.sendall(HANDSHAKE)
        self.assertEqual(read_head(client)[0], "HTTP/1.1 200 OK")
        self.assertNotIn("upgrade", echo.heads[0][1])

    def test_outlives_the_route_s_timeout_but_not_its_idle_timeout(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, UPGRADES, ("route: {cluster: service}",
                                                   "route: {cluster: service, timeout: 0.3s, idle_timeout: 1s}"))
        client, _ = self.upgrade(gateway)
        for _ in range(6):
            time.sleep(0.25)
            client.sendall(b"on")
            self.assertEqual(receive(client, 2), b"on")
        self.assertGreater(self.seconds_to_the_end(client), 0.8)

    def test_a_slow_reader_holds_the_other_side_back(self):
        class Flood(Echo):
            sent = 0

            def serve(self, connection):
                read_head(connection)
                connection.sendall(b"HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
                connection.settimeout(2)
                while self.sent < 256 << 20:
                    self.sent += connection.send(b"x" * 65536)
        flood = self.serve(Flood())
        gateway = self.start(flood.port, UPGRADES)
        client, _ = self.upgrade(gateway)
        until(lambda: flood.sent > 65536, "the flood")
        time.sleep(1)
        stood = flood.sent
        self.assertLess(stood, 32 << 20)
        self.assertEqual(len(receive(client, stood)) >= stood, True)

    def test_an_upstream_that_resets_resets_the_client(self):
        class Reset(Echo):
            def serve(self, connection):
                read_head(connection)
                connection.sendall(b"HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
                connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        gateway = self.start(self.serve(Reset()).port, UPGRADES)
        client, _ = self.upgrade(gateway)
        client.sendall(b"x")
        with self.assertRaises(ConnectionResetError):
            client.recv(1)

    def test_a_client_that_leaves_ends_the_upstream(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, UPGRADES)
        client, _ = self.upgrade(gateway)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        until(lambda: gateway.stat("http.main.downstream_cx_upgrades_active") == 0, "the end of the upgrade")
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the upstream's end")

    def test_a_reload_closes_none(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, UPGRADES)
        client, _ = self.upgrade(gateway)
        with open(gateway.file) as file:
            text = file.read()
        gateway.write(0, text.replace("prefix: /}", "prefix: /chat}"))
        until(lambda: gateway.get("/")[0] == 404, "the new routes")
        client.sendall(b"still here")
        self.assertEqual(receive(client, 10), b"still here")


class WebSocketOverHttp2Test(EdgeTest):

    def test_from_http2_to_http1(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, ALLOW_CONNECT)
        client = self.http2(gateway)
        stream = client.websocket()
        self.assertEqual(client.heads[stream][":status"], "200")
        self.assertNotIn("sec-websocket-accept", client.heads[stream])
        self.assertNotIn("upgrade", client.heads[stream])
        client.send(stream, b"hello")
        client.wait(lambda: client.bodies.get(stream) == b"hello")
        line, fields = echo.heads[0]
        self.assertEqual(line, "GET /chat HTTP/1.1")
        self.assertEqual(len(base64.b64decode(fields["sec-websocket-key"])), 16)
        client.send(stream, end=True)
        client.wait(lambda: stream in client.ended)
        self.assertEqual(client.bodies[stream], b"hellobye")
        # Others go on beside it.
        self.assertEqual(gateway.stat("http.main.downstream_cx_http2_total"), 1)

    def test_an_upstream_that_does_not_agree_is_no_success(self):
        echo = self.serve(Echo())
        echo.status = 200
        client = self.http2(self.start(echo.port, ALLOW_CONNECT))
        self.assertEqual(client.heads[client.websocket()][":status"], "502")

    def test_is_refused_where_it_is_not_allowed(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, ALLOW_CONNECT, ("upgrade_type: websocket", "upgrade_type: websocket, enabled: false"))
        client = self.http2(gateway)
        self.assertEqual(client.heads[client.websocket()][":status"], "403")
        self.assertEqual(echo.heads, [])

    def test_from_http1_to_http2(self):
        server = self.serve(Http2Server())
        gateway = self.start(server.port, UPGRADES, TO_HTTP2)
        client, fields = self.upgrade(gateway)
        self.assertEqual(fields["sec-websocket-accept"], accept_of(KEY))
        client.sendall(b"hello")
        self.assertEqual(receive(client, 5), b"hello")
        self.assertEqual(server.heads[0][":method"], "CONNECT")
        self.assertEqual(server.heads[0][":protocol"], "websocket")
        self.assertNotIn("sec-websocket-key", server.heads[0])
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")

    def test_from_http2_to_http2(self):
        server = self.serve(Http2Server())
        gateway = self.start(server.port, ALLOW_CONNECT, TO_HTTP2)
        client = self.http2(gateway)
        stream = client.websocket()
        self.assertEqual(client.heads[stream][":status"], "200")
        client.send(stream, b"hello", end=True)
        client.wait(lambda: stream in client.ended)
        self.assertEqual(client.bodies[stream], b"hello")


class Http2Test(EdgeTest):

    def test_clear_text_clients_may_begin_with_the_preface(self):
        upstream = Upstream("plain")
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        gateway = self.start(upstream.server_port)
        client = self.http2(gateway)
        head, body = client.get()
        self.assertEqual((head[":status"], body), ("200", b"plain"))
        self.assertEqual(gateway.get("/"), (200, "plain"))
        self.assertEqual(gateway.stat("http.main.downstream_cx_http2_total"), 1)
        self.assertEqual(gateway.stat("http.main.downstream_cx_http1_total"), 1)
        self.assertEqual(gateway.stat("http.main.downstream_rq_http2_total"), 1)
        self.assertEqual(gateway.stat("http.main.downstream_rq_http1_total"), 1)

    def test_a_preface_in_pieces(self):
        upstream = Upstream("plain")
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        gateway = self.start(upstream.server_port)
        client = self.connect(gateway)
        state = h2.connection.H2Connection()
        state.initiate_connection()
        state.send_headers(1, [(":method", "GET"), (":scheme", "http"), (":authority", "a"), (":path", "/")],
                           end_stream=True)
        for byte in state.data_to_send():
            client.sendall(bytes([byte]))
        answer = b""
        while b"plain" not in answer:
            piece = client.recv(65536)
            self.assertTrue(piece, answer)
            answer += piece

    def test_requests_to_http2_share_a_connection(self):
        server = self.serve(Http2Server())
        gateway = self.start(server.port, TO_HTTP2, flags=("--concurrency", "1"))
        first = self.http2(gateway)
        for number in range(5):
            head, body = first.get("/%d" % number, "POST", b"body %d" % number)
            self.assertEqual((head[":status"], head["x-version"], body), ("200", "2", b"body %d" % number))
        self.assertEqual(gateway.get("/x")[0], 200)
        self.assertEqual(len(server.connections), 1)
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_http2_total"), 1)
        self.assertEqual(gateway.stat("cluster.service.upstream_rq_total"), 6)
        self.assertEqual(gateway.stat("cluster.service.upstream_rq_active"), 0)

    def test_an_upstream_that_leaves_answers_its_requests_with_503(self):
        class Leaves(Http2Server):
            def handle(self, state, event):
                if isinstance(event, h2.events.RequestReceived):
                    raise OSError
        server = self.serve(Leaves())
        gateway = self.start(server.port, TO_HTTP2)
        original = server.run

        def run(connection):
            original(connection)
            connection.close()
        server.run = run
        self.assertEqual(gateway.get("/")[0], 503)
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the end of the connection")


if __name__ == "__main__":
    unittest.main()
