"""One connection that a gateway has made to an upstream: what comes before HTTP, then HTTP/1 or HTTP/2 as it is spoken."""
import socket
import struct
import time
from dataclasses import replace

from case import CLOSE, HANG, PAUSE, READ, RESET, Data, Fields, Take
from http2 import ENABLE_CONNECT_PROTOCOL, PREFACE, Http2, together
from wire import Reader

# Steps for HTTP/2 that are no frames, nor bytes.
WAITS = (READ, CLOSE, RESET, HANG, PAUSE, Take)
PAUSE_S = 0.3
PROXY_V1, PROXY_V2 = b"PROXY ", b"\r\n\r\n\0\r\nQUIT\n"


def accept_transport(connection, context):
    """(the connection as HTTP uses it, what was said before: of the PROXY protocol and of TLS)"""
    facts = {}
    start = connection.recv(16, socket.MSG_PEEK)
    if start.startswith((PROXY_V1, PROXY_V2)):
        facts["proxy"] = proxy_header(Reader(OneByte(connection)), start)
        start = connection.recv(16, socket.MSG_PEEK)
    if context is None or not start.startswith(b"\x16"):
        return connection, facts
    secure = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    secure.do_handshake()
    certificate = secure.getpeercert()
    facts.update(sni=getattr(secure, "asked_for", None), alpn=secure.selected_alpn_protocol(), version=secure.version(),
                 client=str(certificate.get("subject")) if certificate else None)
    return secure, facts


class OneByte:
    """A connection that is read byte by byte, so that nothing of what follows is taken."""

    def __init__(self, connection):
        self.connection = connection

    def recv(self, _):
        return self.connection.recv(1)


def proxy_header(reader, start):
    """The header in words, its ports written so that they are named as others are."""
    if start.startswith(PROXY_V1):
        words = reader.line().split(" ")
        return f"1 {words[1]}" + "".join(f" {a}:{p}" for a, p in zip(words[2:4], words[4:6]))
    head = reader.exactly(16)
    body = reader.exactly(struct.unpack(">H", head[14:16])[0])
    if head[13] >> 4 != 1:
        return f"2 {head[12]:x} {head[13]:x} {body.hex()}"
    source, destination, one, two = struct.unpack(">4s4sHH", body[:12])
    return f"2 {head[12]:x} {head[13]:x} {socket.inet_ntoa(source)}:{one} {socket.inet_ntoa(destination)}:{two} {body[12:].hex()}"


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Service:
    """Answers what comes by one connection. `upstreams` says what to do, and is told what was asked."""

    def __init__(self, upstreams, name, connection, facts):
        self.upstreams, self.name, self.connection, self.facts = upstreams, name, connection, facts
        self.reader = Reader(connection)

    def run(self):
        if self.reader.begins(PREFACE):
            self.reader.exactly(len(PREFACE))
            return self.run_http2()
        while self.answer():
            pass

    def begin(self, line, headers):
        """(what is remembered of the request, the steps to take or None)"""
        record = {"upstream": self.name, "line": line, "headers": headers, "body": "", "trailers": [], "facts": self.facts}
        script = self.upstreams.script_for(record)
        return record, [READ, script] if isinstance(script, bytes) else script

    def answer(self):
        """One request of HTTP/1; whether the connection goes on."""
        head = self.reader.head()
        if head is None:
            return False
        record, steps = self.begin(head.line, head.headers)
        for step in steps or self.usual(head.line.startswith("HEAD ")):
            if step == READ:
                record["body"] = "(unread)"
                body, trailers = self.reader.body(head)
                record.update(body=body.decode("latin-1"), trailers=trailers)
            elif isinstance(step, Take):
                record["body"] += self.reader.exactly(step.count).decode("latin-1")
            elif step == PAUSE:
                time.sleep(PAUSE_S)
            elif step == CLOSE:
                return False
            elif step == RESET:
                reset(self.connection)
                return False
            elif step == HANG:
                return self.reader.until_closed()
            else:
                self.connection.sendall(step)
        return True

    def usual(self, is_head):
        body = b"" if is_head else self.name.encode()
        return [READ, b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nx-upstream: %s\r\n\r\n%s" % (len(body), self.name.encode(), body)]

    def run_http2(self):
        wire, served = Http2(self.reader, is_client=False), set()
        wire.start({ENABLE_CONNECT_PROTOCOL: 1})
        while True:
            begun = lambda: [n for n, message in wire.messages.items() if message.headers is not None and n not in served]
            if not wire.until(begun):
                return
            stream = begun()[0]
            served.add(stream)
            if not self.answer_http2(wire, stream, wire.messages[stream]):
                return

    def answer_http2(self, wire, stream, message):
        pseudo = dict(message.headers)
        line = f"{pseudo.get(':method')} {pseudo.get(':path')} HTTP/2"
        record, steps = self.begin(line, message.headers)
        try:
            for group in together(steps or self.usual_http2(pseudo.get(":method") == "HEAD"), WAITS):
                if not self.perform(group, wire, stream, message):
                    return False
        finally:
            record.update(body=message.body.decode("latin-1") + ("" if message.ended else "(no end)"), trailers=message.trailers)
        return True

    def usual_http2(self, is_head):
        length = ("content-length", str(0 if is_head else len(self.name)))
        return [READ, Fields([(":status", "200"), length, ("x-upstream", self.name)], end=is_head),
                *([] if is_head else [Data(self.name.encode(), end=True)])]

    def perform(self, steps, wire, stream, message):
        """One step of a script for HTTP/2, or frames; whether the connection goes on. Frames of stream 1 are this stream's."""
        step = steps[0]
        if step == READ:
            return wire.until(lambda: message.ended or message.reset)
        if isinstance(step, Take):
            return wire.until(lambda: len(message.body) >= step.count)
        if step == CLOSE:
            # What the gateway still sends is read, for it would else answer the close with a reset.
            self.connection.shutdown(socket.SHUT_WR)
            return wire.until(lambda: False)
        if step == RESET:
            reset(self.connection)
            return False
        if step == HANG:
            return wire.until(lambda: message.reset)
        if step == PAUSE:
            time.sleep(PAUSE_S)
            return True
        wire.send(*(replace(step, stream=stream) if hasattr(step, "stream") else step for step in steps))
        return True
