"""Upstreams that do what a script says and remember what they were asked."""
import socket
import struct
import threading

from case import CLOSE, HANG, READ, RESET
from wire import Reader, WireError

LIMIT_S = 15


class Upstreams:
    """One listening socket for each name, on ports of the kernel's choice. One exchange at a time sets `script`."""

    NAMES = ("one", "two", "three")

    def __init__(self):
        self.lock = threading.Lock()
        self.script, self.seen = None, []
        self.listeners, self.connections = {}, set()
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

    def take(self):
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
            reader = Reader(connection)
            try:
                while self.answer(name, connection, reader):
                    pass
            except (OSError, WireError):
                pass

    def answer(self, name, connection, reader):
        """One request; whether the connection goes on."""
        head = reader.head()
        if head is None:
            return False
        record = {"upstream": name, "line": head.line, "headers": head.headers, "body": "", "trailers": []}
        with self.lock:
            self.seen.append(record)
            steps = script_of(self.script, name, head.line)
        for step in steps:
            if step == READ:
                record["body"] = "(unread)"
                body, trailers = reader.body(head)
                record.update(body=body.decode("latin-1"), trailers=trailers)
            elif step == CLOSE:
                return False
            elif step == RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return False
            elif step == HANG:
                return reader.until_closed()
            else:
                connection.sendall(step)
        return True


def script_of(script, name, line):
    if script is None:
        return [READ, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-upstream: %s\r\n\r\n%s" % (
            0 if line.startswith("HEAD ") else len(name), name.encode(), b"" if line.startswith("HEAD ") else name.encode())]
    return [READ, script] if isinstance(script, bytes) else script
