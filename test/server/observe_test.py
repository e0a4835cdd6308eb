"""What the real binary counts, logs and lets an administrator set while it serves."""

import json
import signal
import sys
import unittest

from smoke_test import GatewayTest, until


class ObserveTest(GatewayTest):

    def test_the_runtime_is_modified_for_every_worker(self):
        gateway = self.start(edits=[
            ("static_resources:\n", "layered_runtime: {layers: [{name: set, static_layer: {share: 0}}, "
             "{name: admin, admin_layer: {}}]}\nstatic_resources:\n"),
            ("              - match: {prefix: /}\n", "              - match: {prefix: /, runtime_fraction: {default_value: "
             "{numerator: 0}, runtime_key: share}}\n                direct_response: {status: 418}\n"
             "              - match: {prefix: /}\n")])
        self.assertEqual(gateway.get()[0], 200)

        def modify(query, value):
            self.assertEqual(gateway.admin("/runtime_modify?" + query, "POST"), (200, "OK\n"))
            until(lambda: json.loads(gateway.admin("/runtime")[1])["entries"].get("share") == {"final_value": value},
                  "the value")

        updates = gateway.stat("server.config_update_success")
        modify("share=100", "100")
        # Counted when the last worker has it.
        until(lambda: gateway.stat("server.config_update_success") > updates, "the workers")
        self.assertEqual({gateway.get()[0] for _ in range(20)}, {418})
        # A reload keeps it.
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: gateway.stat("server.config_update_success") > updates + 1, "the reload")
        self.assertEqual(gateway.get()[0], 418)
        modify("share=", "0")
        until(lambda: gateway.stat("server.config_update_success") > updates + 2, "the workers")
        self.assertEqual({gateway.get()[0] for _ in range(20)}, {200})

    def test_the_runtime_is_not_modified_without_a_layer_for_it(self):
        gateway = self.start()
        status, text = gateway.admin("/runtime_modify?a=1", "POST")
        self.assertEqual(status, 503)
        self.assertIn("no admin layer", text)
        self.assertEqual(gateway.admin("/runtime_modify?a=1")[0], 405)

    def test_exchanges_are_logged_with_their_attempts(self):
        log, path = self.access_log("access.log", "%RESPONSE_CODE% %UPSTREAM_CLUSTER% %UPSTREAM_REQUEST_ATTEMPT_COUNT%")
        self.start(edits=[("stat_prefix: main\n", "stat_prefix: main\n          " + log + "\n")]).get()
        self.assertEqual(self.lines(path, 1), ["200 service 1"])

    def test_points_of_the_upstream_side_are_logged(self):
        log, path = self.access_log("access.log", " ".join("%COMMON_DURATION(" + points + ":us)%" for points in (
            "US_CX_BEG:US_CX_END", "US_CX_END:US_RX_BEG", "US_RX_BEG:US_RX_BODY_BEG", "US_CX_END:US_HS_END")))
        self.start(edits=[("stat_prefix: main\n", "stat_prefix: main\n          " + log + "\n")]).get()
        self.assertRegex(self.lines(path, 1)[0], r"^\d+ \d+ \d+ -$")

    def test_counts_a_route_with_a_prefix(self):
        gateway = self.start(edits=[("              - match: {prefix: /}\n", "              - match: {prefix: /}\n"
                                     "                stat_prefix: cart\n")])
        gateway.get()
        for name in ("total", "completed", "2xx", "200"):
            self.assertEqual(gateway.stat("vhost.all.route.cart.upstream_rq_" + name), 1, name)
        self.assertIn('envoy_vhost_route_upstream_rq_total{envoy_route="cart",envoy_virtual_host="all"} 1',
                      gateway.admin("/stats/prometheus")[1])


if __name__ == "__main__":
    sys.exit(unittest.main())
