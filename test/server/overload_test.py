"""The real binary whose memory runs short: bodies that stand still fill it, and it refuses, sheds and recovers."""

import contextlib
import http.client
import socket
import time
import unittest

from smoke_test import LIMIT_S, GatewayTest, until

MIB = 1024 * 1024
BODY = 4 * MIB
HEAP = 64 * MIB
BODIES = 12  # of which ten are enough
ACTION = "overload.envoy.overload_actions."
BUFFER = ("          http_filters:\n",
          "          http_filters:\n          - name: envoy.filters.http.buffer\n            typed_config:\n"
          "              '@type': type.googleapis.com/envoy.extensions.filters.http.buffer.v3.Buffer\n"
          "              max_request_bytes: %d\n" % (16 * MIB))
# Bodies that stand still are what this is about; their pace is not.
PATIENCE = ("bootstrap_extensions: [{name: p, typed_config: {'@type': type.googleapis.com/"
            "narthex.config.bootstrap.v1.Profile, min_client_bytes_per_second: 0}}]\n")


def manager(*actions, more=""):
    return ("overload_manager:\n  refresh_interval: 0.05s\n" + more + "  resource_monitors:\n"
            "  - {name: heap, typed_config: {'@type': type.googleapis.com/envoy.extensions.resource_monitors."
            "fixed_heap.v3.FixedHeapConfig, max_heap_size_bytes: %d}}\n  actions:\n" % HEAP + "".join(
                "  - {name: envoy.overload_actions.%s, triggers: [{name: heap, threshold: {value: 0.6}}]}\n" % name
                for name in actions))


class OverloadTest(GatewayTest):

    def start_with(self, text):
        log, self.log_path = self.access_log("access", "%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%")
        return self.start(edits=[("admin:\n", PATIENCE + text + "admin:\n"), BUFFER, (
            "          stat_prefix: main\n", "          stat_prefix: main\n          %s\n" % log)])

    def stand_still(self, gateway, stack):
        """Clients that have sent the first half of a body, and send no more."""
        clients = []
        for _ in range(BODIES):
            client = stack.enter_context(socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S))
            client.sendall(b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % (2 * BODY))
            with contextlib.suppress(ConnectionError):  # it may be reset meanwhile
                client.sendall(bytes(BODY))
            clients.append(client)
        return clients

    def wait_for(self, gateway, action, active):
        until(lambda: gateway.stat(ACTION + action + ".active") == active, "%s to be %d" % (action, active))

    def test_refuses_requests_and_recovers(self):
        gateway = self.start_with(manager("stop_accepting_requests", "shrink_heap"))
        kept = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=LIMIT_S)
        self.addCleanup(kept.close)

        def ask():
            kept.request("GET", "/")
            response = kept.getresponse()
            return response.status, response.read().decode()
        self.assertEqual(ask(), (200, "first"))
        self.assertLess(gateway.stat("overload.heap.pressure"), 60)
        with contextlib.ExitStack() as stack:
            self.stand_still(gateway, stack)
            self.wait_for(gateway, "stop_accepting_requests", 1)
            self.assertEqual(ask(), (503, "envoy overloaded"))
            self.assertEqual(gateway.get(), (503, "envoy overloaded"))
            self.assertGreaterEqual(gateway.stat("overload.heap.pressure"), 60)
            self.assertEqual(gateway.stat("http.main.downstream_rq_overload_close"), 2)
            self.assertEqual(self.lines(self.log_path, 3)[1:3], ["503 OM overload"] * 2)
            # What the administration asks is no request of a client.
            self.assertEqual(gateway.admin("/ready")[0], 200)
        self.wait_for(gateway, "stop_accepting_requests", 0)
        self.assertEqual(ask(), (200, "first"))
        self.assertEqual(gateway.get(), (200, "first"))
        self.assertLess(gateway.stat("overload.heap.pressure"), 60)

    def test_takes_no_connections_until_there_is_room(self):
        gateway = self.start_with(manager("stop_accepting_connections"))
        with contextlib.ExitStack() as stack:
            self.stand_still(gateway, stack)
            self.wait_for(gateway, "stop_accepting_connections", 1)
            updates = time.monotonic() + 0.5  # ten rounds: the workers have heard of it
            until(lambda: time.monotonic() > updates, "the workers")
            waiting = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
            self.addCleanup(waiting.close)
            waiting.sendall(b"GET / HTTP/1.1\r\nhost: h\r\n\r\n")
            waiting.settimeout(0.5)
            self.assertRaises(TimeoutError, waiting.recv, 1)
            waiting.settimeout(LIMIT_S)
        self.assertTrue(waiting.recv(4096).startswith(b"HTTP/1.1 200 "))

    def test_resets_the_streams_that_hold_most_and_serves_the_others(self):
        gateway = self.start_with(manager("reset_high_memory_stream",
                                          more="  buffer_factory_config: {minimum_account_to_track_power_of_two: 20}\n"))
        with contextlib.ExitStack() as stack:
            clients = self.stand_still(gateway, stack)
            until(lambda: gateway.stat(ACTION + "reset_high_memory_stream.count") > 0, "a reset")
            self.wait_for(gateway, "reset_high_memory_stream", 0)
            # All that hold as much are of one class.
            until(lambda: gateway.stat("http.main.downstream_cx_active") == 0, "all of them to be reset")
            for client in clients:
                with contextlib.suppress(ConnectionError):
                    self.assertEqual(client.recv(1), b"")
            self.assertEqual(gateway.get(), (200, "first"))
        self.assertIn("0 OM overload;high_memory_stream", self.lines(self.log_path, 2))


if __name__ == "__main__":
    unittest.main()
