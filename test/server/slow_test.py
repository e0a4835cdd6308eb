"""Slow clients by slowhttptest, another's tool, of each kind two hundred: by the defaults they are gone soon, and those who
are served meanwhile notice nothing."""

import subprocess
import tempfile
import time
import unittest

from attack_kit import ONE_WORKER, PROBE, Probe, percentile
from smoke_test import Gateway, until
from upgrade_test import Server, read_head, receive

CONNECTIONS = 200
GONE_WITHIN_S = 15
SECONDS = 3
BIG = b"x" * (16 << 20)
KINDS = {
    "heads": ["-H", "-i", "1", "-x", "24"],
    "bodies": ["-B", "-i", "1", "-s", "8192", "-x", "10"],
    # A byte or so at a time of an answer that no socket holds.
    "readers": ["-X", "-w", "10", "-y", "20", "-n", "1", "-z", "5", "-k", "1"],
}


class Big(Server):
    """Takes a request with all that it has, then answers with more than sockets hold."""

    backlog = 1024

    def serve(self, connection):
        _, fields = read_head(connection)
        size = int(fields.get("content-length", 0))
        if len(receive(connection, size)) == size:
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(BIG))
            connection.sendall(BIG)


class SlowTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        upstream = Big()
        self.addCleanup(upstream.close)
        self.gateway = Gateway(folder.name, upstream.port, *ONE_WORKER, edits=[PROBE])
        self.addCleanup(self.gateway.end)

    def attack(self, kind):
        process = subprocess.Popen(["slowhttptest", *KINDS[kind], "-c", str(CONNECTIONS), "-r", str(CONNECTIONS), "-l",
                                    str(2 * GONE_WITHIN_S), "-u", "http://127.0.0.1:%d/" % self.gateway.port],
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)

    def active(self):
        return self.gateway.stat("http.main.downstream_cx_active")

    def test_all_kinds_are_gone_soon(self):
        probe = Probe(self.gateway.port)
        self.addCleanup(probe.close)
        before = percentile(probe.during(lambda: time.sleep(SECONDS)), 0.99)
        began = time.monotonic()
        for kind in KINDS:
            self.attack(kind)
        until(lambda: self.active() > CONNECTIONS * len(KINDS), "all of them")
        opened = time.monotonic() - began
        meanwhile = percentile(probe.during(lambda: time.sleep(SECONDS)), 0.99)
        # The probe's own stays.
        until(lambda: self.active() <= 1, "the end of the last")
        took = time.monotonic() - began
        print("\n%d slow clients: open after %.1f s, gone after %.1f s; p99 of others %.2f ms before, %.2f ms meanwhile" % (
            CONNECTIONS * len(KINDS), opened, took, before, meanwhile))
        self.assertLess(took, GONE_WITHIN_S + opened)
        self.assertLess(meanwhile, max(1.1 * before, before + 5))
        self.assertGreaterEqual(self.gateway.stat("http.main.downstream_rq_header_timeout"), CONNECTIONS)
        self.assertGreaterEqual(self.gateway.stat("http.main.downstream_rq_total"), 2 * CONNECTIONS)


if __name__ == "__main__":
    unittest.main()
