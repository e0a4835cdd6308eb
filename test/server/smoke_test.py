"""Starts the real binary as a user would, on ports that the kernel chooses, and talks to it over sockets."""

import http.client
import http.server
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

NARTHEX = os.environ["NARTHEX"]
CONFIGURATION = os.environ["CONFIGURATION"]
LIMIT_S = 20


class Upstream(http.server.ThreadingHTTPServer):
    """Answers with its name; a request for /slow waits until the test lets it go."""

    def __init__(self, name):
        self.text = name.encode()
        self.release = threading.Event()
        self.waiting = threading.Event()
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A gateway that ended closes its connections: nothing to report."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path == "/slow":
            self.server.waiting.set()
            self.server.release.wait(LIMIT_S)
        self.send_response(200)
        self.send_header("content-length", str(len(self.server.text)))
        self.end_headers()
        self.wfile.write(self.server.text)

    def log_message(self, *_):
        pass


def until(condition, what):
    """Polls, because what is waited for happens in another process."""
    end = time.monotonic() + LIMIT_S
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("waited in vain for " + what)


class Gateway:
    """A running narthex; its admin port is found in its own log of the sockets it has."""

    def __init__(self, directory, upstream_port, *flags):
        self.file = os.path.join(directory, "gateway.yaml")
        self.admin_socket = os.path.join(directory, "admin.sock")
        self.write(upstream_port)
        self.log = open(os.path.join(directory, "log"), "w+")
        self.process = subprocess.Popen(
            [NARTHEX, "run", "-c", self.file, "--concurrency", "2", *flags], stderr=self.log, stdout=self.log)
        until(self.ready, "the admin page")
        self.port = int(re.search(r":(\d+)$", self.admin("/listeners")[1].strip()).group(1))

    def text(self, upstream_port):
        with open(CONFIGURATION) as source:
            text = source.read()
        text = text.replace("port_value: 10000", "port_value: 0").replace("8080}", "%d}" % upstream_port)
        return text.replace("socket_address: {address: 127.0.0.1, port_value: 9901}",
                            "pipe: {path: %s}" % self.admin_socket)

    def write(self, upstream_port, text=None):
        with open(self.file + ".new", "w") as out:
            out.write(self.text(upstream_port) if text is None else text)
        os.rename(self.file + ".new", self.file)

    def ready(self):
        if self.process.poll() is not None:
            self.log.seek(0)
            raise AssertionError("narthex ended: " + self.log.read())
        try:
            return self.admin("/ready")[0] == 200
        except OSError:
            return False

    def admin(self, path, method="GET", host="localhost"):
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(LIMIT_S)
            client.connect(self.admin_socket)
            client.sendall(("%s %s HTTP/1.1\r\nhost: %s\r\n\r\n" % (method, path, host)).encode())
            response = http.client.HTTPResponse(client, method=method)
            response.begin()
            return response.status, response.read().decode()

    def stat(self, name):
        for row in json.loads(self.admin("/stats?format=json")[1])["stats"]:
            if row.get("name") == name:
                return row["value"]
        return None

    def get(self, path="/"):
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=LIMIT_S)
        client.request("GET", path)
        response = client.getresponse()
        answer = response.status, response.read().decode()
        client.close()
        return answer

    def end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.log.close()


class SmokeTest(unittest.TestCase):

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.upstream = self.start_upstream("first")

    def start_upstream(self, name):
        upstream = Upstream(name)
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        self.addCleanup(upstream.release.set)
        return upstream

    def start(self, *flags):
        gateway = Gateway(self.directory, self.upstream.server_port, *flags)
        self.addCleanup(gateway.end)
        return gateway

    def test_proxies_a_request(self):
        self.assertEqual(self.start().get(), (200, "first"))

    def test_counts_connections_by_listener_and_manager(self):
        gateway = self.start()
        gateway.get()
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.downstream_cx_total"), 1)
        self.assertEqual(gateway.stat("http.main.downstream_cx_total"), 1)
        until(lambda: gateway.stat("http.main.downstream_cx_active") == 0, "the connection to end")
        self.assertEqual(gateway.stat("server.live"), 1)

    def test_admin_pages_answer(self):
        gateway = self.start()
        for path in ["/", "/server_info", "/stats", "/stats/prometheus", "/clusters", "/clusters?format=json",
                     "/listeners?format=json", "/config_dump", "/logging", "/memory", "/runtime", "/certs",
                     "/explain?url=http://h/"]:
            self.assertEqual(gateway.admin(path)[0], 200, path)
        for path in ["/server_info", "/clusters?format=json", "/listeners?format=json", "/config_dump", "/memory",
                     "/runtime", "/certs"]:
            json.loads(gateway.admin(path)[1])
        self.assertEqual(gateway.admin("/ready"), (200, "LIVE\n"))
        self.assertEqual(gateway.admin("/quitquitquit")[0], 405)
        self.assertEqual(gateway.admin("/nothing")[0], 404)

    def test_health_check_can_be_failed_and_restored(self):
        gateway = self.start()
        gateway.admin("/healthcheck/fail", "POST")
        self.assertEqual(gateway.admin("/ready")[0], 503)
        gateway.admin("/healthcheck/ok", "POST")
        self.assertEqual(gateway.admin("/ready")[0], 200)

    def test_quits_after_the_answer(self):
        gateway = self.start()
        self.assertEqual(gateway.admin("/quitquitquit", "POST"), (200, "OK\n"))
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)

    def test_a_changed_file_serves_on_an_old_connection(self):
        gateway = self.start()
        client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
        self.addCleanup(client.close)

        def ask():
            client.request("GET", "/")
            return client.getresponse().read()

        self.assertEqual(ask(), b"first")
        gateway.write(self.start_upstream("second").server_port)
        until(lambda: ask() == b"second", "the new configuration")
        self.assertEqual(gateway.stat("http.main.downstream_cx_total"), 1)

    def test_a_wrong_file_leaves_the_old_configuration(self):
        gateway = self.start()
        gateway.write(0, "static_resources: {listeners: [{nmae: x}]}")
        until(lambda: gateway.stat("server.config_update_rejected") == 1, "the refusal")
        self.assertEqual(gateway.get(), (200, "first"))
        gateway.log.flush()
        with open(gateway.log.name) as log:
            self.assertIn('did you mean "name"', log.read())

    def test_sighup_loads_the_file(self):
        gateway = self.start()
        before = gateway.stat("server.config_update_success")
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: gateway.stat("server.config_update_success") == before + 1, "the reload")

    def test_sigusr1_opens_the_access_log_again(self):
        gateway = self.start()
        log = os.path.join(self.directory, "access.log")
        text = gateway.text(self.upstream.server_port).replace(
            "stat_prefix: main",
            "stat_prefix: main\n          access_log: [{name: file, typed_config: {'@type': type.googleapis.com/"
            "envoy.extensions.access_loggers.file.v3.FileAccessLog, path: %s}}]" % log)
        before = gateway.stat("server.config_update_success")
        gateway.write(0, text)
        until(lambda: gateway.stat("server.config_update_success") > before, "the reload")
        gateway.get()
        until(lambda: os.path.exists(log) and os.path.getsize(log) > 0, "the first line")
        os.rename(log, log + ".1")
        gateway.process.send_signal(signal.SIGUSR1)
        until(lambda: os.path.exists(log), "the new file")
        gateway.get()
        until(lambda: os.path.getsize(log) > 0, "the line in the new file")

    def test_sigterm_ends_at_once_when_idle(self):
        gateway = self.start()
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)

    def start_slow_request(self, gateway):
        answers = []
        thread = threading.Thread(target=lambda: answers.append(gateway.get("/slow")))
        thread.start()
        self.addCleanup(thread.join)
        self.assertTrue(self.upstream.waiting.wait(LIMIT_S))
        return thread, answers

    def test_sigterm_lets_a_request_finish(self):
        gateway = self.start()
        thread, answers = self.start_slow_request(gateway)
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: gateway.admin("/ready") == (503, "DRAINING\n"), "the drain")
        self.assertIsNone(gateway.process.poll())
        self.upstream.release.set()
        thread.join(LIMIT_S)
        self.assertEqual(answers, [(200, "first")])
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)

    def test_a_second_signal_ends_at_once(self):
        gateway = self.start()
        client = socket.create_connection(("127.0.0.1", gateway.port))
        self.addCleanup(client.close)
        client.sendall(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n")
        self.assertTrue(self.upstream.waiting.wait(LIMIT_S))
        gateway.process.send_signal(signal.SIGTERM)
        until(lambda: gateway.admin("/ready")[0] == 503, "the drain")
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)

    def test_the_drain_time_bounds_a_drain(self):
        gateway = self.start("--drain-time-s", "0")
        client = socket.create_connection(("127.0.0.1", gateway.port))
        self.addCleanup(client.close)
        client.sendall(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n")
        self.assertTrue(self.upstream.waiting.wait(LIMIT_S))
        gateway.process.send_signal(signal.SIGTERM)
        self.assertEqual(gateway.process.wait(LIMIT_S), 0)


class CommandTest(unittest.TestCase):

    def run_narthex(self, *arguments):
        return subprocess.run([NARTHEX, *arguments], capture_output=True, text=True, timeout=LIMIT_S)

    def test_exit_codes(self):
        self.assertEqual(self.run_narthex("check", "-c", CONFIGURATION).returncode, 0)
        self.assertEqual(self.run_narthex("check", "--config-yaml", "admin: {adress: x}").returncode, 1)
        self.assertEqual(self.run_narthex("--no-such-flag").returncode, 2)
        self.assertEqual(self.run_narthex("--help").returncode, 0)

    def test_wrong_usage_says_so_in_one_line_and_a_hint(self):
        wrong = self.run_narthex("--concurency", "1")
        self.assertEqual(wrong.stderr.splitlines()[0],
                         "narthex: unknown flag --concurency; did you mean --concurrency?")

    def test_check_says_everything_in_one_run_as_json(self):
        wrong = self.run_narthex("check", "--format", "json", "--config-yaml",
                                 "admin: {adress: 1}\nstatic_resources: {clustrs: []}")
        found = json.loads(wrong.stdout)
        self.assertEqual({row["suggestion"] for row in found}, {"address", "clusters"})

    def test_explain_names_the_cluster(self):
        told = self.run_narthex("explain", "-c", CONFIGURATION, "GET", "http://127.0.0.1:10000/x")
        self.assertEqual(told.returncode, 0)
        self.assertIn("cluster service", told.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
