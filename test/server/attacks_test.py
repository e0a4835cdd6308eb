"""The real binary with a listener, a route, a cluster and nothing else, against clients that want to keep others out."""

import os
import socket
import tempfile
import time
import unittest

from attack_kit import Silent, beside
from raw_http2 import Client, get
from smoke_test import Gateway, LIMIT_S, Upstream, until

# What a slow client may hold a connection for (test/http/slow_client_test.cc has the exact times).
GONE_WITHIN_S = 15
BIG = b"x" * (32 << 20)


class BigUpstream(Upstream):
    """Answers with more than all sockets on the way hold."""

    def __init__(self):
        super().__init__("")
        self.text = BIG


def connect(port, receive_buffer=0):
    client = socket.socket()
    if receive_buffer:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    client.settimeout(LIMIT_S)
    client.connect(("127.0.0.1", port))
    return client


class SlowClient:
    """Sends a beginning, then a drop each half second; reads what comes, all at once or as slowly as it sends."""

    def __init__(self, port, begin, drop=b"", reads=True):
        self.client = connect(port, 0 if reads else 1024)
        self.client.sendall(begin)
        self.drop, self.reads = drop, reads

    def gone(self):
        """One more drop; whether the gateway has ended the connection."""
        try:
            if self.drop:
                self.client.send(self.drop)
            self.client.settimeout(0)
            return self.client.recv(65536 if self.reads else 5) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True


def request(port):
    started = time.monotonic()
    with connect(port) as client:
        client.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n")
        answer = b""
        while piece := client.recv(65536):
            answer += piece
    return answer, time.monotonic() - started


class Attacks(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)

    def start(self, upstream, descriptors=None, silent=None):
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        ports = (silent.port, beside(upstream.server_port)) if silent else (upstream.server_port, ())
        gateway = Gateway(self.directory.name, ports[0], edits=ports[1], descriptors=descriptors)
        self.addCleanup(gateway.end)
        return gateway

    def outlive(self, gateway, clients):
        """Waits until all of them are gone while others are served; how long that took."""
        started = time.monotonic()
        while clients:
            clients = [client for client in clients if not client.gone()]
            self.assertTrue(request(gateway.port)[0].startswith(b"HTTP/1.1 200 OK\r\n"))
            self.assertLess(time.monotonic() - started, GONE_WITHIN_S, "%d are left" % len(clients))
            time.sleep(0.5)

    def test_slow_heads_and_bodies_are_gone_soon(self):
        gateway = self.start(Upstream("fine"))
        head = b"GET / HTTP/1.1\r\nhost: a.test\r\n"
        post = b"POST / HTTP/1.1\r\nhost: a.test\r\n"
        clients = []
        for _ in range(50):
            clients += [SlowClient(gateway.port, head, b"x: y\r\n"),
                        SlowClient(gateway.port, post + b"content-length: 8192\r\n\r\n", b"abcde"),
                        SlowClient(gateway.port, post + b"transfer-encoding: chunked\r\n\r\n", b"1\r\na\r\n"),
                        SlowClient(gateway.port, head + b"\r\n" + head)]
        self.outlive(gateway, clients)
        until(lambda: gateway.stat("http.main.downstream_rq_active") == 0, "the last request")

    def test_slow_readers_are_gone_soon(self):
        gateway = self.start(BigUpstream())
        clients = [SlowClient(gateway.port, b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n", reads=False) for _ in range(20)]
        until(lambda: gateway.stat("http.main.downstream_rq_total") == 20, "all of them")
        started = time.monotonic()
        # Asked of the gateway: what a client's own socket still holds comes before the end that it would see.
        while left := gateway.stat("http.main.downstream_rq_active"):
            for client in clients:
                client.gone()
            self.assertLess(time.monotonic() - started, GONE_WITHIN_S, "%d are left" % left)
            time.sleep(0.5)
        with open("/proc/%d/status" % gateway.process.pid) as status:
            peak = next(int(line.split()[1]) for line in status if line.startswith("VmHWM"))
        self.assertLess(peak, 100 << 10, "KiB at most: none of them made the gateway hold its answer")


    def test_idle_clients_that_take_all_descriptors_keep_nobody_out(self):
        gateway = self.start(Upstream("fine"), descriptors=256)
        idle = [connect(gateway.port) for _ in range(200)]
        for client in idle[::2]:
            client.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
        idle += [connect(gateway.port) for _ in range(200)]
        for _ in range(50):
            self.assertTrue(request(gateway.port)[0].startswith(b"HTTP/1.1 200 OK\r\n"))
            self.assertEqual(gateway.admin("/ready")[0], 200)
        self.assertGreater(gateway.stat("listener.127.0.0.1_0.downstream_cx_idle_evicted"), 200)
        descriptors = len(os.listdir("/proc/%d/fd" % gateway.process.pid))
        self.assertLess(descriptors, 230)
        for client in idle:
            client.close()
        until(lambda: gateway.stat("http.main.downstream_cx_active") == 0, "the last connection")
        self.assertTrue(request(gateway.port)[0].startswith(b"HTTP/1.1 200 OK\r\n"))

    def test_clients_that_are_busy_are_not_put_out(self):
        upstream = Upstream("fine")
        gateway = self.start(upstream, descriptors=256)
        self.addCleanup(upstream.release.set)
        busy = connect(gateway.port)
        busy.sendall(b"GET /slow HTTP/1.1\r\nhost: a.test\r\n\r\n")
        self.assertTrue(upstream.waiting.wait(LIMIT_S))
        for client in [connect(gateway.port) for _ in range(400)]:
            client.close()
        upstream.release.set()
        self.assertTrue(busy.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n"))


    def busy_clients(self):
        """A gateway with few descriptors, an upstream that answers nothing, and a client that has nothing to do with it."""
        silent = Silent()
        self.addCleanup(silent.close)
        gateway = self.start(Upstream("fine"), descriptors=256, silent=silent)
        other = connect(gateway.port)
        self.addCleanup(other.close)
        # It has begun, so that it need not give way as one that idles.
        other.sendall(b"GET /probe HTTP/1.1\r\n")
        until(lambda: gateway.stat("http.main.downstream_cx_active") == 1, "the client")
        return gateway, silent, other

    def others_are_served(self, gateway, other):
        self.assertEqual(gateway.admin("/ready")[0], 200)
        # Their upstream has no connection yet.
        other.sendall(b"host: a.test\r\n\r\n")
        self.assertTrue(other.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n"))
        self.assertEqual(gateway.stat("cluster.service.upstream_cx_connect_fail"), 0)
        # What administration may need is still there.
        self.assertLess(len(os.listdir("/proc/%d/fd" % gateway.process.pid)), 256 - 64)

    def test_busy_clients_leave_descriptors_for_upstreams(self):
        gateway, silent, other = self.busy_clients()
        busy = []
        for _ in range(400):
            busy.append(connect(gateway.port))
            try:
                busy[-1].sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
            except OSError:  # one too many
                pass
        until(lambda: gateway.stat("listener.127.0.0.1_0.downstream_cx_total") +
              gateway.stat("listener.127.0.0.1_0.downstream_global_cx_overflow") == 401, "all of them")
        self.others_are_served(gateway, other)
        until(lambda: silent.requests > 50, "those that have one")
        self.assertGreater(gateway.stat("listener.127.0.0.1_0.downstream_global_cx_overflow"), 100)
        with open(gateway.log.name) as log:
            self.assertRegex(log.read(), r"closes new connections: \d+ connections of clients and \d+ to upstreams are open, "
                                         r"and the process can afford \d+")
        for client in busy:
            client.close()
        until(lambda: gateway.stat("http.main.downstream_cx_active") == 1, "their ends")
        SlowClient(gateway.port, b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
        until(lambda: gateway.stat("cluster.service.upstream_rq_active") == 1, "a new request")

    def test_many_streams_of_few_clients_leave_descriptors_for_others(self):
        gateway, silent, other = self.busy_clients()
        clients = [Client(gateway.port) for _ in range(4)]
        for client in clients:
            self.addCleanup(client.close)
            for _ in range(100):
                client.open(get("/"))
        until(lambda: gateway.stat("cluster.service.upstream_cx_overflow") > 0, "the limit")
        until(lambda: gateway.stat("cluster.service.upstream_rq_pending_active") +
              gateway.stat("cluster.service.upstream_rq_active") == 400, "all of them")
        self.others_are_served(gateway, other)


class AdminAttacksTest(unittest.TestCase):

    def test_unfinished_and_idle_connections_do_not_keep_others_out(self):
        with tempfile.TemporaryDirectory() as folder:
            upstream = Upstream("first")
            self.addCleanup(upstream.server_close)
            self.addCleanup(upstream.shutdown)
            gateway = Gateway(folder, upstream.server_port)
            self.addCleanup(gateway.end)
            for number in range(150):
                client = socket.socket(socket.AF_UNIX)
                self.addCleanup(client.close)
                client.connect(gateway.admin_socket)
                client.sendall(b"GET /ready HTTP/1.1\r\nhost: localhost\r\n" + (b"\r\n" if number % 2 else b""))
            self.assertEqual(gateway.admin("/ready"), (200, "LIVE\n"))


if __name__ == "__main__":
    unittest.main()
