"""Starts Envoy or Narthex with a configuration, finds where it listens, and reads its access log."""
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

from case import LOG_FIELDS

READY_WITHIN_S = 30
POLL_S = 0.005

COMMANDS = {
    "envoy": (os.environ.get("NARTHEX_ENVOY", ""), "--disable-hot-restart", "--concurrency", "1", "-l", "warning"),
    "narthex": (os.environ.get("NARTHEX", ""), "--profile", "envoy", "--concurrency", "1", "-l", "warning",
                "--drain-time-s", "1"),
}


class NotStarted(Exception):
    """The configuration was refused, or the process ended."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=5)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


def validate(name, folder, text):
    """(whether it is accepted, what was said)"""
    path = pathlib.Path(folder) / "config.yaml"
    path.write_text(text)
    done = subprocess.run([*COMMANDS[name], "--mode", "validate", "-c", path], stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=READY_WITHIN_S, check=False)
    if done.returncode not in (0, 1):
        raise NotStarted(f"{name} --mode validate ended with {done.returncode}: {done.stdout.decode()[-1000:]}")
    return done.returncode == 0, done.stdout.decode(errors="replace")


class Proxy:
    """A running gateway. `port` is its listener's."""

    def __init__(self, name, folder, text):
        self.name, self.folder = name, pathlib.Path(folder)
        (self.folder / "config.yaml").write_text(text)
        with open(self.folder / "output", "wb") as output:
            self.process = subprocess.Popen([*COMMANDS[name], "-c", self.folder / "config.yaml"], stdout=output,
                                            stderr=output, stdin=subprocess.DEVNULL)
        try:
            self.port = self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def wait_ready(self):
        end = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise NotStarted(f"{self.name} ended with {self.process.returncode}: {self.said()}")
            try:
                if self.admin("/ready")[0] == 200:
                    return int(self.admin("/listeners")[1].strip().rsplit(":", 1)[1])
            except (OSError, IndexError, ValueError, http.client.HTTPException):
                pass
            time.sleep(POLL_S)
        raise NotStarted(f"{self.name} was not ready in {READY_WITHIN_S} s: {self.said()}")

    def admin(self, path, method="GET"):
        connection = UnixConnection(self.folder / "admin")
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def said(self):
        return (self.folder / "output").read_text(errors="replace")[-3000:].strip()

    def stop(self):
        """Ends it in good order, so that its access log is whole; returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        return self.process.returncode

    def log(self):
        """{client's port: [fields of a line]}"""
        lines = {}
        path = self.folder / "access.log"
        for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
            fields = dict(zip(LOG_FIELDS, line.split("\t")))
            port = int(fields.pop("client").rsplit(":", 1)[1])
            lines.setdefault(port, []).append(fields)
        return lines
