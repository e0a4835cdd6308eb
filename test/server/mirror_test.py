"""The real binary with mirrors: copies arrive whole, and nothing that a mirror does is seen by a client."""

import http.client
import http.server
import socket
import tempfile
import threading
import time
import unittest

from smoke_test import LIMIT_S, Gateway, until

CLUSTER = """
  - name: copies
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: copies
      endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: %d}}}}]}]
"""
BODY = b"0123456789abcdef" * (1 << 16)  # a MiB


class Service(http.server.ThreadingHTTPServer):
    """Remembers what it was asked, and answers after a while."""

    def __init__(self, delay=0.0):
        self.asked, self.delay = [], delay
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A gateway that ended closes its connections: nothing to report."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        time.sleep(self.server.delay)
        self.send_response(200)
        self.send_header("content-length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    do_GET = do_PUT = answer

    def log_message(self, *_):
        pass


class MirrorTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.service = self.serve()

    def serve(self, delay=0.0):
        service = Service(delay)
        self.addCleanup(service.server_close)
        self.addCleanup(service.shutdown)
        return service

    def start(self, mirror_port, more=""):
        end = "socket_address: {address: 127.0.0.1, port_value: %d}" % self.service.server_port
        gateway = Gateway(self.directory, self.service.server_port, edits=[
            (end, end + CLUSTER % mirror_port),
            ("route: {cluster: service}", "route: {cluster: service, request_mirror_policies: [{cluster: copies}]%s}" % more)])
        self.addCleanup(gateway.end)
        return gateway

    def ask(self, gateway, method="GET", body=None):
        """The status, and how long it took."""
        begun = time.monotonic()
        connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
        connection.request(method, "/x", body=body, headers={"host": "a.test"})
        answer = connection.getresponse()
        self.assertEqual(answer.read(), b"ok")
        connection.close()
        return answer.status, time.monotonic() - begun

    def test_copies_arrive_whole(self):
        mirror = self.serve()
        gateway = self.start(mirror.server_port)
        for _ in range(20):
            self.assertEqual(self.ask(gateway)[0], 200)
        self.assertEqual(self.ask(gateway, "PUT", BODY)[0], 200)
        until(lambda: len(mirror.asked) == 21, "the copies")
        self.assertEqual(len(self.service.asked), 21)
        for method, path, headers, body in mirror.asked:
            self.assertEqual((path, headers["host"], headers["x-envoy-internal"]), ("/x", "a.test-shadow", "true"))
            self.assertEqual(body, BODY if method == "PUT" else b"")
        until(lambda: gateway.stat("cluster.copies.upstream_rq_200") == 21, "the answers")
        self.assertEqual(gateway.stat("http.main.rq_mirrored"), 21)
        self.assertEqual(gateway.stat("http.main.downstream_rq_total"), 21)

    def test_a_slow_mirror_delays_nobody(self):
        mirror = self.serve(delay=2)
        gateway = self.start(mirror.server_port)
        took = [self.ask(gateway)[1] for _ in range(20)]
        self.assertLess(max(took), 1)
        until(lambda: gateway.stat("cluster.copies.upstream_rq_200") == 20, "the answers")

    def test_a_mirror_that_does_not_read_is_given_up(self):
        deaf = socket.create_server(("127.0.0.1", 0))
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.addCleanup(deaf.close)
        gateway = self.start(deaf.getsockname()[1])
        status, took = self.ask(gateway, "PUT", BODY * 32)
        self.assertEqual(status, 200)
        self.assertLess(took, 5)
        self.assertEqual(self.service.asked[0][3], BODY * 32)
        until(lambda: gateway.stat("http.main.rq_mirror_abandoned_lagging") == 1, "the mirror to be given up")
        self.assertEqual(gateway.stat("cluster.service.retry_or_shadow_abandoned"), 1)
        until(lambda: gateway.stat("cluster.copies.upstream_rq_active") == 0, "its end")

    def test_a_mirror_that_is_not_there_fails_nothing(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            gateway = self.start(closed.getsockname()[1])
            for method, body in (("GET", None), ("PUT", BODY)):
                self.assertEqual(self.ask(gateway, method, body)[0], 200)
            until(lambda: gateway.stat("cluster.copies.upstream_rq_503") == 2, "the failures")

    def test_a_mirror_that_never_answers_ends_with_the_timeout(self):
        mirror = self.serve(delay=LIMIT_S)
        gateway = self.start(mirror.server_port, ", timeout: 0.5s")
        self.assertEqual(self.ask(gateway)[0], 200)
        until(lambda: gateway.stat("cluster.copies.upstream_rq_timeout") == 1, "the timeout")
        until(lambda: gateway.stat("cluster.copies.upstream_rq_active") == 0, "its end")

    def test_a_reload_lets_copies_end(self):
        mirror = self.serve(delay=1)
        gateway = self.start(mirror.server_port)
        self.ask(gateway)
        until(lambda: len(mirror.asked) == 1, "the copy")
        before = gateway.stat("server.config_update_success")
        text = gateway.text(self.service.server_port).replace(CLUSTER % mirror.server_port, "")
        gateway.write(self.service.server_port, text.replace(", request_mirror_policies: [{cluster: copies}]", ""))
        until(lambda: gateway.stat("server.config_update_success") > before, "the reload")
        self.assertEqual(self.ask(gateway)[0], 200)
        time.sleep(1.5)  # meanwhile the copy's answer comes, and its cluster goes
        self.assertEqual(self.ask(gateway)[0], 200)
        self.assertEqual(len(mirror.asked), 1)


if __name__ == "__main__":
    unittest.main()
