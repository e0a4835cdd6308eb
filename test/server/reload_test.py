"""What a reload changes, or leaves, beside routes: admin pages, listeners that cannot be served, whom a sick process asks to go."""

import http.client
import os
import socket
import tempfile
import unittest

from smoke_test import Gateway, LIMIT_S, until, Upstream


class ReloadTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.upstream = Upstream("first")
        self.addCleanup(self.upstream.server_close)
        self.addCleanup(self.upstream.shutdown)
        self.gateway = Gateway(self.folder, self.upstream.server_port)
        self.addCleanup(self.gateway.end)

    def edit(self, old, new):
        text = self.gateway.text(self.upstream.server_port)
        self.assertIn(old, text)
        self.gateway.write(0, text.replace(old, new))

    def test_an_address_that_is_taken_leaves_the_old_configuration(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.edit("127.0.0.1, port_value: 0}", "127.0.0.1, port_value: %d}" % port)
            until(lambda: self.gateway.stat("server.config_update_rejected") == 1, "the refusal")
        self.assertEqual(self.gateway.get(), (200, "first"))
        with open(self.gateway.log.name) as log:
            said = [line for line in log if "cannot bind 127.0.0.1:%d" % port in line]
        self.assertEqual(len(said), 1)
        self.assertRegex(said[0], r"gateway.yaml:\d+:\d+: static_resources.listeners\[0\]: cannot bind [^\[]*$")

    def test_the_admin_pages_become_fewer_and_are_logged(self):
        log = os.path.join(self.folder, "admin.log")
        self.assertEqual(self.gateway.admin("/server_info")[0], 200)
        self.edit("admin:\n", "admin:\n  allow_paths: [{exact: /ready}]\n  access_log: [{name: file, typed_config: {'@type': "
                  "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog, path: %s, log_format: "
                  "{text_format_source: {inline_string: \"%%REQ(:PATH)%%\\n\"}}}}]\n" % log)
        until(lambda: self.gateway.admin("/server_info")[0] == 403, "the new configuration")
        self.assertEqual(self.gateway.admin("/quitquitquit", "POST")[0], 403)
        self.assertEqual(self.gateway.admin("/ready")[0], 200)

        def logged():
            # The file is made when its first lines are written.
            if not os.path.exists(log):
                return False
            with open(log) as file:
                return file.read().splitlines()[-2:] == ["/quitquitquit", "/ready"]
        until(logged, "the lines of the log")
        self.assertIsNone(self.gateway.process.poll())

    def ask(self, client):
        client.request("GET", "/")
        response = client.getresponse()
        return response.getheader("connection"), response.read()

    def test_who_is_not_well_asks_its_clients_to_go(self):
        client = http.client.HTTPConnection("127.0.0.1", self.gateway.port, timeout=LIMIT_S)
        self.addCleanup(client.close)
        self.assertEqual(self.ask(client), (None, b"first"))
        self.gateway.admin("/healthcheck/fail", "POST")
        self.assertEqual([self.ask(client), self.ask(client)], [("close", b"first")] * 2)
        self.gateway.admin("/healthcheck/ok", "POST")
        self.assertEqual([self.ask(client), self.ask(client)], [(None, b"first")] * 2)


if __name__ == "__main__":
    unittest.main()
