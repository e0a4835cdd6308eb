"""Starts the gateway with each example, asks it something, and ends it in good order."""

import http.client
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import unittest

NARTHEX = pathlib.Path("narthex").resolve()
EXAMPLES = sorted(pathlib.Path("examples").glob("*.yaml"))
PATIENCE = 20  # seconds; nothing waits that long unless it is broken


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket, so that no test needs a port of its own."""

    def __init__(self, path: pathlib.Path):
        super().__init__("localhost", timeout=PATIENCE)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class TlsUnixConnection(UnixConnection):
    """The same over TLS; who serves is not what is tested here."""

    def connect(self):
        super().connect()
        context = ssl._create_unverified_context()
        self.sock = context.wrap_socket(self.sock, server_hostname="www.example.com")


def ask(path: pathlib.Path, target: str, kind=UnixConnection) -> int:
    connection = kind(path)
    try:
        connection.request("GET", target)
        return connection.getresponse().status
    finally:
        connection.close()


def on_unix_sockets(text: str, folder: pathlib.Path) -> str:
    """The example with its own listeners and admin page on Unix sockets, everything else as it is."""
    text = re.sub(r"^admin:\n(  .*\n)+", "", text, flags=re.MULTILINE)
    listener = r"socket_address: \{address: 127\.0\.0\.1, port_value: 10000\}"
    text, count = re.subn(listener, f"pipe: {{path: {folder}/front}}", text)
    if count != 1:
        raise ValueError("an example has one listener, on 127.0.0.1:10000")
    return f"admin: {{address: {{pipe: {{path: {folder}/admin}}}}}}\n{text}"


FILES = "/etc/narthex/"


def with_files(text: str, folder: pathlib.Path) -> str:
    """The example with a certificate, a key and an authority of its own, where it names any."""
    if FILES in text:
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-subj", "/CN=www.example.com", "-addext", "subjectAltName=DNS:*.example.com",
             "-keyout", folder / "server.key", "-out", folder / "server.pem"], check=True, capture_output=True)
        (folder / "ca.pem").write_bytes((folder / "server.pem").read_bytes())
    return text.replace(FILES, f"{folder}/")


class Examples(unittest.TestCase):
    def start(self, example: pathlib.Path, folder: pathlib.Path) -> subprocess.Popen:
        config = folder / "gateway.yaml"
        config.write_text(with_files(on_unix_sockets(example.read_text(), folder), folder))
        process = subprocess.Popen(
            [NARTHEX, "run", "-c", config, "--concurrency", "1"], stderr=subprocess.PIPE, text=True
        )
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        said = []
        for line in process.stderr:
            said.append(line)
            if "serving with" in line:
                return process
        self.fail("the gateway has ended: " + "".join(said))

    def test_each_example_starts_answers_and_ends(self):
        self.assertGreaterEqual(len(EXAMPLES), 18)
        for example in EXAMPLES:
            with self.subTest(example.name), tempfile.TemporaryDirectory(dir="/tmp") as folder:
                folder = pathlib.Path(folder)
                process = self.start(example, folder)
                self.assertEqual(ask(folder / "admin", "/ready"), 200)
                # Upstreams are not there: 503 is the gateway's own answer, too.
                kind = TlsUnixConnection if FILES in example.read_text() else UnixConnection
                self.assertIn(ask(folder / "front", "/", kind), range(200, 600))
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(PATIENCE), 0)

    def test_no_example_has_anything_to_complain_about(self):
        for example in EXAMPLES:
            with self.subTest(example.name), tempfile.TemporaryDirectory(dir="/tmp") as folder:
                folder = pathlib.Path(folder)
                config = folder / "gateway.yaml"
                config.write_text(with_files(example.read_text(), folder))
                done = subprocess.run([NARTHEX, "check", "-c", config], capture_output=True, text=True, timeout=PATIENCE)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
                self.assertNotIn("error", done.stdout + done.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
