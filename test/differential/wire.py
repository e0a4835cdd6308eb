"""HTTP/1 as bytes on a socket, read leniently and remembered as it was."""
import ssl
import time
from dataclasses import dataclass, field


class WireError(Exception):
    """What was read is no HTTP, or ended too early."""


@dataclass
class Head:
    line: str
    headers: list = field(default_factory=list)  # (name as it was, value)

    def get(self, name):
        return ", ".join(value for key, value in self.headers if key.lower() == name)


class Reader:
    def __init__(self, connection):
        self.connection, self.data, self.ended = connection, b"", False
        self.is_cut = False  # TLS without a close_notify at its end

    def more(self):
        """Reads once; False at the end."""
        try:
            piece = self.connection.recv(65536)
        except ssl.SSLEOFError:
            piece, self.is_cut = b"", True
        self.data += piece
        self.ended = not piece
        return bool(piece)

    def line(self):
        while b"\n" not in self.data:
            if not self.more():
                raise WireError("ended within a line")
        line, _, self.data = self.data.partition(b"\n")
        return line.rstrip(b"\r").decode("latin-1")

    def fields(self):
        found = []
        while line := self.line():
            name, _, value = line.partition(":")
            found.append((name, value.strip(" \t")))
        return found

    def head(self):
        """The next head, or None when the connection ends before one."""
        while not self.data:
            if not self.more():
                return None
        return Head(self.line(), self.fields())

    def exactly(self, size):
        while len(self.data) < size:
            if not self.more():
                raise WireError("ended within a body")
        piece, self.data = self.data[:size], self.data[size:]
        return piece

    def chunks(self):
        body = b""
        while size := int(self.line().split(";")[0], 16):
            body += self.exactly(size)
            self.line()
        return body, self.fields()

    def begins(self, start):
        """Whether `start` comes first; reads what it needs to know."""
        while start.startswith(self.data) and self.data != start:
            if not self.more():
                return False
        return self.data.startswith(start)

    def rest(self):
        while self.more():
            pass
        rest, self.data = self.data, b""
        return rest

    def body(self, head, bodiless=False, until_close=False):
        """(body, trailers)"""
        if bodiless:
            return b"", []
        if "chunked" in head.get("transfer-encoding").lower():
            return self.chunks()
        length = head.get("content-length")
        if length:
            return self.exactly(int(length.split(",")[0])), []
        return (self.rest(), []) if until_close else (b"", [])

    def until_closed(self):
        """Waits for the other side; False, for the connection is of no more use."""
        while self.more():
            pass
        return False

    def within(self, seconds):
        """Bounds the reads that follow."""
        self.connection.settimeout(seconds)
        return time.monotonic() + seconds
