"""HTTP/2 as frames on a socket, for clients and upstreams: what is to be sent is sent, right or wrong, and what comes is noted."""
import select
from dataclasses import dataclass, field

import hpack
from h2.errors import ErrorCodes
from hyperframe.frame import (ContinuationFrame, DataFrame, Frame, GoAwayFrame, HeadersFrame, PingFrame, RstStreamFrame,
                              SettingsFrame)

from case import Data, Fields, Goaway, Reset, Settings
from wire import WireError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FRAME_SIZE = 16384
ENABLE_CONNECT_PROTOCOL = 8  # RFC 8441 section 3


def code_name(code):
    return ErrorCodes(code).name if code in set(ErrorCodes) else f"code {code}"


def together(steps, waits):
    """The steps, what is sent at once in one list; `waits` are those that are not sent, or their types."""
    groups = [[]]
    for step in steps:
        if step in waits or type(step) in waits:
            groups += [[step], []]
        else:
            groups[-1].append(step)
    return [group for group in groups if group]


@dataclass
class Message:
    """What has come on one stream."""
    interim: list = field(default_factory=list)  # heads of 1xx
    headers: list | None = None
    body: bytes = b""
    trailers: list = field(default_factory=list)
    ended: bool = False
    reset: str = ""

    def get(self, name):
        return next((value for key, value in self.headers or () if key == name), "")


class Http2:
    """One side of a connection. `messages` has what came on each stream, in the order of their first frames."""

    def __init__(self, reader, is_client):
        self.reader, self.is_client = reader, is_client
        self.encoder, self.decoder = hpack.Encoder(), hpack.Decoder()
        self.messages, self.goaway, self.sent_end, self.given_up = {}, "", set(), set()
        self.pings_answered = 0
        self.block, self.frames = None, 0  # HEADERS whose CONTINUATIONs are to come; frames of streams so far

    def start(self, settings=None):
        first = SettingsFrame(0, settings=settings or {}).serialize()
        self.reader.connection.sendall((PREFACE if self.is_client else b"") + first)

    def send(self, *steps):
        """In one piece, so that the other side reads them together."""
        self.reader.connection.sendall(b"".join(self.frames_of(step) for step in steps))

    def frames_of(self, step):
        kinds = {Fields: self.fields, Data: self.data, Reset: self.reset, Goaway: self.goaway_frame,
                 Settings: lambda step: SettingsFrame(0, settings=step.values).serialize(), bytes: lambda step: step}
        return kinds[type(step)](step)

    def fields(self, step):
        if self.is_client:
            self.messages.setdefault(step.stream, Message())
        # Fields as they are: neither their order nor their names are looked at.
        block = self.encoder.encode([hpack.NeverIndexedHeaderTuple(*pair) for pair in step.fields])
        flags = ["END_STREAM"] if step.end else []
        pieces = [block[at:at + FRAME_SIZE] for at in range(0, max(len(block), 1), FRAME_SIZE)]
        frames = [HeadersFrame(step.stream, data=pieces[0], flags=flags)]
        frames += [ContinuationFrame(step.stream, data=piece) for piece in pieces[1:]]
        frames[-1].flags.add("END_HEADERS")
        self.note_end(step)
        return b"".join(frame.serialize() for frame in frames)

    def data(self, step):
        self.note_end(step)
        return DataFrame(step.stream, data=step.body, flags=["END_STREAM"] if step.end else []).serialize()

    def reset(self, step):
        self.sent_end.add(step.stream)
        self.given_up.add(step.stream)
        return RstStreamFrame(step.stream, error_code=step.code).serialize()

    def goaway_frame(self, step):
        return GoAwayFrame(0, last_stream_id=step.last, error_code=step.code).serialize()

    def note_end(self, step):
        if step.end:
            self.sent_end.add(step.stream)

    def more(self):
        """Reads and notes one frame; False at the end of the connection."""
        try:
            head = self.reader.exactly(9)
        except WireError:
            return False
        frame, size = Frame.parse_frame_header(memoryview(head))
        frame.parse_body(memoryview(self.reader.exactly(size)))
        self.note(frame)
        return True

    def until(self, condition):
        """Reads until `condition()`, or the connection's end; whether it came to hold."""
        while not condition():
            if not self.more():
                return False
        return True

    def for_a_while(self, seconds, condition):
        """The same, but gives up when nothing comes for as long."""
        while not condition() and (self.reader.data or select.select([self.reader.connection], [], [], seconds)[0]):
            if not self.more():
                return

    def settle(self):
        """Returns when the other side has read all that was sent, or has closed: a connection cut before would say more than the frames did."""
        before = self.pings_answered
        self.send(PingFrame(0, b"settled?").serialize())
        self.until(lambda: self.pings_answered > before)

    def note(self, frame):
        if isinstance(frame, (HeadersFrame, ContinuationFrame)):
            self.block = frame if self.block is None else self.block
            self.block.data += frame.data if frame is not self.block else b""
            if "END_HEADERS" in frame.flags:
                frame, self.block = self.block, None
                self.note_fields(self.message(frame), frame)
        elif isinstance(frame, DataFrame):
            message = self.message(frame)
            message.body += frame.data
            message.ended |= "END_STREAM" in frame.flags
        elif isinstance(frame, RstStreamFrame):
            self.message(frame).reset = code_name(frame.error_code)
        elif isinstance(frame, GoAwayFrame):
            self.goaway = code_name(frame.error_code)
        elif isinstance(frame, PingFrame) and "ACK" in frame.flags:
            self.pings_answered += 1
        elif isinstance(frame, (SettingsFrame, PingFrame)) and "ACK" not in frame.flags:
            reply = {"data": frame.opaque_data} if isinstance(frame, PingFrame) else {}
            self.send(SettingsFrame(0, flags=["ACK"]).serialize() if not reply
                      else PingFrame(0, reply["data"], flags=["ACK"]).serialize())

    def message(self, frame):
        self.frames += 1
        return self.messages.setdefault(frame.stream_id, Message())

    def note_fields(self, message, frame):
        fields = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.decoder.decode(frame.data, raw=True)]
        status = dict(fields).get(":status", "")
        if message.headers is not None:
            message.trailers = fields
        elif status.startswith("1"):
            message.interim.append(fields)
        else:
            message.headers = fields
        message.ended |= "END_STREAM" in frame.flags
