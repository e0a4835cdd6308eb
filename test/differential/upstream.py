"""Upstreams that do what a script says and remember what they were asked."""
import socket
import ssl
import threading
import time

from upstream_connection import Service, accept_transport
from wire import WireError

LIMIT_S = 15

# Upstreams that speak TLS: the certificate of each, the protocols that it takes, its favourite first, and the newest version.
TLS = {"secure": ("upstream", ("h2", "http/1.1"), ssl.TLSVersion.TLSv1_2), "old": ("upstream", (), ssl.TLSVersion.TLSv1_2),
       "stale": ("upstream-expired", ("http/1.1",), ssl.TLSVersion.TLSv1_2), "modern": ("upstream", ("http/1.1",), ssl.TLSVersion.TLSv1_3)}


class Upstreams:
    """One listening socket for each name, on ports of the kernel's choice. One exchange at a time sets `script`."""

    NAMES = ("one", "two", "three", *TLS)

    def __init__(self, certificates):
        self.lock = threading.Lock()
        self.script, self.seen = None, []
        self.contexts = {name: context_of(certificates, *options) for name, options in TLS.items()}
        self.listeners = {}
        for name in self.NAMES:
            self.listeners[name] = socket.create_server(("127.0.0.1", 0))
            threading.Thread(target=self.accept, args=(name,), daemon=True).start()
        # A port where nobody listens: bound, so that nobody else gets it, but not listening.
        self.closed = socket.socket()
        self.closed.bind(("127.0.0.1", 0))

    def ports(self):
        ports = {name: listener.getsockname()[1] for name, listener in self.listeners.items()}
        return {**ports, "down": self.closed.getsockname()[1], "empty": 0}

    def begin(self, script):
        with self.lock:
            self.script, self.seen = script, []

    def script_for(self, record):
        """Remembers a request; the steps to take, or None for a usual answer."""
        with self.lock:
            self.seen.append(record)
            return self.script

    def take(self, asked=0):
        """What they were asked. Requests that are not the answered one may come later than its answer: by upstream, then."""
        end = time.monotonic() + LIMIT_S
        while asked and time.monotonic() < end:
            with self.lock:
                if len(self.seen) >= asked:
                    return sorted(self.seen, key=lambda record: (record["upstream"], sorted(record["headers"])))
            time.sleep(0.01)
        with self.lock:
            return self.seen

    def close(self):
        for listener in self.listeners.values():
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.closed.close()

    def accept(self, name):
        while True:
            try:
                connection, _ = self.listeners[name].accept()
            except OSError:
                return
            connection.settimeout(LIMIT_S)
            threading.Thread(target=self.serve, args=(name, connection), daemon=True).start()

    def serve(self, name, connection):
        with connection:
            try:
                secured, facts = accept_transport(connection, self.contexts.get(name))
                with secured:
                    Service(self, name, secured, facts).run()
            except (OSError, WireError):
                pass


def context_of(certificates, name, protocols, newest):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = newest
    context.load_cert_chain(certificates.path(f"{name}.pem"), certificates.path(f"{name}.key"))
    # Asks for a certificate, and takes those of our authority; which one came is told.
    context.load_verify_locations(certificates.path("ca.pem"))
    context.verify_mode = ssl.CERT_OPTIONAL
    if protocols:
        context.set_alpn_protocols(list(protocols))
    context.sni_callback = lambda connection, asked, _: setattr(connection, "asked_for", asked)
    return context
