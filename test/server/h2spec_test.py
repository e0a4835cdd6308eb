"""The whole of h2spec, which tries an HTTP/2 server against RFC 7540 and RFC 7541, over TLS and in clear text."""

import http.server
import os
import re
import subprocess
import unittest

from smoke_test import Upstream
from tls_test import EdgeTest

H2SPEC = os.environ.get("NARTHEX_H2SPEC", "")
CASES = 145


class Any(http.server.BaseHTTPRequestHandler):
    """Takes any request with whatever body it has."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        size = int(self.headers.get("content-length", 0))
        while size > 0 and (piece := self.rfile.read(min(size, 65536))):
            size -= len(piece)
        if self.headers.get("transfer-encoding") == "chunked":
            while (size := int(self.rfile.readline().split(b";")[0], 16)) > 0:
                self.rfile.read(size + 2)
            while self.rfile.readline().strip():
                pass
        self.send_response(200)
        self.send_header("content-length", "5")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(b"hello")

    do_GET = do_POST = do_HEAD = answer

    def log_message(self, *_):
        pass


class Service(Upstream):
    def __init__(self):
        super().__init__("any")
        self.RequestHandlerClass = Any


class H2spec(EdgeTest):

    def setUp(self):
        self.assertTrue(os.access(H2SPEC, os.X_OK), "tools/setup --diff installs h2spec and says where it is")
        super().setUp()
        self.service = self.serve(Service())

    def conform(self, port, *flags):
        done = subprocess.run([H2SPEC, "-h", "127.0.0.1", "-p", str(port), "-o", "5", *flags], capture_output=True,
                              text=True, timeout=500)
        found = re.search(r"(\d+) tests, (\d+) passed, (\d+) skipped, (\d+) failed", done.stdout)
        self.assertIsNotNone(found, done.stdout[-2000:] + done.stderr)
        self.assertEqual(tuple(int(n) for n in found.groups()), (CASES, CASES, 0, 0), done.stdout[-6000:])

    def test_over_tls(self):
        gateway = self.start(self.with_tls(common=", alpn_protocols: [h2]"), port=self.service.server_port)
        self.conform(gateway.port, "-t", "-k")

    def test_in_clear_text(self):
        # Otherwise what is no preface is a bad request of HTTP/1, and answered as one.
        only = ("stat_prefix: main", "stat_prefix: main\n          codec_type: HTTP2")
        self.conform(self.start(only, port=self.service.server_port).port)


if __name__ == "__main__":
    unittest.main()
