"""Processes of a benchmark: where the programs are, how they are started, awaited and stopped."""
import glob
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY_WITHIN_SECONDS = 30
POLL_SECONDS = 0.002


def narthex_binary():
    """NARTHEX names it for a test; else it is what was built last."""
    if "NARTHEX" in os.environ:
        return os.environ["NARTHEX"]
    for path in ("bazel-bin/narthex", "bazel-bin/source/server/narthex"):
        if (ROOT / path).exists():
            return str(ROOT / path)
    raise FileNotFoundError("bazel-bin/narthex: not built")


def bench_binary(name):
    """A program of this folder; NARTHEX_BENCH says for a test where they are."""
    return str(pathlib.Path(os.environ.get("NARTHEX_BENCH", ROOT / "bazel-bin/test/bench")) / name)


def layer_binary():
    """What measures a filter from within stands with the filters' tests."""
    return str(ROOT / "bazel-bin/test/filter/filter_layer")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Process:
    """A child on one core, its output in a file; `stop` ends it and waits for it."""

    def __init__(self, command, core, log, stdin=None):
        self.command, self.log = command, pathlib.Path(log)
        self.started = time.monotonic()
        with open(self.log, "wb") as out:
            self.child = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=out, stderr=out,
                                          stdin=stdin or subprocess.DEVNULL, cwd=self.log.parent)

    def pids(self):
        """The process and all below it."""
        found, todo = [], [self.child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for path in glob.glob(f"/proc/{pid}/task/*/children"):
                todo += map(int, pathlib.Path(path).read_text().split())
        return found

    def check_alive(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended with {self.child.returncode}: {self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:].strip()

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                for pid in self.pids():
                    os.kill(pid, signal.SIGKILL)
                self.child.wait()

    def announced_port(self):
        """The port that a program of test/bench says it listens on."""
        return wait_for(self, lambda: int(self.log.read_text().split()[1]))


def wait_for(process, attempt):
    """What `attempt` returns as soon as it neither raises nor returns None; the process must live meanwhile."""
    end = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < end:
        process.check_alive()
        try:
            result = attempt()
            if result is not None:
                return result
        except (OSError, IndexError, ValueError, http.client.HTTPException):
            pass
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"{process.command[0]} was not ready in {READY_WITHIN_SECONDS} s: {process.tail()}")


def get_ok(port, path):
    """True when GET `path` is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return True if response.status == 200 else None
    finally:
        connection.close()
