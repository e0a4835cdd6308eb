"""The real binary with hosts that fail: health checks, outlier detection, and retries while hosts are killed."""

import http.client
import http.server
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

from smoke_test import LIMIT_S, Gateway, until

HERE = os.path.abspath(__file__)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with its port; /ready as a file beside it says, if there is one."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        length = int(self.headers.get("content-length", 0))
        body = self.rfile.read(length) if length else b""
        status = 200
        if self.path == "/ready" and os.path.exists(self.server.failing):
            status = 503
        if self.path == "/bad":
            status = 500
        text = body or str(self.server.server_port).encode()
        self.send_response(status)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = answer

    def log_message(self, *_):
        pass


def serve(port, failing):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.failing = failing
    server.serve_forever()


class Host:
    """An upstream in a process of its own, which can be killed and started again on its port."""

    def __init__(self, directory):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.failing = os.path.join(directory, "failing-%d" % self.port)
        self.process = None
        self.start()

    def start(self):
        self.process = subprocess.Popen([sys.executable, HERE, "serve", str(self.port), self.failing])
        until(self.listens, "an upstream")

    def listens(self):
        try:
            socket.create_connection(("127.0.0.1", self.port), LIMIT_S).close()
            return True
        except OSError:
            return False

    def fail(self, failing):
        if failing:
            open(self.failing, "w").close()
        else:
            os.unlink(self.failing)

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


CHECK = ("    health_checks:\n    - {timeout: 0.5s, interval: 0.1s, no_traffic_interval: 0.1s, unhealthy_threshold: 2,"
         " healthy_threshold: 2, %s}\n")
RETRY = ("{retry_on: 'connect-failure,reset,gateway-error', num_retries: 4, retry_back_off: {base_interval: 0.01s}, "
         "host_selection_retry_max_attempts: 5, retry_host_predicate: [{name: p, typed_config: {'@type': "
         "type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate}}]}")


class HealthTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def start_hosts(self, count):
        hosts = [Host(self.directory) for _ in range(count)]
        for host in hosts:
            self.addCleanup(host.kill)
        return hosts

    def start(self, hosts, cluster="", route=""):
        more = "".join(
            "\n        - endpoint:\n            address:\n              socket_address: "
            "{address: 127.0.0.1, port_value: %d}" % host.port for host in hosts[1:])
        end = "{address: 127.0.0.1, port_value: %d}" % hosts[0].port
        gateway = Gateway(self.directory, hosts[0].port, edits=[
            (end, end + more), ("    connect_timeout: 1s\n", "    connect_timeout: 1s\n" + cluster),
            ("route: {cluster: service}", "route: {cluster: service%s}" % route)])
        self.addCleanup(gateway.end)
        return gateway

    def flags(self, gateway):
        """The health flags of each port, and why."""
        hosts = {}
        for line in gateway.admin("/clusters")[1].splitlines():
            parts = line.split("::")
            if len(parts) == 4 and parts[2] in ("health_flags", "health_cause"):
                hosts.setdefault(int(parts[1].rsplit(":", 1)[1]), {})[parts[2]] = parts[3]
        return hosts

    def answers(self, gateway, count=12):
        return [gateway.get() for _ in range(count)]

    def test_a_host_that_says_it_is_not_ready_gets_no_requests(self):
        hosts = self.start_hosts(2)
        hosts[1].fail(True)
        gateway = self.start(hosts, CHECK % "http_health_check: {path: /ready}")
        # The first check is over before the first request goes anywhere.
        self.assertEqual(set(self.answers(gateway)), {(200, str(hosts[0].port))})
        self.assertEqual(self.flags(gateway)[hosts[1].port],
                         {"health_flags": "/failed_active_hc", "health_cause": "answered 503"})
        self.assertIn("service::unhealthy::1 host: 1 answered 503\n", gateway.admin("/clusters")[1])
        rows = json.loads(gateway.admin("/clusters?format=json")[1])["cluster_statuses"][0]["host_statuses"]
        self.assertEqual(rows[1]["health_status"], {"failed_active_health_check": True, "eds_health_status": "HEALTHY"})
        hosts[1].fail(False)
        until(lambda: gateway.stat("cluster.service.health_check.healthy") == 2, "the host to become healthy")
        self.assertEqual(set(self.answers(gateway)), {(200, str(host.port)) for host in hosts})

    def test_hosts_that_are_all_gone_are_named_with_their_reasons(self):
        hosts = self.start_hosts(2)
        gateway = self.start(hosts, "    common_lb_config: {healthy_panic_threshold: {value: 0}}\n" +
                             CHECK % "tcp_health_check: {}")
        self.assertEqual(gateway.get()[0], 200)
        for host in hosts:
            host.kill()
        until(lambda: gateway.stat("cluster.service.membership_healthy") == 0, "the hosts to become unhealthy")
        self.assertEqual(gateway.get(), (503, "no healthy upstream"))
        for host in hosts:
            self.assertEqual(self.flags(gateway)[host.port]["health_cause"], "Connection refused")
        gateway.log.seek(0)
        self.assertIn("none of its 2 hosts takes load; 2 hosts: 2 Connection refused", gateway.log.read())

    def test_a_host_that_fails_in_traffic_is_ejected_for_a_time(self):
        hosts = self.start_hosts(2)
        gateway = self.start(hosts, "    outlier_detection: {consecutive_5xx: 3, interval: 0.1s, base_ejection_time: 1s, "
                             "max_ejection_percent: 50}\n")
        hosts[1].kill()
        until(lambda: gateway.get()[0] == 503 and
              gateway.stat("cluster.service.outlier_detection.ejections_active") == 1, "the ejection")
        self.assertEqual(self.flags(gateway)[hosts[1].port],
                         {"health_flags": "/failed_outlier_check",
                          "health_cause": "ejected: 3 answers of 500 and above in a row"})
        self.assertEqual(set(self.answers(gateway, 6)), {(200, str(hosts[0].port))})
        hosts[1].start()
        until(lambda: gateway.stat("cluster.service.outlier_detection.ejections_active") == 0, "the end of it")
        until(lambda: (200, str(hosts[1].port)) in self.answers(gateway, 2), "the host to get requests again")

    def test_no_request_fails_while_hosts_are_killed_and_started_again(self):
        hosts = self.start_hosts(3)
        gateway = self.start(hosts, CHECK % "http_health_check: {path: /ready}", ", retry_policy: " + RETRY)
        statuses, stop = [], threading.Event()

        def client(number):
            text = b"order %d" % number
            connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
            while not stop.is_set():
                put = len(statuses) % 2
                connection.request("PUT" if put else "GET", "/", body=text if put else None)
                answer = connection.getresponse()
                body = answer.read()
                statuses.append(answer.status if not put or body == text else "another body")
                time.sleep(0.002)
            connection.close()

        threads = [threading.Thread(target=client, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for host in hosts:
            time.sleep(0.5)
            host.kill()
            time.sleep(1)
            host.start()
            until(lambda: gateway.stat("cluster.service.health_check.healthy") == 3, "the host to come back")
        stop.set()
        for thread in threads:
            thread.join(LIMIT_S)
        failed = [status for status in statuses if status != 200]
        print("%d requests, %d retried, %d failed" % (
            len(statuses), gateway.stat("cluster.service.upstream_rq_retry"), len(failed)))
        self.assertEqual(failed, [])
        self.assertGreater(len(statuses), 300)
        self.assertGreater(gateway.stat("cluster.service.upstream_rq_retry"), 0)
        self.assertEqual(gateway.stat("cluster.service.circuit_breakers.default.rq_retry_open"), 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(int(sys.argv[2]), sys.argv[3])
    else:
        unittest.main()
