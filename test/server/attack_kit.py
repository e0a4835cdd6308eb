"""What an attack costs: memory and CPU of the gateway, and the latency of others meanwhile."""

import glob
import json
import os
import subprocess
import sys
import threading
import time

from upgrade_test import Server

# A path that the gateway answers itself: its latency is the gateway's own.
PROBE = ("- match: {prefix: /}", "- match: {path: /probe}\n                direct_response: {status: 204}\n"
                                 "              - match: {prefix: /}")
# Another cluster, which has what is asked of /probe.
CALM_CLUSTER = """  clusters:
  - name: calm
    type: STATIC
    connect_timeout: 1s
    load_assignment: {cluster_name: calm, endpoints: [{lb_endpoints: [{endpoint: {address: {socket_address:
      {address: 127.0.0.1, port_value: %d}}}}]}]}
"""


def beside(port):
    """Edits for it, with its upstream's port."""
    return [(PROBE[0], PROBE[1].replace("direct_response: {status: 204}", "route: {cluster: calm}")),
            ("  clusters:\n", CALM_CLUSTER % port)]


ONE_WORKER = ("--concurrency", "1")
# What others may wait for their answers meanwhile.
NEXT_REQUEST_MS = 50


class Silent(Server):
    """Takes requests and answers none."""

    def __init__(self):
        self.requests, self.ended = 0, 0
        super().__init__()

    def serve(self, connection):
        try:
            while piece := connection.recv(65536):
                self.requests += piece.count(b" HTTP/1.1\r\n")
        finally:
            self.ended += 1


def percentile(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


class Probe:
    """Latencies of a client that has done nothing wrong."""

    def __init__(self, port, path="/probe"):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "latency_probe.py")
        self.process = subprocess.Popen([sys.executable, script, str(port), path], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def during(self, act):
        """The latencies while `act` runs, in milliseconds."""
        self.tell()
        try:
            act()
        finally:
            self.tell()
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError("the client that did nothing wrong was not served")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


class Process:
    """A process' own account of what it has used."""

    def __init__(self, pid):
        self.pid = pid

    def memory(self):
        """Bytes of its own, without what it maps of files."""
        with open("/proc/%d/status" % self.pid) as status:
            return next(int(line.split()[1]) for line in status if line.startswith("RssAnon:")) << 10

    def cpu(self):
        """Seconds on a CPU, of all threads."""
        used = 0
        for path in glob.glob("/proc/%d/task/*/schedstat" % self.pid):
            with open(path) as text:
                used += int(text.read().split()[0])
        return used / 1e9


class Cost:
    """What happens within the `with`: `memory` is the most that came to it meanwhile, `cpu` and `own_cpu` are seconds of
    the process and of this one."""

    def __init__(self, pid):
        self.process = Process(pid)
        self.before, self.memory, self.cpu, self.own_cpu = 0, 0, 0, 0

    def __enter__(self):
        self.over = threading.Event()
        self.before = self.process.memory()
        self.cpu, self.own_cpu = self.process.cpu(), time.process_time()
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while not self.over.wait(0.005):
            self.look()

    def look(self):
        self.memory = max(self.memory, self.process.memory() - self.before)

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()
        self.look()
        self.cpu, self.own_cpu = self.process.cpu() - self.cpu, time.process_time() - self.own_cpu
