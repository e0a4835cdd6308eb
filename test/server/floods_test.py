"""HTTP/2 floods against the real binary with a listener, a route, a cluster and nothing else: each ends early, by name,
and costs neither memory nor CPU nor those who are served by the same worker. What each costs is printed."""

import contextlib
import struct
import time
import unittest

from attack_kit import Cost, NEXT_REQUEST_MS, ONE_WORKER, PROBE, Probe, Silent, percentile
from raw_http2 import (CONTINUATION, END_HEADERS, END_STREAM, ENHANCE_YOUR_CALM, HEADERS, INITIAL_WINDOW_SIZE, PADDED, PING,
                       PRIORITY, PROTOCOL_ERROR, Client, block, data, field, frame, get, headers, reset, settings,
                       window_update)
from smoke_test import until
from upgrade_test import EdgeTest, Server, read_head

MEBIBYTE = 1 << 20
# How long each goes on for its costs to be seen.
SECONDS = 0.4


class Flood:
    """`frames(i)` are the i-th of an attack that comes behind `before`, `total` of them in full. When `most` have been sent,
    `counter` must have been raised, and the connection be over with `code`. Without a code it goes on, and each of them
    must have been answered with `status` or been reset."""

    def __init__(self, most, total, counter, frames, before=b"", reads=True, code=ENHANCE_YOUR_CALM, status=None):
        self.most, self.total, self.counter, self.frames = most, total, counter, frames
        self.before, self.reads, self.code, self.status = before, reads, code, status

    def bytes(self, count):
        return self.before + b"".join(self.frames(i) for i in range(count))


def request(i, *more, method="GET", end=True):
    return headers(2 * i + 1, get("/", *more, method=method), end)


def bomb(name):
    """A field of 4 KiB that the table keeps (RFC 7541 section 4.1 adds 32), and a head that refers to it again and again."""
    size = 4096 - 32 - len(name)
    first = field(name, "b" * size, 0x40)

    def frames(i):
        entry = first if i == 0 else b""
        return frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block(get()) + entry + bytes([0x80 | 62]) * 8000)
    return frames


def empty_names(i):
    return frame(HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block(get()) + field("", "a") * 2000)


POST = request(0, method="POST", end=False)
OPEN_HEAD = frame(HEADERS, END_STREAM, 1, block(get()))
KIBIBYTE = field("x-a", "a" * 1019)
SETTINGS_FRAME = settings((1, 4096))
PING_FRAME = frame(PING, 0, 0, b"pingping")

FLOODS = {
    "rapid reset": Flood(1000, 10000, "rx_reset_flood", lambda i: request(i) + reset(2 * i + 1)),
    "made you reset: window": Flood(500, 5000, "rx_reset_flood",
                                    lambda i: request(i) + window_update(2 * i + 1, 0x7fffffff)),
    "made you reset: no increment": Flood(500, 5000, "rx_messaging_error", code=PROTOCOL_ERROR,
                                          frames=lambda i: request(i) + window_update(2 * i + 1, 0)),
    "made you reset: head": Flood(500, 5000, "rx_reset_flood", lambda i: request(i, ("connection", "close"))),
    "made you reset: length": Flood(500, 5000, "rx_reset_flood", lambda i: request(
        i, ("content-length", "1"), method="POST", end=False) + data(2 * i + 1, b"ab")),
    "streams above the limit": Flood(1000, 10000, "rx_reset_flood", lambda i: request(i, method="POST", end=False)),
    "CONTINUATION": Flood(64, 2000, "continuation_flood", lambda i: frame(CONTINUATION, 0, 1, KIBIBYTE), OPEN_HEAD),
    "empty CONTINUATION": Flood(100, 10000, "inbound_empty_frames_flood", lambda i: frame(CONTINUATION, 0, 1), OPEN_HEAD),
    "SETTINGS": Flood(1100, 10000, "outbound_control_flood", lambda i: SETTINGS_FRAME),
    "SETTINGS, acks unread": Flood(1100, 20000, "outbound_control_flood", lambda i: SETTINGS_FRAME, reads=False),
    "PING": Flood(2000, 10000, "outbound_control_flood", lambda i: PING_FRAME),
    "PING, acks unread": Flood(2000, 20000, "outbound_control_flood", lambda i: PING_FRAME, reads=False),
    "frames of no kind": Flood(2000, 10000, "outbound_control_flood", lambda i: frame(0x42, 0, 0, b"what?")),
    "empty DATA": Flood(100, 10000, "inbound_empty_frames_flood", lambda i: data(1), POST),
    "empty DATA, padded": Flood(100, 10000, "inbound_empty_frames_flood", lambda i: frame(0, PADDED, 1, b"\3\0\0\0"), POST),
    "empty DATA, stream gone": Flood(100, 10000, "inbound_empty_frames_flood", lambda i: data(1), request(
        0, ("connection", "close"), method="POST", end=False)),
    "PRIORITY": Flood(1000, 10000, "inbound_priority_frames_flood",
                      lambda i: frame(PRIORITY, 0, 2 * i + 1, struct.pack(">IB", 0, 16))),
    "WINDOW_UPDATE": Flood(5000, 10000, "inbound_window_update_frames_flood", lambda i: window_update(0, 1)),
    "WINDOW_UPDATE of a stream": Flood(5000, 10000, "inbound_window_update_frames_flood", lambda i: window_update(1, 1),
                                       POST),
    "HPACK bomb": Flood(50, 50, "header_overflow", bomb("x-bomb"), code=None, status="431"),
    "HPACK bomb of cookies": Flood(50, 50, "header_overflow", bomb("cookie"), code=None, status="431"),
    "fields without a name": Flood(200, 200, "rx_messaging_error", empty_names, code=PROTOCOL_ERROR),
}


class FloodsTest(EdgeTest):

    def setUp(self):
        super().setUp()
        self.upstream = self.serve(Silent())
        self.gateway = self.start(self.upstream.port, PROBE, flags=ONE_WORKER)

    def client(self, **options):
        client = Client(self.gateway.port, **options)
        self.addCleanup(client.close)
        return client

    def stat(self, name):
        # None before the first connection of HTTP/2.
        return self.gateway.stat("http2." + name) or 0

    def test_each_ends_in_time(self):
        for name, flood in FLOODS.items():
            with self.subTest(name):
                before = self.stat(flood.counter)
                with contextlib.closing(self.client()) as client:
                    client.send(flood.bytes(flood.most))
                    (self.each_is_refused if flood.code is None else self.connection_ends)(client, flood)
                self.assertGreater(self.stat(flood.counter), before)
        until(lambda: self.gateway.stat("http.main.downstream_cx_active") == 0, "the last connection")
        until(lambda: self.gateway.stat("cluster.service.upstream_rq_active") == 0, "what was asked of the upstream")
        self.assertEqual(self.gateway.get("/probe")[0], 204)

    def connection_ends(self, client, flood):
        self.assertTrue(client.refused(flood.code), client.goaways)
        self.assertTrue(client.wait(lambda: client.closed))

    def each_is_refused(self, client, flood):
        numbers = range(1, 2 * flood.most, 2)
        self.assertTrue(client.wait(lambda: client.goaways or all(client.over(number) for number in numbers)))
        for number in numbers:
            stream = client.stream(number)
            self.assertTrue(client.goaways or stream.reset is not None or stream[":status"] == flood.status, vars(stream))

    def attack(self, flood, blob):
        """One connection after another; how many, and how many bytes they have sent."""
        connections = sent = 0
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            # Who reads nothing gets a small buffer, so that it is soon full.
            client = Client(self.gateway.port, receive_buffer=0 if flood.reads else 1024)
            client.send(blob)
            if flood.reads:
                client.wait(lambda c=client: flood.code is None and len(c.streams) == flood.total, 2)
            else:
                until(client.is_left, "the end of a connection that is not read")
            client.close()
            connections, sent = connections + 1, sent + client.sent
        return connections, sent

    def test_none_costs_others_anything(self):
        with contextlib.closing(Probe(self.gateway.port)) as probe:
            self.client().ask("/probe")
            calm = percentile(probe.during(lambda: time.sleep(SECONDS)), 0.99)
            print("\np99 of others before: %.2f ms" % calm)
            whole = Cost(self.gateway.process.pid)
            with whole:
                for name, flood in FLOODS.items():
                    with self.subTest(name):
                        self.watch(name, flood, probe)
            print("memory in all: %d KiB" % (whole.memory >> 10))
            self.assertLess(whole.memory, 2 * MEBIBYTE)

    def watch(self, name, flood, probe):
        blob, done = flood.bytes(flood.total), []
        # Noise only adds: a fault would show in each round. The goal is half of the bound, for machines have others to serve.
        for _ in range(3):
            with Cost(self.gateway.process.pid) as cost:
                latencies = probe.during(lambda: done.append(self.attack(flood, blob)))
            p99 = percentile(latencies, 0.99)
            if p99 < NEXT_REQUEST_MS:
                break
        connections, sent = done[-1]
        print("%-29s %4d times: p99 of others %5.2f ms, memory %4d KiB, CPU %.2f ms a time, the client's own %.2f" % (
            name, connections, p99, cost.memory >> 10, cost.cpu / connections * 1000, cost.own_cpu / connections * 1000))
        self.assertLess(p99, 2 * NEXT_REQUEST_MS)
        self.assertLess(cost.cpu / connections, 0.05)
        # The client's own is what it takes to send bytes that were made before.
        self.assertLess(cost.cpu, 10 * cost.own_cpu + 0.05)
        self.assertLess(cost.memory, max(10 * sent, MEBIBYTE // 4))

    def test_resets_that_wait_for_the_upstream_are_few(self):
        client = self.client()
        began, at_once = time.monotonic(), 10
        while not client.goaways and self.upstream.requests < 2000:
            seen = self.upstream.requests
            numbers = [client.open(get("/")) for _ in range(at_once)]
            until(lambda: self.upstream.requests >= seen + at_once or client.read(0.001) and client.goaways, "the requests")
            client.send(b"".join(reset(number) for number in numbers))
            client.read(0.001)
        self.assertTrue(client.refused(ENHANCE_YOUR_CALM))
        # 200 at once, and 33 a second beside.
        self.assertLess(self.upstream.requests, 200 + 33 * (time.monotonic() - began) + 2 * at_once)
        until(lambda: self.gateway.stat("cluster.service.upstream_rq_active") == 0, "the end of the work")
        until(lambda: self.upstream.ended == len(self.upstream.connections), "the end of the upstream's connections")

    def test_connections_that_flood_and_leave_keep_the_loop_from_nobody(self):
        blob = FLOODS["SETTINGS"].bytes(10000)

        def come_and_go():
            end = time.monotonic() + 2 * SECONDS
            while time.monotonic() < end:
                with contextlib.closing(Client(self.gateway.port)) as client:
                    client.send(blob)
        with contextlib.closing(Probe(self.gateway.port)) as probe:
            # The best of three: noise only adds.
            p99 = min(percentile(probe.during(come_and_go), 0.99) for _ in range(3))
        print("\nconnections that do not wait for their end: p99 of others %.2f ms" % p99)
        self.assertLess(p99, 2 * NEXT_REQUEST_MS)


class Big(Server):
    SIZE = 64 * MEBIBYTE

    def serve(self, connection):
        read_head(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % self.SIZE)
        for _ in range(self.SIZE // MEBIBYTE):
            connection.sendall(b"x" * MEBIBYTE)


class TransferTest(EdgeTest):

    def test_pings_that_measure_a_transfer_are_no_flood(self):
        big = self.serve(Big())
        client = Client(self.start(big.port).port)
        self.addCleanup(client.close)
        client.opens_windows = True
        number = client.open(get("/"))
        pings = come = 0
        while not client.over(number) and client.read():
            # As gRPC measures how much is on its way, and as often as it may: with each frame of data.
            frames = (len(client.stream(number).body) - come) // 16384
            client.send(PING_FRAME * frames)
            pings, come = pings + frames, come + frames * 16384
        self.assertEqual((len(client.stream(number).body), client.goaways), (Big.SIZE, []))
        # Three times what is free without.
        self.assertGreater(pings, 3000)
        # Those that go on behind it are.
        client.send(PING_FRAME * 4000)
        self.assertTrue(client.refused(ENHANCE_YOUR_CALM))


class SlowTest(EdgeTest):

    def test_what_is_too_slow_is_given_up_alone_and_counted(self):
        gateway = self.start(self.serve(Big()).port, PROBE)
        reader, head = Client(gateway.port), Client(gateway.port)
        self.addCleanup(reader.close)
        self.addCleanup(head.close)
        # The connection's window is open, the stream's is not.
        reader.send(window_update(0, 1 << 24))
        number = reader.open(get("/"))
        head.send(OPEN_HEAD)
        # The ten seconds in which its window was filled do not count.
        self.assertTrue(reader.wait(lambda: reader.over(number), 30))
        self.assertEqual(reader.stream(number).reset, ENHANCE_YOUR_CALM)
        self.assertEqual(reader.ask("/probe")[":status"], "204")
        self.assertEqual(reader.goaways, [])
        self.assertEqual(gateway.stat("http.main.downstream_rq_idle_timeout"), 1)
        self.assertTrue(head.refused(ENHANCE_YOUR_CALM))
        self.assertEqual(gateway.stat("http.main.downstream_rq_header_timeout"), 1)


class ZeroWindowTest(EdgeTest):
    CONNECTIONS, STREAMS = 5, 100

    def test_streams_that_are_not_read_cost_little_and_go(self):
        upstream = self.serve(Big())
        gateway = self.start(upstream.port, PROBE, ("stat_prefix: main\n",
                                                    "stat_prefix: main\n          stream_idle_timeout: 3s\n"), flags=ONE_WORKER)
        probe = Probe(gateway.port)
        self.addCleanup(probe.close)
        with contextlib.closing(Client(gateway.port)) as client:
            client.ask("/probe")
        clients, streams = [], self.CONNECTIONS * self.STREAMS

        def attack():
            for _ in range(self.CONNECTIONS):
                clients.append(Client(gateway.port, [(INITIAL_WINDOW_SIZE, 0)]))
                clients[-1].send(b"".join(request(i) for i in range(self.STREAMS)))
            for client in clients:
                client.wait(lambda c=client: len([1 for s in c.streams.values() if s.fields]) == self.STREAMS)
            time.sleep(0.3)
        with Cost(gateway.process.pid) as cost:
            latencies = probe.during(attack)
        each = cost.memory / streams
        print("\n%d streams whose windows are shut: %.1f KiB each, p99 of others %.2f ms" % (
            streams, each / 1024, percentile(latencies, 0.99)))
        self.assertEqual([len(client.streams) for client in clients], [self.STREAMS] * self.CONNECTIONS)
        self.assertLess(each, 32 << 10)
        for client in clients:
            self.assertTrue(client.wait(lambda c=client: all(c.over(number) for number in list(c.streams))))
            client.close()
        self.assertGreaterEqual(gateway.stat("http.main.downstream_rq_idle_timeout"), streams)
        until(lambda: gateway.stat("cluster.service.upstream_cx_active") == 0, "the upstream's end")


if __name__ == "__main__":
    unittest.main()
