"""An upstream that takes HTTP/1 by the letter of RFC 9112, and keeps what it was sent."""

import re

from upgrade_test import Server

REQUEST_LINE = re.compile(rb"(GET|POST|HEAD|OPTIONS) (/[!-~]*|\*) HTTP/1\.1")
FIELD_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9a-z-]+): ((?:[!-~\x80-\xff][\t -~\x80-\xff]*)?)")


class Recorder(Server):
    """Keeps the bytes of each connection, and answers each whole request with its target."""

    def __init__(self):
        self.received = []
        super().__init__()

    def serve(self, connection):
        mine = bytearray()
        self.received.append(mine)
        answered = 0
        while piece := connection.recv(65536):
            mine += piece
            whole = [request for request in parse(bytes(mine)) if request["whole"]]
            for request in whole[answered:]:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(request["target"]))
                if request["method"] != b"HEAD":
                    connection.sendall(request["target"])
            answered = len(whole)


def parse(received):
    """The requests in these bytes, by the letter of RFC 9112; the last may be cut off. Fails on anything else."""
    requests = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        if not end:
            requests.append({"whole": False, "fields": {}, "target": b"", "method": b""})
            break
        line, *lines = head.split(b"\r\n")
        first = REQUEST_LINE.fullmatch(line)
        if first is None:
            raise AssertionError("no request line: %r" % line)
        fields = {}
        for text in lines:
            match = FIELD_LINE.fullmatch(text)
            if match is None or match[1] in fields:
                raise AssertionError("no field line, or twice: %r" % text)
            fields[match[1]] = match[2]
        request = {"method": first[1], "target": first[2], "fields": fields, "whole": True}
        if b"transfer-encoding" in fields:
            if fields[b"transfer-encoding"] != b"chunked" or b"content-length" in fields:
                raise AssertionError("framed in two ways: %r" % fields)
            request["body"], request["whole"], received = parse_chunks(received)
        else:
            length = int(fields.get(b"content-length", b"0"))
            request["body"], request["whole"] = received[:length], len(received) >= length
            received = received[length:]
        requests.append(request)
    return requests


def parse_chunks(received):
    body = b""
    while True:
        line, end, rest = received.partition(b"\r\n")
        if not end:
            return body, False, b""
        size = int(line, 16)
        if size == 0:
            trailers, end, rest = (b"\r\n" + rest).partition(b"\r\n\r\n")
            for text in trailers.split(b"\r\n")[1:]:
                if FIELD_LINE.fullmatch(text) is None:
                    raise AssertionError("no trailer: %r" % text)
            return body, bool(end), rest
        if len(rest) < size + 2:
            return body, False, b""
        if rest[size:size + 2] != b"\r\n":
            raise AssertionError("a chunk of another length")
        body, received = body + rest[:size], rest[size + 2:]
