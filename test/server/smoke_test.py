"""Starts the real binary as a user would, on ports that the kernel chooses, and talks to it over sockets."""

import http.client
import http.server
import json
import os
import re
import resource
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

    request_queue_size = 1024

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
        self.server.headers = self.headers
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

    def __init__(self, directory, upstream_port, *flags, edits=(), descriptors=None):
        self.edits = edits
        self.file = os.path.join(directory, "gateway.yaml")
        self.admin_socket = os.path.join(directory, "admin.sock")
        self.write(upstream_port)
        self.log = open(os.path.join(directory, "log"), "w+")
        self.process = subprocess.Popen(
            [NARTHEX, "run", "-c", self.file, "--concurrency", "2", *flags], stderr=self.log, stdout=self.log,
            preexec_fn=descriptors and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors,) * 2)))
        until(self.ready, "the admin page")
        self.port = int(re.search(r":(\d+)$", self.admin("/listeners")[1].strip()).group(1))

    def text(self, upstream_port):
        with open(CONFIGURATION) as source:
            text = source.read()
        text = text.replace("port_value: 10000", "port_value: 0").replace("8080}", "%d}" % upstream_port)
        text = text.replace("socket_address: {address: 127.0.0.1, port_value: 9901}",
                            "pipe: {path: %s}" % self.admin_socket)
        for old, new in self.edits:
            if old not in text:
                raise AssertionError("the configuration has no " + old)
            text = text.replace(old, new)
        return text

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

    def start(self, *flags, edits=()):
        gateway = Gateway(self.directory, self.upstream.server_port, *flags, edits=edits)
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

    def test_counts_under_envoys_names(self):
        gateway = self.start(edits=[("  - name: service\n", "  - name: service\n    alt_stat_name: shown\n")])
        gateway.get()
        with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as client:
            client.sendall(b"GET nowhere\r\n\r\n")
            self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 400 "))
        until(lambda: gateway.stat("http.main.downstream_cx_active") == 0, "the connections to end")
        self.assertEqual(gateway.stat("http.main.downstream_cx_http1_total"), 2)
        self.assertEqual(gateway.stat("http.main.downstream_cx_protocol_error"), 1)
        self.assertGreater(gateway.stat("http.main.downstream_cx_rx_bytes_total"), 20)
        self.assertGreater(gateway.stat("http.main.downstream_cx_tx_bytes_total"), 100)
        self.assertEqual(gateway.stat("http1.dropped_headers_with_underscores"), 0)
        self.assertEqual(gateway.stat("cluster.shown.upstream_rq_200"), 1)
        self.assertEqual(gateway.stat("cluster.shown.upstream_rq_total"), 1)
        self.assertIn("cluster.shown.upstream_rq_time: P0(", gateway.admin("/stats?usedonly")[1])
        self.assertIn("http.main.downstream_cx_length_ms: P0(", gateway.admin("/stats?usedonly")[1])
        self.assertGreater(gateway.stat("server.memory_allocated"), 0)
        self.assertGreater(gateway.stat("server.memory_physical_size"), gateway.stat("server.memory_allocated"))
        self.assertEqual(gateway.stat("cluster_manager.active_clusters"), 1)
        self.assertEqual(gateway.stat("listener_manager.listener_removed"), 0)
        self.assertEqual(gateway.admin("/logging?upstream=debug", "POST")[0], 200)
        self.assertIn("upstream: debug", gateway.admin("/logging")[1])

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

    def test_what_is_said_to_the_gateway_goes_no_further(self):
        gateway = self.start(edits=[
            ("admin:\n", "node: {cluster: crew}\nadmin:\n"),
            ("stat_prefix: main\n", "stat_prefix: main\n          use_remote_address: true\n          add_user_agent: true\n"
             "          internal_address_config: {cidr_ranges: [{address_prefix: 127.0.0.0, prefix_len: 8}]}\n")])
        steering = ["x-envoy-retry-on", "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-alt-stat-name",
                    "x-envoy-upstream-rq-timeout-alt-response", "x-envoy-upstream-stream-duration-ms"]
        client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
        self.addCleanup(client.close)
        client.request("GET", "/", headers={"x-forwarded-client-cert": "By=forged", **{name: "5000" for name in steering}})
        self.assertEqual(client.getresponse().status, 200)
        sent = self.upstream.headers
        self.assertEqual([name for name in ["x-forwarded-client-cert", *steering] if name in sent], [])
        self.assertEqual(sent["x-envoy-internal"], "true")
        self.assertEqual((sent["user-agent"], sent["x-envoy-downstream-service-cluster"]), ("crew", "crew"))

    def access_log(self, name, line):
        """A file's access_log of one line of text, and its path."""
        path = os.path.join(self.directory, name)
        return ("access_log: [{name: file, typed_config: {'@type': type.googleapis.com/"
                "envoy.extensions.access_loggers.file.v3.FileAccessLog, path: %s, log_format: {text_format_source: "
                "{inline_string: \"%s\\n\"}}}}]" % (path, line)), path

    def lines(self, path, count):
        """The lines of a log, as soon as there are so many."""
        def read():
            if not os.path.exists(path):
                return None
            with open(path) as log:
                found = log.read().splitlines()
            return found if len(found) >= count else None
        return until(read, "%d lines in %s" % (count, path))

    def test_admin_requests_are_logged(self):
        log, path = self.access_log("admin.log", "%REQ(:METHOD)% %REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS%")
        gateway = self.start(edits=[("admin:\n", "admin:\n  " + log + "\n")])
        gateway.admin("/quitquitquit?x=1")
        found = until(lambda: [line for line in self.lines(path, 1) if "quit" in line], "the line")
        self.assertEqual(found, ["GET /quitquitquit?x=1 405 admin_filter_response"])

    def test_exchanges_are_logged_with_their_attempts(self):
        log, path = self.access_log("access.log", "%RESPONSE_CODE% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%")
        self.start(edits=[("stat_prefix: main\n", "stat_prefix: main\n          " + log + "\n")]).get()
        self.assertEqual(self.lines(path, 1), ["200 service 1"])

    def test_connections_are_logged_by_their_listener(self):
        log, path = self.access_log(
            "listener.log", "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT% %PROTOCOL% %BYTES_RECEIVED% %BYTES_SENT% "
            "%RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS%")
        gateway = self.start(edits=[
            ("  - name: main\n", "  - name: main\n    " + log + "\n"),
            ("    - filters:", "    - filter_chain_match: {source_prefix_ranges: [{address_prefix: 127.0.0.1, "
             "prefix_len: 32}]}\n      filters:")])
        with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as client:
            request = b"GET / HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n"
            client.sendall(request)
            answer = b""
            while True:
                piece = client.recv(4096)
                if not piece:
                    break
                answer += piece
        self.assertEqual(self.lines(path, 1), ["127.0.0.1 HTTP/1.1 %d %d - -" % (len(request), len(answer))])
        socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S).close()
        self.assertEqual(self.lines(path, 2)[1], "127.0.0.1 - 0 0 - -")
        with socket.socket() as stranger:
            stranger.bind(("127.0.0.2", 0))
            stranger.connect(("127.0.0.1", gateway.port))
            self.assertEqual(stranger.recv(1), b"")
        self.assertEqual(self.lines(path, 3)[2], "127.0.0.2 - 0 0 filter_chain_not_found NR")
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.no_filter_chain_match"), 1)

    def limit(self, gateway, count):
        gateway.edits = [("admin:\n", "layered_runtime: {layers: [{name: a, static_layer: "
                          "{envoy.resource_limits.listener.main.connection_limit: %d}}]}\nadmin:\n" % count)]

    def test_a_listener_takes_no_more_connections_than_its_limit(self):
        gateway = self.start()
        before = gateway.stat("server.config_update_success")
        self.limit(gateway, 1)
        gateway.write(self.upstream.server_port)
        until(lambda: gateway.stat("server.config_update_success") > before, "the reload")
        first = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
        self.addCleanup(first.close)
        # A connection that has nothing to do would give way to a new one, if the same worker has both.
        first.sendall(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n")
        self.assertTrue(self.upstream.waiting.wait(LIMIT_S))
        with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as second:
            self.assertEqual(second.recv(1), b"")
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.downstream_cx_overflow"), 1)
        first.close()
        until(lambda: gateway.stat("http.main.downstream_cx_active") == 0, "the end of the first")
        self.assertEqual(gateway.get(), (200, "first"))
        with open(gateway.log.name) as log:
            self.assertIn("listener main closes new connections: it has 1, the limit "
                          "(envoy.resource_limits.listener.main.connection_limit) is 1", log.read())

    def test_a_graceful_drain_closes_the_listeners_after_the_drain_time(self):
        gateway = self.start("--drain-time-s", "2")
        self.assertEqual(gateway.admin("/drain_listeners?graceful", "POST"), (200, "OK\n"))
        client = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
        client.request("GET", "/")
        response = client.getresponse()
        self.assertEqual((response.status, response.getheader("connection"), response.read()),
                         (200, "close", b"first"))

        def refused():
            try:
                socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S).close()
            except ConnectionRefusedError:
                return True
            return False

        until(refused, "the end of the listener")
        self.assertEqual(gateway.admin("/ready"), (200, "LIVE\n"))
        self.assertIsNone(gateway.process.poll())

    def test_the_configuration_is_dumped_in_envoys_form(self):
        gateway = self.start()
        configs = {part["@type"].rsplit(".", 1)[1]: part
                   for part in json.loads(gateway.admin("/config_dump")[1])["configs"]}
        self.assertEqual(configs["BootstrapConfigDump"]["bootstrap"]["static_resources"]["clusters"][0]["name"],
                         "service")
        cluster = configs["ClustersConfigDump"]["static_clusters"][0]
        self.assertEqual((cluster["cluster"]["@type"], cluster["cluster"]["name"]),
                         ("type.googleapis.com/envoy.config.cluster.v3.Cluster", "service"))
        self.assertRegex(cluster["last_updated"], r"^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertEqual(configs["ListenersConfigDump"]["static_listeners"][0]["listener"]["name"], "main")
        routes = configs["RoutesConfigDump"]["static_route_configs"][0]["route_config"]
        self.assertEqual(routes["virtual_hosts"][0]["routes"][0]["route"]["cluster"], "service")

    def test_dynamic_resources_are_dumped_as_such(self):
        def resource(name, text):
            path = os.path.join(self.directory, name)
            with open(path, "w") as out:
                out.write("resources:\n" + text)
            return "{path_config_source: {path: %s}}" % path

        routes = resource("rds.yaml", "- {'@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration, name: r,"
                          " virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, route: "
                          "{cluster: service}}]}]}\n")
        listener = resource("lds.yaml", "- {'@type': type.googleapis.com/envoy.config.listener.v3.Listener, name: dyn, "
                            "address: {socket_address: {address: 127.0.0.1, port_value: 0}}, filter_chains: [{filters: "
                            "[{name: h, typed_config: {'@type': type.googleapis.com/envoy.extensions.filters.network."
                            "http_connection_manager.v3.HttpConnectionManager, stat_prefix: dyn, rds: {config_source: "
                            "%s, route_config_name: r}, http_filters: [{name: router, typed_config: {'@type': "
                            "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]}]}\n" % routes)
        cluster = resource("cds.yaml", "- {'@type': type.googleapis.com/envoy.config.cluster.v3.Cluster, name: other, "
                           "type: STATIC}\n")
        gateway = self.start(edits=[("admin:\n", "dynamic_resources: {lds_config: %s, cds_config: %s}\nadmin:\n" % (
            listener, cluster))])
        text = gateway.admin("/config_dump")[1]
        configs = {part["@type"].rsplit(".", 1)[1]: part for part in json.loads(text)["configs"]}
        dynamic = configs["ListenersConfigDump"]["dynamic_listeners"][0]
        self.assertEqual((dynamic["name"], dynamic["active_state"]["listener"]["name"]), ("dyn", "dyn"))
        self.assertEqual(configs["ClustersConfigDump"]["dynamic_active_clusters"][0]["cluster"]["name"], "other")
        self.assertEqual(configs["RoutesConfigDump"]["dynamic_route_configs"][0]["route_config"]["name"], "r")
        rows = {row["name"]: row for row in json.loads(gateway.admin("/clusters?format=json")[1])["cluster_statuses"]}
        self.assertEqual((rows["other"]["added_via_api"], rows["service"]["added_via_api"]), (True, False))

    def test_clusters_are_shown_in_envoys_form(self):
        gateway = self.start()
        gateway.get()
        host = "service::127.0.0.1:%d::" % self.upstream.server_port
        text = gateway.admin("/clusters")[1].splitlines()
        for line in ["service::observability_name::service", "service::default_priority::max_connections::1024",
                     "service::high_priority::max_retries::3", "service::added_via_api::false",
                     host + "cx_total::1", host + "rq_success::1", host + "health_flags::healthy",
                     host + "weight::1", host + "zone::", host + "canary::false", host + "priority::0"]:
            self.assertIn(line, text)
        cluster = json.loads(gateway.admin("/clusters?format=json")[1])["cluster_statuses"][0]
        self.assertEqual(cluster["circuit_breakers"]["thresholds"][1],
                         {"priority": "HIGH", "max_connections": 1024, "max_pending_requests": 1024,
                          "max_requests": 1024, "max_retries": 3})
        row = cluster["host_statuses"][0]
        self.assertEqual(row["health_status"], {"eds_health_status": "HEALTHY"})
        self.assertIn({"type": "COUNTER", "name": "rq_success", "value": "1"}, row["stats"])
        self.assertIn({"type": "GAUGE", "name": "rq_active", "value": "0"}, row["stats"])

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

    def test_a_moved_admin_address_is_said_to_need_a_restart(self):
        gateway = self.start()
        upstream = self.start_upstream("second").server_port
        gateway.write(0, gateway.text(upstream).replace(gateway.admin_socket, gateway.admin_socket + ".moved"))
        until(lambda: gateway.get() == (200, "second"), "the new configuration")
        with open(gateway.log.name) as log:
            said = [line for line in log if "a changed admin address needs a restart" in line]
        self.assertEqual(len(said), 1)
        self.assertIn("the pages stay at " + gateway.admin_socket, said[0])

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


if __name__ == "__main__":
    sys.exit(unittest.main())
