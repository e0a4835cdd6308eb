"""Clients of the real binary's TLS that take whatever they get, and whose bytes a test may carry as it likes."""

import socket
import ssl
import subprocess
import threading
import time

from smoke_test import LIMIT_S, until
from tls_test import EdgeTest, FILTER

REQUEST = b"GET / HTTP/1.1\r\nhost: a.test\r\nconnection: close\r\n\r\n"


def careless(version=None, ciphers=None):
    """A client that takes whatever it gets."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if version:
        context.minimum_version = context.maximum_version = version
    if ciphers:
        context.set_ciphers(ciphers + ":@SECLEVEL=0")
    return context


class Handshake:
    """A client's side in memory, whose bytes the test carries to the socket as it likes."""

    def __init__(self, version=None, name="a.test"):
        self.received, self.sent = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = careless(version).wrap_bio(self.received, self.sent, server_hostname=name)
        try:
            self.tls.do_handshake()
        except ssl.SSLWantReadError:
            pass
        self.hello = self.sent.read()

    def go_on(self, client, step):
        """Lets `step` have what it wants to read; its result."""
        while True:
            try:
                result = step()
                client.sendall(self.sent.read())
                return result
            except ssl.SSLWantReadError:
                client.sendall(self.sent.read())
                piece = client.recv(65536)
                if not piece:
                    raise ConnectionError("cut")
                self.received.write(piece)


def read_all(client):
    answer = b""
    try:
        while piece := client.recv(65536):
            answer += piece
    except ConnectionError:
        pass
    return answer


class ScanTest(EdgeTest):

    def plain(self, gateway):
        client = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
        self.addCleanup(client.close)
        return client

    def shake(self, gateway, context, name="a.test", session=None):
        return context.wrap_socket(self.plain(gateway), server_hostname=name, session=session)

    def accepts(self, gateway, context):
        try:
            with self.shake(gateway, context) as client:
                return client.cipher()[0]
        except (ssl.SSLError, ConnectionError):
            return None

    def still_serves(self, gateway):
        self.assertIn("200 OK", self.ask(self.connect(gateway.port)))

    def s_client(self, gateway, *words, lines=(), pause_s=0.0):
        """What the openssl client prints when it is told these lines, one after another."""
        client = subprocess.Popen(["openssl", "s_client", "-connect", "127.0.0.1:%d" % gateway.port, "-servername",
                                   "a.test", *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT)
        said = []
        reader = threading.Thread(target=lambda: said.extend(iter(lambda: client.stdout.read1(65536), b"")))
        reader.start()
        self.addCleanup(client.stdout.close)
        until(lambda: b"---\n" in b"".join(said) or client.poll() is not None, "a handshake")
        try:
            for line in lines:
                client.stdin.write(line)
                client.stdin.flush()
                time.sleep(pause_s)
            client.wait(LIMIT_S if lines else 0.2)
        except (BrokenPipeError, subprocess.TimeoutExpired):
            pass
        try:
            client.stdin.close()
        except BrokenPipeError:
            pass
        client.wait(LIMIT_S)
        reader.join(LIMIT_S)
        return b"".join(said).decode(errors="replace")

    def inspect(self):
        return ("    filter_chains:", "    listener_filters: [{name: tls, typed_config: {'@type': "
                "%stls_inspector.v3.TlsInspector}}]\n    filter_chains:" % FILTER)
