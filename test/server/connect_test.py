"""The real binary between clients that CONNECT, by either version of HTTP, and upstreams: ended on a raw connection, or
passed on by either version; filters for upgraded requests; the goodbye to WebSockets at the end of a drain."""

import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import h2.events

from smoke_test import CONFIGURATION, NARTHEX, until
from upgrade_test import (ALLOW_CONNECT, Echo, EdgeTest, Http2Server, Server, TO_HTTP2, UPGRADES, read_head, receive)

MATCH = ("match: {prefix: /}", "match: {connect_matcher: {}}")
ENDS = ("route: {cluster: service}",
        "route: {cluster: service, upgrade_configs: [{upgrade_type: CONNECT, connect_config: {}}]}")
PASSES_ON = ("route: {cluster: service}", "route: {cluster: service, upgrade_configs: [{upgrade_type: CONNECT}]}")
BY_HTTP2 = ("stat_prefix: main", "stat_prefix: main\n          http2_protocol_options: {allow_connect: true}")
# Nobody listens there: whoever got anywhere else was not sent by the request.
TARGET = "192.0.2.1:443"
CONNECT = ("CONNECT %s HTTP/1.1\r\nhost: %s\r\n\r\n" % (TARGET, TARGET)).encode()


class Raw(Server):
    """Sends back what comes, and a last word when the other side has no more."""

    def serve(self, connection):
        while piece := connection.recv(65536):
            connection.sendall(piece)
        connection.sendall(b"bye")
        connection.shutdown(socket.SHUT_WR)


class Proxy(Raw):
    """The same behind a CONNECT, which it answers with `status`."""

    status, extra = "200 Connection established", b""

    def serve(self, connection):
        line, fields = read_head(connection)
        self.heads.append((line, fields))
        if not self.status.startswith("2"):
            connection.sendall(("HTTP/1.1 %s\r\ncontent-length: 4\r\n\r\nnope" % self.status).encode())
            return
        # What it says of a length means nothing.
        connection.sendall(("HTTP/1.1 %s\r\ncontent-length: 5\r\nx-proxy: yes\r\n\r\n" % self.status).encode() + self.extra)
        super().serve(connection)


class ConnectTest(EdgeTest):

    def open(self, gateway, head=CONNECT):
        client = self.connect(gateway)
        client.sendall(head)
        line, fields = read_head(client)
        return client, line, fields

    def open2(self, gateway, authority=TARGET):
        client = self.http2(gateway)
        stream = client.request([(":method", "CONNECT"), (":authority", authority)], end=False)
        client.wait(lambda: stream in client.heads or stream in client.resets)
        return client, stream

    def expect_tunnel(self, gateway, last=b"bye", size=300000):
        """By HTTP/1: both directions, and the end of one before the other's."""
        client, line, fields = self.open(gateway)
        self.assertEqual(line, "HTTP/1.1 200 OK")
        for name in ("content-length", "transfer-encoding", "connection", "upgrade"):
            self.assertNotIn(name, fields)
        for text in (b"one", b"x" * size):
            client.sendall(text)
            self.assertEqual(receive(client, len(text)), text)
        self.assertEqual(gateway.stat("http.main.downstream_cx_upgrades_active"), 1)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive(client, 4), last)
        until(lambda: gateway.stat("http.main.downstream_cx_upgrades_active") == 0, "the end of the tunnel")
        return fields

    def expect_tunnel2(self, gateway, last=b"bye"):
        client, stream = self.open2(gateway)
        self.assertEqual(client.heads[stream][":status"], "200")
        client.send(stream, b"hello")
        client.wait(lambda: client.bodies.get(stream) == b"hello")
        client.send(stream, end=True)
        client.wait(lambda: stream in client.ended)
        self.assertEqual(client.bodies[stream], b"hello" + last)
        until(lambda: gateway.stat("http.main.downstream_cx_upgrades_active") == 0, "the end of the tunnel")


class EndsHereTest(ConnectTest):

    def test_goes_to_a_host_of_the_cluster_whatever_it_names(self):
        raw = self.serve(Raw())
        gateway = self.start(raw.port, MATCH, ENDS)
        self.expect_tunnel(gateway)
        self.assertEqual(len(raw.connections), 1)
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the upstream's end")
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_total"), 1)
        self.assertEqual(gateway.stat("http.main.downstream_cx_upgrades_total"), 1)

    def test_of_http2_too(self):
        raw = self.serve(Raw())
        self.expect_tunnel2(self.start(raw.port, MATCH, ENDS, BY_HTTP2))

    def test_what_comes_with_the_head_is_not_lost(self):
        gateway = self.start(self.serve(Raw()).port, MATCH, ENDS)
        client, line, _ = self.open(gateway, CONNECT + b"early")
        self.assertEqual((line, receive(client, 5)), ("HTTP/1.1 200 OK", b"early"))

    def test_the_host_may_end_first(self):
        class Greets(Server):
            got = b""

            def serve(self, connection):
                connection.sendall(b"hello")
                connection.shutdown(socket.SHUT_WR)
                while piece := connection.recv(65536):
                    self.got += piece
        greets = self.serve(Greets())
        gateway = self.start(greets.port, MATCH, ENDS)
        client, _, _ = self.open(gateway)
        self.assertEqual(receive(client, 6), b"hello")
        client.sendall(b"and I go on")
        until(lambda: greets.got == b"and I go on", "what was sent behind the host's end")
        client.close()
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the upstream's end")

    def test_a_host_that_resets_resets_the_client(self):
        class Reset(Server):
            def serve(self, connection):
                connection.recv(1)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
        client, _, _ = self.open(self.start(self.serve(Reset()).port, MATCH, ENDS))
        client.sendall(b"x")
        with self.assertRaises(ConnectionResetError):
            client.recv(1)

    def test_a_client_that_leaves_ends_the_connection(self):
        gateway = self.start(self.serve(Raw()).port, MATCH, ENDS)
        client, _, _ = self.open(gateway)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()
        until(lambda: gateway.stat("http.main.downstream_cx_upgrades_active") == 0, "the end of the tunnel")
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the upstream's end")

    def test_a_slow_reader_holds_the_host_back(self):
        class Flood(Server):
            sent = 0

            def serve(self, connection):
                connection.settimeout(2)
                while self.sent < 256 << 20:
                    self.sent += connection.send(b"x" * 65536)
        flood = self.serve(Flood())
        client, _, _ = self.open(self.start(flood.port, MATCH, ENDS))
        until(lambda: flood.sent > 65536, "the flood")
        time.sleep(1)
        self.assertLess(flood.sent, 32 << 20)

    def test_outlives_the_route_s_timeout_but_not_its_idle_timeout(self):
        raw = self.serve(Raw())
        ends = (ENDS[0], ENDS[1].replace("cluster: service,", "cluster: service, timeout: 0.3s, idle_timeout: 1s,"))
        client, _, _ = self.open(self.start(raw.port, MATCH, ends))
        for _ in range(6):
            time.sleep(0.25)
            client.sendall(b"on")
            self.assertEqual(receive(client, 2), b"on")
        self.assertGreater(self.seconds_to_the_end(client), 0.8)

    def test_no_host_to_be_reached_is_503(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        gateway = self.start(port, MATCH, ENDS, BY_HTTP2)
        client, line, fields = self.open(gateway)
        self.assertEqual(line.split(" ")[1], "503")
        # What a client has sent in hope must not be read as a request.
        self.assertEqual(fields["connection"], "close")
        client, stream = self.open2(gateway)
        self.assertEqual(client.heads[stream][":status"], "503")

    def test_lives_on_through_a_reload_and_a_drain(self):
        gateway = self.start(self.serve(Raw()).port, MATCH, ENDS, flags=("--drain-time-s", "3"))
        client, _, _ = self.open(gateway)
        with open(gateway.file) as file:
            text = file.read()
        gateway.write(0, text.replace("connect_matcher: {}", "prefix: /"))
        until(lambda: self.open(gateway)[1].split(" ")[1] == "404", "the new routes")
        client.sendall(b"still here")
        self.assertEqual(receive(client, 10), b"still here")
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: gateway.admin("/ready")[0] == 503, "the drain")
        client.sendall(b"and here")
        self.assertEqual(receive(client, 8), b"and here")
        self.assertGreater(self.seconds_to_the_end(client), 1)
        self.assertEqual(gateway.process.wait(10), 0)


class PassedOnTest(ConnectTest):

    def test_from_http1_to_http1(self):
        proxy = self.serve(Proxy())
        fields = self.expect_tunnel(self.start(proxy.port, MATCH, PASSES_ON))
        self.assertEqual(fields["x-proxy"], "yes")
        line, sent = proxy.heads[0]
        self.assertEqual(line, "CONNECT %s HTTP/1.1" % TARGET)
        self.assertEqual(sent["host"], TARGET)
        for name in ("content-length", "transfer-encoding", "upgrade"):
            self.assertNotIn(name, sent)

    def test_from_http2_to_http1(self):
        proxy = self.serve(Proxy())
        self.expect_tunnel2(self.start(proxy.port, MATCH, PASSES_ON, BY_HTTP2))
        self.assertEqual(proxy.heads[0][0], "CONNECT %s HTTP/1.1" % TARGET)

    def test_from_http1_to_http2(self):
        server = self.serve(Http2Server())
        # The server of the test does not wait for its window.
        self.expect_tunnel(self.start(server.port, MATCH, PASSES_ON, TO_HTTP2), last=b"", size=20000)
        self.assertEqual({name: value for name, value in server.heads[0].items() if name.startswith(":")},
                         {":method": "CONNECT", ":authority": TARGET})

    def test_from_http2_to_http2(self):
        server = self.serve(Http2Server())
        self.expect_tunnel2(self.start(server.port, MATCH, PASSES_ON, BY_HTTP2, TO_HTTP2), last=b"")
        self.assertEqual(server.heads[0][":method"], "CONNECT")

    def test_any_success_begins_the_tunnel(self):
        proxy = self.serve(Proxy())
        proxy.status, proxy.extra = "204 Yes", b"welcome"
        client, line, _ = self.open(self.start(proxy.port, MATCH, PASSES_ON), CONNECT + b"early")
        self.assertEqual((line.split(" ")[1], receive(client, 12)), ("204", b"welcomeearly"))

    def test_a_refusal_is_an_ordinary_answer_and_ends_the_connection(self):
        proxy = self.serve(Proxy())
        proxy.status = "407 Who are you"
        client, line, fields = self.open(self.start(proxy.port, MATCH, PASSES_ON), CONNECT + b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual((line.split(" ")[1], fields["connection"]), ("407", "close"))
        self.assertEqual(receive(client, 5), b"nope")
        self.assertEqual(len(proxy.heads), 1)


class RefusedTest(ConnectTest):

    def statuses(self, *edits):
        raw = self.serve(Raw())
        gateway = self.start(raw.port, BY_HTTP2, *edits)
        client, line, fields = self.open(gateway)
        self.assertEqual(fields["connection"], "close")
        client2, stream = self.open2(gateway)
        self.assertEqual(raw.connections, [])
        return line.split(" ")[1], client2.heads[stream][":status"]

    def test_without_a_route_for_it(self):
        self.assertEqual(self.statuses(ENDS), ("404", "404"))

    def test_where_upgrade_configs_does_not_allow_it(self):
        self.assertEqual(self.statuses(MATCH), ("403", "403"))
        self.assertEqual(self.statuses(MATCH, (ENDS[0], ENDS[1].replace("CONNECT,", "CONNECT, enabled: false,"))),
                         ("403", "403"))

    def test_the_listener_may_allow_it_for_all(self):
        allow = ("stat_prefix: main", "stat_prefix: main\n          upgrade_configs: [{upgrade_type: connect}]")
        proxy = self.serve(Proxy())
        self.expect_tunnel(self.start(proxy.port, MATCH, allow))

    def test_what_only_redirects_or_answers_is_no_tunnel(self):
        for action in ("direct_response: {status: 200}", "redirect: {path_redirect: /}"):
            self.assertEqual(self.statuses(MATCH, ("route: {cluster: service}", action)), ("403", "403"))

    def test_an_upgrade_by_that_name_is_no_connect(self):
        allow = ("stat_prefix: main", "stat_prefix: main\n          upgrade_configs: [{upgrade_type: CONNECT}]")
        echo = self.serve(Echo())
        echo.status = 200
        gateway = self.start(echo.port, allow)
        _, line, _ = self.open(gateway, b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: CONNECT\r\n\r\n")
        self.assertEqual(line, "HTTP/1.1 200 OK")
        self.assertNotIn("upgrade", echo.heads[0][1])

    def test_another_form_than_host_and_port(self):
        gateway = self.start(self.serve(Raw()).port, MATCH, ENDS, BY_HTTP2)
        for target in ("a.test", "a.test:", "a.test:0", "http://a.test:80/", "/"):
            _, line, _ = self.open(gateway, ("CONNECT %s HTTP/1.1\r\nhost: a.test\r\n\r\n" % target).encode())
            self.assertEqual(line.split(" ")[1], "400", target)
        with self.assertRaises(AssertionError):
            client, stream = self.open2(gateway, "a.test")
            self.assertNotIn(stream, client.resets)

    def check(self, *edits):
        with open(CONFIGURATION) as source:
            text = source.read()
        for old, new in edits:
            self.assertIn(old, text)
            text = text.replace(old, new)
        with tempfile.NamedTemporaryFile("w", suffix="checked.yaml") as out:
            out.write(text)
            out.flush()
            done = subprocess.run([NARTHEX, "check", "-c", out.name], capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr

    def test_fields_that_have_no_effect_are_errors(self):
        for field in ("allow_post: true", "proxy_protocol_config: {version: V1}"):
            code, said = self.check(MATCH, (ENDS[0], ENDS[1].replace("connect_config: {}", "connect_config: {%s}" % field)))
            self.assertEqual(code, 1, said)
            self.assertIn("checked.yaml:", said)
            self.assertIn("connect_config", said)
        code, said = self.check((ENDS[0], ENDS[1].replace("CONNECT", "websocket")))
        self.assertEqual(code, 1, said)
        self.assertIn("is for the upgrade_type CONNECT", said)

    def test_explain_and_check_know_it(self):
        gateway = self.start(self.serve(Raw()).port, MATCH, ENDS)
        done = subprocess.run([NARTHEX, "explain", "-c", gateway.file, "CONNECT", "a.test:443"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("takes the request (connect_matcher): cluster service", done.stdout)
        self.assertIn("ends here; its bytes go to a host of the cluster", done.stdout)
        code, said = self.check(MATCH)
        self.assertIn("every request is answered with 403: CONNECT is not among upgrade_configs", said)


FILTERS = """stat_prefix: main
          upgrade_configs:
          - upgrade_type: websocket
            filters:
            - name: mark
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
                mutations: {request_mutations: [{append: {header: {key: x-chain, value: upgraded}}}]}
            - name: envoy.filters.http.router
              typed_config:
                "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"""


class UpgradeFiltersTest(EdgeTest):

    def test_upgraded_requests_go_through_their_own(self):
        echo = self.serve(Echo())
        gateway = self.start(echo.port, ("stat_prefix: main", FILTERS))
        self.upgrade(gateway)
        self.assertEqual(echo.heads[0][1]["x-chain"], "upgraded")
        echo.status = 200
        self.assertEqual(gateway.get("/")[0], 200)
        self.assertNotIn("x-chain", echo.heads[1][1])

    def test_a_route_turns_them_off_as_any_other(self):
        echo = self.serve(Echo())
        off = """route: {cluster: service}
                typed_per_filter_config:
                  mark:
                    "@type": type.googleapis.com/envoy.config.route.v3.FilterConfig
                    disabled: true"""
        self.upgrade(self.start(echo.port, ("stat_prefix: main", FILTERS), ("route: {cluster: service}", off)))
        self.assertNotIn("x-chain", echo.heads[0][1])

    def test_an_entry_that_is_off_stays_off(self):
        echo = self.serve(Echo())
        echo.status = 200
        gateway = self.start(echo.port, ("stat_prefix: main", FILTERS.replace("websocket\n", "websocket\n            enabled: false\n")))
        client = self.connect(gateway)
        client.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        self.assertEqual(read_head(client)[0], "HTTP/1.1 200 OK")
        self.assertNotIn("x-chain", echo.heads[0][1])


GOING_AWAY = b"\x88\x02\x03\xe9"


def unmask(frame):
    mask = frame[2:6]
    return frame[:2] + bytes(byte ^ mask[at % 4] for at, byte in enumerate(frame[6:]))


class Chat(Echo):
    """Agrees to WebSocket, sends `greeting` and keeps what comes."""

    greeting, got, ended = b"", b"", False

    def serve(self, connection):
        _, fields = read_head(connection)
        connection.sendall(b"HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n" + self.greeting)
        while piece := connection.recv(65536):
            self.got += piece
        self.ended = True


class Chat2(Http2Server):
    """The same over HTTP/2, without a greeting."""

    got, ended = b"", False

    def handle(self, state, event):
        if isinstance(event, h2.events.DataReceived):
            self.got += event.data
        elif isinstance(event, h2.events.StreamEnded):
            self.ended = True
        else:
            super().handle(state, event)


class GoodbyeTest(EdgeTest):

    def drained(self, greeting, sent):
        """What a client and an upstream are told when the drain time is over, behind what they sent each other."""
        chat = self.serve(Chat())
        chat.greeting = greeting
        gateway = self.start(chat.port, UPGRADES, flags=("--drain-time-s", "1"))
        client, _ = self.upgrade(gateway)
        self.assertEqual(receive(client, len(greeting)), greeting)
        client.sendall(sent)
        until(lambda: chat.got == sent, "what the client sends")
        gateway.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        told = b""
        try:
            told = receive(client, 100)
        except ConnectionResetError:
            pass
        self.assertGreater(time.monotonic() - began, 0.7)
        self.assertEqual(gateway.process.wait(10), 0)
        until(lambda: chat.ended, "the upstream's end")
        return told, chat.got[len(sent):]

    def test_both_ends_are_told(self):
        told, upstream = self.drained(b"\x81\x05hello", b"\x81\x82mask\x05\x08")
        self.assertEqual(told, GOING_AWAY)
        self.assertEqual(upstream[:2], b"\x88\x82")
        self.assertEqual(unmask(upstream), b"\x88\x82\x03\xe9")

    def test_one_that_stands_within_a_frame_is_cut(self):
        told, upstream = self.drained(b"\x81\x05hell", b"\x81\x82mask\x05\x08")
        self.assertEqual((told, upstream[:2]), (b"", b"\x88\x82"))
        told, upstream = self.drained(b"\x81\x05hello", b"\x81\x82mas")
        self.assertEqual((told, upstream), (GOING_AWAY, b""))

    def test_nothing_follows_a_close_frame(self):
        told, upstream = self.drained(b"\x81\x05hello" + GOING_AWAY, b"\x88\x80mask")
        self.assertEqual((told, upstream), (b"", b""))

    def test_over_http2(self):
        chat = self.serve(Chat())
        chat.greeting = b"\x81\x05hello"
        gateway = self.start(chat.port, ALLOW_CONNECT, flags=("--drain-time-s", "1"))
        client = self.http2(gateway)
        stream = client.websocket()
        client.wait(lambda: client.bodies.get(stream) == chat.greeting)
        client.send(stream, b"\x81\x82mask\x05\x08")
        until(lambda: len(chat.got) == 8, "what the client sends")
        gateway.process.send_signal(signal.SIGTERM)
        # The library reads nothing behind the GOAWAY with which a drain begins.
        rest = b""
        while piece := client.socket.recv(65536):
            rest += piece
        self.assertIn(b"\x00\x00\x04\x00\x01" + struct.pack(">I", stream) + GOING_AWAY, rest)
        until(lambda: chat.ended, "the upstream's end")
        self.assertEqual(unmask(chat.got[8:]), b"\x88\x82\x03\xe9")

    def test_towards_http2(self):
        chat = self.serve(Chat2())
        gateway = self.start(chat.port, UPGRADES, TO_HTTP2, flags=("--drain-time-s", "1"))
        client, _ = self.upgrade(gateway)
        client.sendall(b"\x81\x82mask\x05\x08")
        until(lambda: len(chat.got) == 8, "what the client sends")
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(receive(client, 4), GOING_AWAY)
        until(lambda: chat.ended, "the upstream's end")
        self.assertEqual(unmask(chat.got[8:]), b"\x88\x82\x03\xe9")


if __name__ == "__main__":
    unittest.main()
