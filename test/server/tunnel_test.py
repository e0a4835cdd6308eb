"""What an upstream that speaks HTTP/1 says too much, behind an answer that has no body or has ended: it reaches no client of
HTTP/2, neither as a body nor as the answer to another request."""

import unittest

from raw_http2 import Client, get
from upgrade_test import EdgeTest, Server, read_head

MARK = "injected"
ANSWER = b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\nx-%s: 1\r\n\r\n%s" % ((MARK.encode(),) * 2)


class TooMuch(Server):
    """Says more than it may to a request for /case, and nothing but the target to others."""

    def __init__(self, answer):
        self.answer = answer
        super().__init__()

    def serve(self, connection):
        while True:
            line, _ = read_head(connection)
            target = line.split(" ")[1].encode()
            if target == b"/case":
                connection.sendall(self.answer)
            else:
                connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(target), target))


# By the method of the request: what the upstream sends, and the status that the client may see.
TUNNELS = {
    "HEAD with a body": ("HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER), "200"),
    "HEAD with chunks": ("HEAD", b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n8\r\n%s\r\n0\r\n\r\n" %
                         MARK.encode(), "200"),
    "204 with a body": ("GET", b"HTTP/1.1 204 No Content\r\n\r\n" + ANSWER, "204"),
    "204 with a length": ("GET", b"HTTP/1.1 204 No Content\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER),
                          "204"),
    "304 with a body": ("GET", b"HTTP/1.1 304 Not Modified\r\ncontent-length: %d\r\n\r\n%s" % (len(ANSWER), ANSWER),
                        "304"),
    "103 with a body": ("GET", b"HTTP/1.1 103 Early Hints\r\ncontent-length: 8\r\n\r\n%s\r\n\r\n" % MARK.encode(), "502"),
    "100 and a second answer": ("GET", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" +
                                ANSWER, "200"),
    "101 that nobody asked for": ("GET", b"HTTP/1.1 101 Switching Protocols\r\n\r\n" + ANSWER, "502"),
    "two answers": ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok" + ANSWER, "200"),
    "more than its length": ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok%s" % MARK.encode(), "200"),
    "line end in a value": ("GET", b"HTTP/1.1 200 OK\r\nx-a: 1\r%s: 1\r\ncontent-length: 0\r\n\r\n" % MARK.encode(), "502"),
    "two lengths": ("GET", b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 10\r\n\r\nok%s" % MARK.encode(), "502"),
}


class TunnelTest(EdgeTest):

    def test_what_an_upstream_says_too_much_reaches_nobody(self):
        for name, (method, answer, status) in TUNNELS.items():
            with self.subTest(name):
                self.tunnel(method, answer, status)

    def tunnel(self, method, answer, status):
        upstream = TooMuch(answer)
        gateway = self.start(upstream.port, flags=("--concurrency", "1"))
        client = Client(gateway.port)
        try:
            number = client.open(get("/case", method=method))
            self.assertTrue(client.wait(lambda: client.over(number)))
            self.assertEqual(client.stream(number)[":status"], status)
            # On the same connection of the gateway, if it kept that.
            for i in range(3):
                self.assertEqual(client.ask("/next%d" % i).body, b"/next%d" % i)
            for stream in client.streams.values():
                for fields in [stream.fields, stream.trailers or [], *stream.interim]:
                    self.assertNotIn("x-" + MARK, dict(fields))
                self.assertNotIn(MARK.encode(), stream.body)
        finally:
            client.close()
            gateway.end()
            upstream.close()


if __name__ == "__main__":
    unittest.main()
