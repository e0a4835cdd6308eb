"""Reloads and drains under live streams: what has begun goes on to its end, what comes too late is told so, and none is
lost on the way."""

import contextlib
import signal
import socket
import threading
import time
import unittest

from attack_kit import ONE_WORKER
from raw_http2 import NO_ERROR, Client, data, get, headers
from smoke_test import LIMIT_S, until
from upgrade_test import EdgeTest, HANDSHAKE, Http2Server, Server, TO_HTTP2, accept_of, read_head, receive

UPGRADES = ("stat_prefix: main\n", "stat_prefix: main\n          upgrade_configs: [{upgrade_type: WebSocket}]\n")
PIECES = 20
RELOADS = 20


class Slow(Server):
    """Streams a response in pieces, each when the test says; makes /chat a WebSocket that echoes; says "ok" to others."""

    def __init__(self):
        self.go, self.targets = threading.Semaphore(0), []
        super().__init__()

    def close(self):
        self.go.release(1000)
        super().close()

    def serve(self, connection):
        while True:
            line, fields = read_head(connection)
            target = line.split(" ")[1]
            self.targets.append(target)
            if target == "/chat":
                return self.chat(connection, fields)
            if target == "/slow":
                connection.sendall(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
                for _ in range(PIECES):
                    self.go.acquire()
                    connection.sendall(b"5\r\npiece\r\n")
                connection.sendall(b"0\r\n\r\n")
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")

    @staticmethod
    def chat(connection, fields):
        connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n"
                           b"sec-websocket-accept: %s\r\n\r\n" % accept_of(fields["sec-websocket-key"]).encode())
        while piece := connection.recv(65536):
            connection.sendall(piece)
        connection.shutdown(socket.SHUT_WR)


class GracefulTest(EdgeTest):

    def client(self, gateway):
        client = Client(gateway.port)
        self.addCleanup(client.close)
        return client

    def slow_stream(self, gateway):
        client = self.client(gateway)
        number = client.open(get("/slow"))
        self.assertTrue(client.wait(lambda: client.stream(number).fields))
        return client, number

    def websocket(self, gateway):
        client = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
        self.addCleanup(client.close)
        client.sendall(HANDSHAKE)
        self.assertEqual(read_head(client)[0], "HTTP/1.1 101 Switching Protocols")
        return client

    def echoes(self, client, text):
        client.sendall(text)
        self.assertEqual(receive(client, len(text)), text)

    def reload(self, gateway, change):
        before = gateway.stat("server.config_update_success")
        gateway.edits = [*gateway.edits, change]
        gateway.write(self.port)
        until(lambda: gateway.stat("server.config_update_success") > before, "the reload")

    def launch(self, upstream, *edits, flags=ONE_WORKER):
        self.port = self.serve(upstream).port
        return self.start(self.port, *edits, flags=flags)

    def finish(self, upstream, client, number):
        upstream.go.release(PIECES)
        self.assertTrue(client.wait(lambda: client.over(number)))
        self.assertEqual((client.stream(number).reset, client.stream(number).body), (None, b"piece" * PIECES))

    def talk(self, client, number, text):
        come = bytes(client.stream(number).body)
        client.send(data(number, text))
        self.assertTrue(client.wait(lambda: client.stream(number).body == come + text), client.stream(number).reset)

    def test_reloads_close_nothing(self):
        upstream = Slow()
        gateway = self.launch(upstream, UPGRADES)
        client, number = self.slow_stream(gateway)
        chat = self.websocket(gateway)
        changes = [("- match: {prefix: /}", "- match: {path: /new}\n                direct_response: {status: 204}\n"
                                            "              - match: {prefix: /}"),
                   ("stat_prefix: main\n", "stat_prefix: main\n          server_name: other\n"),
                   ("connect_timeout: 1s", "connect_timeout: 2s"),
                   ("  - name: service\n", "  - name: service\n    lb_policy: RANDOM\n"),
                   ("    - filters:\n", "    - name: renamed\n      filters:\n")]
        for i, change in enumerate(changes):
            self.reload(gateway, change)
            upstream.go.release()
            self.assertTrue(client.wait(lambda: len(client.stream(number).body) == 5 * (i + 1)))
            self.echoes(chat, b"still here %d" % i)
        # The same connection has the new routes.
        self.assertEqual(client.ask("/new")[":status"], "204")
        self.assertEqual(client.ask("/new")["server"], "other")
        before = gateway.stat("server.config_update_success")
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: gateway.stat("server.config_update_success") > before, "the reload")
        self.finish(upstream, client, number)
        self.echoes(chat, b"and now")
        self.assertEqual(client.goaways, [])

    def test_what_was_decided_at_the_beginning_keeps_its_configuration_and_drains(self):
        upstream = Slow()
        gateway = self.launch(upstream, UPGRADES)
        client, number = self.slow_stream(gateway)
        chat = self.websocket(gateway)
        gateway.edits = [*gateway.edits, ("stat_prefix: main\n", "stat_prefix: main\n          server_name: other\n")]
        # Of the transport, like a certificate that is asked for from now on.
        self.reload(gateway, ("    - filters:\n", "    - transport_socket_connect_timeout: 7s\n      filters:\n"))
        self.assertTrue(client.wait(lambda: client.goaways))
        self.assertEqual(client.goaways[0], (0x7fffffff, NO_ERROR))
        self.finish(upstream, client, number)
        self.echoes(chat, b"and to the end")
        self.assertTrue(client.wait(lambda: client.closed))
        new = self.client(gateway)
        self.assertEqual(new.ask("/")["server"], "other")
        self.assertEqual(new.goaways, [])

    def test_what_is_open_on_a_listener_that_left_ends_with_the_drain_time(self):
        upstream = Slow()
        gateway = self.launch(upstream, UPGRADES, flags=(*ONE_WORKER, "--drain-time-s", "2"))
        chat = self.websocket(gateway)
        client, number = self.slow_stream(gateway)
        began = time.monotonic()
        self.reload(gateway, ("  - name: main\n", "  - name: other\n"))
        upstream.go.release()
        self.assertTrue(client.wait(lambda: len(client.stream(number).body) == 5))
        # The gateway goes away (RFC 6455 section 7.4.1).
        self.assertEqual(receive(chat, 4), b"\x88\x02" + (1001).to_bytes(2, "big"))
        self.assertEqual(chat.recv(1), b"")
        self.assertTrue(client.wait(lambda: client.closed))
        self.assertFalse(client.over(number))
        self.assertGreater(time.monotonic() - began, 1.5)
        self.assertIsNone(gateway.process.poll())

    def test_streams_both_ways_outlive_their_cluster(self):
        first, second = Http2Server(), self.serve(Http2Server())
        gateway = self.launch(first, TO_HTTP2)
        client = self.client(gateway)
        number = client.open(get("/talk", method="POST"), False)
        self.talk(client, number, b"one")
        self.port = second.port
        self.reload(gateway, ("connect_timeout: 1s", "connect_timeout: 2s"))
        self.assertEqual(client.ask("/")[":status"], "200")
        self.assertEqual(len(second.heads), 1)
        self.talk(client, number, b"two")
        client.send(data(number, end=True))
        self.assertTrue(client.wait(lambda: client.over(number)))
        self.assertEqual((client.stream(number).reset, client.goaways), (None, []))

    def test_sigterm_lets_streams_end_and_tells_the_last_one(self):
        upstream = Slow()
        gateway = self.launch(upstream, UPGRADES)
        client, slow = self.slow_stream(gateway)
        chat = self.websocket(gateway)
        # Hears of the end before it has opened its last stream, as it may while the first GOAWAY is on its way.
        client.agrees = False
        gateway.process.send_signal(signal.SIGTERM)
        self.assertTrue(client.wait(lambda: client.goaways))
        self.assertEqual(client.goaways, [(0x7fffffff, NO_ERROR)])
        self.assertEqual(client.ask("/late").body, b"ok")
        last = client.next - 2
        client.agrees = True
        client.answer_pings()
        self.assertTrue(client.wait(lambda: len(client.goaways) == 2))
        self.assertEqual(client.goaways[1], (last, NO_ERROR))
        # What comes behind it is not served: its number says so.
        client.open(get("/too-late"))
        self.echoes(chat, b"go on")
        self.finish(upstream, client, slow)
        self.assertTrue(client.wait(lambda: client.closed))
        self.assertFalse(client.over(client.next - 2))
        self.assertIsNone(gateway.process.poll())
        self.echoes(chat, b"to the end")
        chat.close()
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)

    def test_what_comes_above_the_last_stream_is_not_served(self):
        upstream = Slow()
        gateway = self.launch(upstream, ("stat_prefix: main\n", "stat_prefix: main\n"
                                         "          common_http_protocol_options: {max_requests_per_connection: 2}\n"))
        client = self.client(gateway)
        # In one write, of which the second is the last that the connection takes.
        client.send(headers(1, get("/slow")) + headers(3, get("/last")) + headers(5, get("/late", method="POST"), False) +
                    headers(7, get("/late", method="POST")))
        self.assertTrue(client.wait(lambda: client.goaways))
        self.assertEqual(client.goaways, [(3, NO_ERROR)])
        client.send(data(5, b"x" * 1000) + data(5, end=True))
        self.finish(upstream, client, 1)
        self.assertTrue(client.wait(lambda: client.closed))
        self.assertEqual(client.stream(3).body, b"ok")
        self.assertEqual((sorted(upstream.targets), client.goaways[-1][1]), (["/last", "/slow"], NO_ERROR))

    def test_sigterm_lets_streams_both_ways_end(self):
        gateway = self.launch(Http2Server(), TO_HTTP2)
        client = self.client(gateway)
        number = client.open(get("/talk", method="POST"), False)
        self.talk(client, number, b"one")
        gateway.process.send_signal(signal.SIGTERM)
        self.assertTrue(client.wait(lambda: len(client.goaways) == 2))
        self.assertEqual([last for last, _ in client.goaways], [0x7fffffff, number])
        for text in (b"two", b"three"):
            self.talk(client, number, text)
        # Who comes now is still served, and told at once that the end is near.
        late = self.client(gateway)
        self.assertEqual(late.ask("/")[":status"], "200")
        self.assertTrue(late.wait(lambda: late.goaways))
        client.send(data(number, end=True))
        self.assertTrue(client.wait(lambda: client.closed))
        self.assertEqual((client.stream(number).ended, client.stream(number).reset), (True, None))
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)

    def test_no_request_is_lost_over_reloads(self):
        first, second = Slow(), self.serve(Slow())
        gateway = self.launch(first, flags=("--concurrency", "2"))
        ports = [second.port, self.port]
        loads = [Load(gateway.port) for _ in range(3)]
        for i in range(RELOADS):
            # Another upstream each time, and every other time other routes.
            self.port = ports[i % 2]
            self.reload(gateway, ("route: {cluster: service}", "route: {cluster: service, timeout: %ds}" % (i + 2))
                        if i == 0 else ("timeout: %ds" % (i + 1), "timeout: %ds" % (i + 2)))
        for load in loads:
            load.end()
        print("\n%d reloads under %d requests, %d of them on another connection" % (
            RELOADS, sum(load.done for load in loads), sum(load.moved for load in loads)))
        self.assertEqual([load.lost for load in loads], [[]] * len(loads))
        for load in loads:
            self.assertGreater(load.done, 10 * RELOADS)

    def test_no_request_is_lost_when_the_listener_moves(self):
        gateway = self.launch(Slow(), flags=("--concurrency", "2"))
        loads = [Load(gateway.port) for _ in range(2)]
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        until(lambda: all(load.done > 100 for load in loads), "some requests")
        for load in loads:
            load.next_port = port
        self.reload(gateway, ("127.0.0.1, port_value: 0}", "127.0.0.1, port_value: %d}" % port))
        until(lambda: all(load.moved > 0 or load.lost for load in loads), "the move")
        done = [load.done for load in loads]
        until(lambda: all(load.done > before + 100 or load.lost for load, before in zip(loads, done)), "more requests")
        for load in loads:
            load.end()
        self.assertEqual([load.lost for load in loads], [[], []])


class Load:
    """Requests on one connection, some at a time, one after another; moves to a new connection when told to go."""

    AT_ONCE = 8

    def __init__(self, port):
        self.port = self.next_port = port
        self.done, self.moved, self.lost, self.over = 0, 0, [], False
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def end(self):
        self.over = True
        self.thread.join()

    def run(self):
        try:
            while not self.over and not self.lost:
                with contextlib.closing(Client(self.port)) as client:
                    while not self.over and not self.lost and not client.goaways:
                        self.ask(client)
                    self.moved += bool(client.goaways)
                self.port = self.next_port
        except OSError as error:
            self.lost.append(repr(error))

    def ask(self, client):
        numbers = [client.next + 2 * i for i in range(self.AT_ONCE)]
        client.next += 2 * self.AT_ONCE
        client.send(b"".join(headers(number, get("/")) for number in numbers))
        # Streams above the number of a GOAWAY were not served, and count as never asked.
        client.wait(lambda: all(client.over(number) or self.refused(client, number) for number in numbers))
        for number in numbers:
            stream = client.streams.pop(number)
            if stream.body == b"ok" and stream.reset is None:
                self.done += 1
            elif not self.refused(client, number):
                self.lost.append((number, stream[":status"], stream.reset, client.closed, client.goaways))

    @staticmethod
    def refused(client, number):
        return any(number > last for last, _ in client.goaways)


if __name__ == "__main__":
    unittest.main()
