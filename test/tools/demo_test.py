"""The demo services answer as the printed requests expect, and the demo's configuration and ports fit together."""
import http.client
import json
import pathlib
import re
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, "tools/demo")
import services  # noqa: E402
import start  # noqa: E402


class Services(unittest.TestCase):
    def setUp(self):
        self.servers = {service.name: services.Server(service, 0) for service in services.services()}
        for server in self.servers.values():
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def tearDown(self):
        for server in self.servers.values():
            server.shutdown()
            server.server_close()

    def ask(self, name, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.servers[name].server_port, timeout=10)
        try:
            connection.request("GET" if body is None else "POST", path, body)
            response = connection.getresponse()
            return response.status, json.loads(response.read()), response
        finally:
            connection.close()

    def test_every_collection_and_item_can_be_read(self):
        for name, path in (("products", "/products"), ("products", "/products/1"), ("inventory", "/inventory/1"),
                           ("carts", "/carts/1"), ("orders", "/orders"), ("orders", "/orders/1?verbose=1")):
            self.assertEqual(self.ask(name, path)[0], 200, path)

    def test_what_is_put_in_the_cart_stays_there(self):
        status, cart, _ = self.ask("carts", "/carts/1", '{"product": 4, "quantity": 2}')
        self.assertEqual((status, cart["items"][-1]), (200, {"product": 4, "quantity": 2}))
        self.assertEqual(self.ask("carts", "/carts/1")[1], cart)

    def test_an_order_is_created_with_its_location(self):
        status, order, response = self.ask("orders", "/orders", '{"customer": "ada", "product": 2, "quantity": 1}')
        self.assertEqual((status, response.getheader("location")), (201, f"/orders/{order['id']}"))
        self.assertEqual(self.ask("orders", f"/orders/{order['id']}")[1], order)

    def test_refusals_say_why(self):
        for name, path, body, status in (
                ("products", "/products/99", None, 404), ("products", "/orders", None, 404),
                ("products", "/products", "{}", 405), ("carts", "/carts/x", None, 404),
                ("carts", "/carts/1", "[]", 400), ("carts", "/carts/1", "{", 400),
                ("carts", "/carts/1", '{"product": 1, "quantity": 0}', 400),
                ("orders", "/orders", '{"product": 3, "quantity": 1}', 409),
                ("orders", "/orders", " " * (services.MAX_BODY + 1), 413)):
            got, content, _ = self.ask(name, path, body)
            self.assertEqual((got, list(content)), (status, ["error"]), (path, body))

    def test_a_connection_serves_several_requests(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.servers["products"].server_port, timeout=10)
        for _ in range(3):
            connection.request("GET", "/products/1")
            response = connection.getresponse()
            response.read()
            self.assertFalse(response.will_close)
        connection.close()


class Configuration(unittest.TestCase):
    def test_names_exactly_the_ports_that_the_demo_uses(self):
        text = start.CONFIG.read_text()
        self.assertEqual(sorted(map(int, re.findall(r"port_value: (\d+)", text))), sorted(start.PORTS.values()))

    def test_other_ports_replace_all_of_them(self):
        ports = {name: port + 20000 for name, port in start.PORTS.items()}
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(start.write_config(folder, ports)).read_text()
        self.assertEqual(sorted(map(int, re.findall(r"port_value: (\d+)", text))), sorted(ports.values()))

    def test_the_example_itself_is_used_when_its_ports_are(self):
        self.assertEqual(start.write_config("/nonexistent", start.PORTS), start.CONFIG)

    def test_a_taken_port_is_noticed(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            self.assertTrue(start.is_taken(taken.getsockname()[1]))


if __name__ == "__main__":
    unittest.main()
