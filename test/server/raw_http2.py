"""HTTP/2 frame by frame, for clients and upstreams that do what no library lets them do (RFC 9113 and RFC 7541)."""

import socket
import struct
import time

import hpack

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
END_STREAM = ACK = 1
END_HEADERS, PADDED = 4, 8
NO_ERROR, PROTOCOL_ERROR, REFUSED_STREAM, CANCEL, ENHANCE_YOUR_CALM = 0, 1, 7, 8, 11
INITIAL_WINDOW_SIZE, MAX_CONCURRENT_STREAMS = 4, 3
LIMIT_S = 20


def frame(kind, flags=0, stream=0, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def integer(value, bits, first=0):
    """A number with a prefix of so many bits (RFC 7541 section 5.1)."""
    most = (1 << bits) - 1
    if value < most:
        return bytes([first | value])
    out, value = [first | most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def field(name, value, first=0):
    """A literal field, as it is: nothing checked, no Huffman code. `first` 0x40: the table keeps it."""
    name, value = (text if isinstance(text, bytes) else text.encode() for text in (name, value))
    return bytes([first]) + integer(len(name), 7) + name + integer(len(value), 7) + value


def block(fields):
    return b"".join(field(name, value) for name, value in fields)


def get(path="/", *more, method="GET", authority="a.test"):
    """The fields of an ordinary request."""
    return [(":method", method), (":scheme", "http"), (":authority", authority), (":path", path), *more]


def headers(stream, fields, end=True):
    return frame(HEADERS, END_HEADERS | (END_STREAM if end else 0), stream, block(fields))


def data(stream, payload=b"", end=False):
    return frame(DATA, END_STREAM if end else 0, stream, payload)


def reset(stream, code=CANCEL):
    return frame(RST_STREAM, 0, stream, struct.pack(">I", code))


def window_update(stream, increment):
    return frame(WINDOW_UPDATE, 0, stream, struct.pack(">I", increment))


def settings(*entries):
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", *entry) for entry in entries))


class Stream:
    def __init__(self):
        self.fields, self.trailers, self.interim, self.body = None, None, [], bytearray()
        self.ended, self.reset = False, None

    def __getitem__(self, name):
        return dict(self.fields or []).get(name)


class Peer:
    """One end of a connection. It keeps what comes, agrees to SETTINGS, and does nothing else by itself."""

    def __init__(self, connected):
        self.socket = connected
        self.socket.settimeout(LIMIT_S)
        self.decoder = hpack.Decoder(max_header_list_size=1 << 24)
        self.streams, self.settings, self.goaways, self.pings, self.pongs, self.window_updates = {}, [], [], [], 0, 0
        self.closed, self.sent, self.agrees, self.opens_windows = False, 0, True, False
        self.unread, self.open_block = b"", None

    def send(self, what):
        """False when the other end takes no more."""
        try:
            self.socket.sendall(what)
        except OSError:
            return False
        self.sent += len(what)
        return True

    def stream(self, number):
        return self.streams.setdefault(number, Stream())

    def read(self, timeout=LIMIT_S):
        """Takes what comes next; False when nothing does in time, or the other end has closed."""
        self.socket.settimeout(timeout)
        try:
            got = self.socket.recv(1 << 20)
        except (TimeoutError, BlockingIOError):
            return False
        except OSError:
            got = b""
        finally:
            self.socket.settimeout(LIMIT_S)
        if not got:
            self.closed = True
            return False
        self.unread += got
        self.take_frames()
        return True

    def take_frames(self):
        at = 0
        while len(self.unread) - at >= 9:
            length = int.from_bytes(self.unread[at:at + 3], "big")
            if len(self.unread) - at < 9 + length:
                break
            kind, flags = self.unread[at + 3], self.unread[at + 4]
            stream = int.from_bytes(self.unread[at + 5:at + 9], "big") & 0x7fffffff
            self.take(kind, flags, stream, self.unread[at + 9:at + 9 + length])
            at += 9 + length
        self.unread = self.unread[at:]

    def take(self, kind, flags, number, payload):
        if kind == DATA:
            self.stream(number).body += payload
            self.stream(number).ended |= bool(flags & END_STREAM)
            if self.opens_windows and payload:
                self.send(window_update(0, len(payload)) + window_update(number, len(payload)))
        elif kind in (HEADERS, CONTINUATION):
            if kind == HEADERS:
                self.open_block = (bool(flags & END_STREAM), b"")
            self.open_block = (self.open_block[0], self.open_block[1] + payload)
            if flags & END_HEADERS:
                self.take_fields(self.stream(number), *self.open_block)
        elif kind == RST_STREAM:
            self.stream(number).reset = struct.unpack(">I", payload)[0]
        elif kind == SETTINGS and not flags & ACK:
            self.settings.append(dict(struct.iter_unpack(">HI", payload)))
            if self.agrees:
                self.send(frame(SETTINGS, ACK))
        elif kind == PING:
            self.pongs += flags & ACK
            if not flags & ACK:
                self.pings.append(payload)
            if self.agrees:
                self.answer_pings()
        elif kind == GOAWAY:
            self.goaways.append(struct.unpack(">II", payload[:8]))
        elif kind == WINDOW_UPDATE:
            self.window_updates += 1

    def answer_pings(self):
        while self.pings:
            self.send(frame(PING, ACK, 0, self.pings.pop()))

    def take_fields(self, stream, end, encoded):
        fields = self.decoder.decode(encoded)
        status = dict(fields).get(":status")
        if stream.fields is not None:
            stream.trailers = fields
        elif status is not None and status[0] == "1":
            stream.interim.append(fields)
        else:
            stream.fields = fields
        stream.ended |= end

    def wait(self, condition, seconds=LIMIT_S):
        """Reads until it holds; False when the other end closes, or time is over, before it does."""
        end = time.monotonic() + seconds
        while not condition():
            left = end - time.monotonic()
            if left <= 0 or not self.read(left) and self.closed:
                return condition()
        return True

    def refused(self, code, seconds=LIMIT_S):
        """Whether the other end says so and goes."""
        return self.wait(lambda: any(said == code for _, said in self.goaways), seconds)

    def is_left(self):
        """Whether the other end has closed; reads nothing."""
        established = 1
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != established

    def over(self, number):
        return self.stream(number).ended or self.stream(number).reset is not None

    def close(self):
        self.socket.close()


class Client(Peer):
    def __init__(self, port, entries=(), receive_buffer=0):
        connected = socket.socket()
        if receive_buffer:
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connected.settimeout(LIMIT_S)
        connected.connect(("127.0.0.1", port))
        super().__init__(connected)
        self.send(PREFACE + settings(*entries))
        self.next = 1

    def open(self, fields, end=True):
        number, self.next = self.next, self.next + 2
        self.send(headers(number, fields, end))
        return number

    def ask(self, path="/", *more):
        """A whole exchange; the stream."""
        number = self.open(get(path, *more))
        self.wait(lambda: self.over(number))
        return self.stream(number)


class Server(Peer):
    """The other end of a client's connection that was accepted; takes the preface."""

    def __init__(self, connected, entries=()):
        super().__init__(connected)
        while len(self.unread) < len(PREFACE):
            piece = self.socket.recv(len(PREFACE) - len(self.unread))
            if not piece:
                raise OSError("closed within the preface")
            self.unread += piece
        self.unread = self.unread[len(PREFACE):]
        self.send(settings(*entries))
