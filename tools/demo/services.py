#!/usr/bin/env python3
"""Four small services to put a gateway in front of: Products, Inventory, Cart and Orders. They keep their data in memory.

    services.py [--products PORT] [--inventory PORT] [--carts PORT] [--orders PORT]

Port 0, the default, lets the system choose. Each service prints `listening NAME PORT`. Loopback only.
"""
import argparse
import json
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MAX_BODY = 64 * 1024

PRODUCTS = {
    1: {"id": 1, "name": "Walnut desk", "category": "furniture", "price": {"amount": "489.00", "currency": "EUR"}},
    2: {"id": 2, "name": "Reading lamp", "category": "lighting", "price": {"amount": "79.90", "currency": "EUR"}},
    3: {"id": 3, "name": "Wool rug", "category": "textiles", "price": {"amount": "215.00", "currency": "EUR"}},
    4: {"id": 4, "name": "Oak bookshelf", "category": "furniture", "price": {"amount": "329.50", "currency": "EUR"}},
}
INVENTORY = {
    1: {"product": 1, "available": 12, "warehouse": "Lyon", "restock": None},
    2: {"product": 2, "available": 140, "warehouse": "Ghent", "restock": None},
    3: {"product": 3, "available": 0, "warehouse": "Lyon", "restock": "2026-03-14"},
    4: {"product": 4, "available": 7, "warehouse": "Turin", "restock": None},
}


class Refusal(Exception):
    """An answer other than the one that was hoped for."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status, self.message = status, message


class Service:
    """A name (the first path segment) and what GET and POST on the rest of the path do. Thread-safe."""

    def __init__(self, name):
        self.name, self.lock = name, threading.Lock()

    def get(self, key):
        """The collection, or the item called `key`."""
        raise Refusal(405, f"/{self.name} cannot be read")

    def post(self, key, body):
        """(status, answer, location or None)."""
        raise Refusal(405, f"/{self.name} takes no POST")


def find(table, key, what):
    item = table.get(int(key)) if key.isdecimal() and len(key) < 10 else None
    if item is None:
        raise Refusal(404, f"no {what} {key}")
    return item


def positive(body, field):
    value = body.get(field)
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 1_000_000:
        raise Refusal(400, f"{field} must be a positive whole number")
    return value


class Table(Service):
    """A collection that can only be read."""

    def __init__(self, name, items, what):
        super().__init__(name)
        self.items, self.what = items, what

    def get(self, key):
        return find(self.items, key, self.what) if key else {self.name: list(self.items.values())}


class Carts(Service):
    def __init__(self):
        super().__init__("carts")
        self.carts = {1: {"id": 1, "customer": "ada", "items": [{"product": 2, "quantity": 1}]}}

    def get(self, key):
        with self.lock:
            return dict(find(self.carts, key, "cart"))

    def post(self, key, body):
        item = {"product": positive(body, "product"), "quantity": positive(body, "quantity")}
        find(PRODUCTS, str(item["product"]), "product")
        with self.lock:
            cart = find(self.carts, key, "cart")
            cart["items"] = [*cart["items"], item][-100:]
            return 200, dict(cart), None


class Orders(Service):
    def __init__(self):
        super().__init__("orders")
        self.orders = {1: {"id": 1, "customer": "ada", "product": 1, "quantity": 1, "status": "shipped"}}

    def get(self, key):
        with self.lock:
            return dict(find(self.orders, key, "order")) if key else {"orders": list(self.orders.values())}

    def post(self, key, body):
        if key:
            raise Refusal(405, "orders are placed at /orders")
        order = {"customer": str(body.get("customer", "guest"))[:80], "product": positive(body, "product"),
                 "quantity": positive(body, "quantity"), "status": "accepted"}
        if find(INVENTORY, str(order["product"]), "product")["available"] < order["quantity"]:
            raise Refusal(409, f"product {order['product']} is not in stock")
        with self.lock:
            number = max(self.orders) + 1
            self.orders[number] = {"id": number, **order}
            if len(self.orders) > 1000:
                del self.orders[min(self.orders)]
            return 201, dict(self.orders[number]), f"/orders/{number}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "demo"
    sys_version = ""
    wbufsize = -1  # head and body leave in one piece

    def do_GET(self):
        self.answer(lambda service, key: (200, service.get(key), None))

    def do_POST(self):
        self.answer(lambda service, key: service.post(key, self.body()))

    def answer(self, act):
        service, location = self.server.service, None
        try:
            name, _, key = self.path.split("?", 1)[0].strip("/").partition("/")
            if name != service.name:
                raise Refusal(404, f"this is the service for /{service.name}")
            status, content, location = act(service, key)
        except Refusal as refusal:
            status, content = refusal.status, {"error": refusal.message}
        text = (json.dumps(content, indent=2) + "\n").encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(text)))
        self.send_header("x-service", service.name)
        if location:
            self.send_header("location", location)
        self.end_headers()
        self.wfile.write(text)

    def body(self):
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > MAX_BODY:
            self.close_connection = True
            raise Refusal(413 if length.isdecimal() else 411, f"send a content-length of at most {MAX_BODY}")
        try:
            body = json.loads(self.rfile.read(int(length)))
        except ValueError:
            raise Refusal(400, "the body is not JSON") from None
        if not isinstance(body, dict):
            raise Refusal(400, "the body is not a JSON object")
        return body

    def log_message(self, format, *args):  # the gateway writes the access log
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service, port):
        self.service = service
        super().__init__(("127.0.0.1", port), Handler)


def services():
    return [Table("products", PRODUCTS, "product"), Table("inventory", INVENTORY, "product"), Carts(), Orders()]


def main():
    ap = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    for service in services():
        ap.add_argument(f"--{service.name}", type=int, default=0, metavar="PORT")
    ports = vars(ap.parse_args())
    try:
        servers = [Server(service, ports[service.name]) for service in services()]
    except OSError as error:
        sys.exit(f"services: cannot listen: {error}")
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print("listening", server.service.name, server.server_port, flush=True)
    signal.sigwait([signal.SIGINT, signal.SIGTERM])


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
    main()
