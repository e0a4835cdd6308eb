"""What HTTP/2 can say and HTTP/1 can't: whatever a client puts into its frames, an upstream that speaks HTTP/1 sees whole
requests that the gateway has written, and nothing else."""

import unittest

from raw_http2 import Client, data, get, headers
from strict_http1 import Recorder, parse
from upgrade_test import EdgeTest

MARK = "injected"


def alone(*fields):
    return headers(1, fields)


def with_field(name, value):
    return headers(1, get("/case", (name, value)))


def having(name, value):
    """An ordinary request but for one pseudo-header."""
    return headers(1, [(known, value if known == name else usual) for known, usual in get("/case")])


def post(*frames, fields=(), end=False):
    return headers(1, get("/case", *fields, method="POST"), end) + b"".join(frames)


def trailers(name, value):
    return post(data(1, b"abc"), headers(1, [(name, value)]))


SMUGGLED = "GET /%s HTTP/1.1\r\nhost: a.test\r\n\r\n" % MARK

# Of each, nothing may reach the upstream.
REFUSED = {
    "line end in a name": with_field("x\r\ny: %s" % MARK, "1"),
    "line feed in a name": with_field("x\ny", MARK),
    "NUL in a name": with_field("x\0y", MARK),
    "space in a name": with_field("x y", MARK),
    "colon in a name": with_field("x: %s" % MARK, "1"),
    "colon behind a name": with_field("x-a:", MARK),
    "upper case in a name": with_field("X-A", MARK),
    "a name of no bytes": with_field("", MARK),
    "a byte above ASCII in a name": with_field("x\xe4", MARK),
    "transfer-encoding with a tab": with_field("transfer-encoding\t", "chunked"),
    "line end in a value": with_field("x-a", "1\r\ny: %s" % MARK),
    "line feed in a value": with_field("x-a", "1\n%s: 1" % MARK),
    "carriage return in a value": with_field("x-a", "1\r%s" % MARK),
    "NUL in a value": with_field("x-a", "1\0%s" % MARK),
    "a request in a value": with_field("x-a", "1\r\n\r\n" + SMUGGLED),
    "a request in a cookie": with_field("cookie", "a=b\r\n\r\n" + SMUGGLED),
    "space before a value": with_field("x-a", " " + MARK),
    "line end in the method": having(":method", "GET /%s HTTP/1.1\r\nx:" % MARK),
    "space in the method": having(":method", "GET /%s" % MARK),
    "an empty method": having(":method", ""),
    "line end in the path": having(":path", "/ HTTP/1.1\r\nx: %s" % MARK),
    "a request in the path": having(":path", "/ HTTP/1.1\r\n\r\n" + SMUGGLED),
    "space in the path": having(":path", "/ %s" % MARK),
    "tab in the path": having(":path", "/\t%s" % MARK),
    "NUL in the path": having(":path", "/\0%s" % MARK),
    "fragment in the path": having(":path", "/#%s" % MARK),
    "path without a slash": having(":path", MARK),
    "path that is a URL": having(":path", "http://%s/" % MARK),
    "an empty path": having(":path", ""),
    "asterisk for GET": having(":path", "*"),
    "line end in the authority": having(":authority", "a.test\r\nx: %s" % MARK),
    "space in the authority": having(":authority", "a.test %s" % MARK),
    "path in the authority": having(":authority", "a.test/%s" % MARK),
    "user in the authority": having(":authority", "%s@a.test" % MARK),
    "two ports in the authority": having(":authority", "a.test:80:%s" % MARK),
    "line end in the scheme": having(":scheme", "http://%s\r\nx: y" % MARK),
    "URL in the scheme": having(":scheme", "http://%s/?" % MARK),
    "two authorities": alone(*get("/case"), (":authority", MARK)),
    "two paths": alone(*get("/case"), (":path", "/" + MARK)),
    "two methods": alone(*get("/case"), (":method", MARK)),
    "host other than the authority": with_field("host", MARK),
    "host twice": alone(*[field for field in get("/case") if field[0] != ":authority"], ("host", "a.test"), ("host", MARK)),
    "empty host": with_field("host", ""),
    "no authority": alone(*[field for field in get("/case") if field[0] != ":authority"]),
    "pseudo-header that nobody knows": alone((":%s" % MARK, "1"), *get("/case")),
    "pseudo-header of responses": alone(*get("/case"), (":status", "200")),
    "pseudo-header behind a field": alone(*get("/case")[:3], ("x-a", "1"), (":path", "/" + MARK)),
    "protocol that was not allowed": alone((":protocol", "websocket"), *get("/case", method="CONNECT")),
    "connection": with_field("connection", "x-" + MARK),
    "keep-alive": with_field("keep-alive", MARK),
    "proxy-connection": with_field("proxy-connection", "keep-alive"),
    "upgrade": with_field("upgrade", "h2c"),
    "transfer-encoding": post(data(1, b"0\r\n\r\n" + SMUGGLED.encode(), True), fields=[("transfer-encoding", "chunked")]),
    "transfer-encoding beside a length": post(data(1, b"0\r\n\r\n" + SMUGGLED.encode(), True), fields=[
        ("transfer-encoding", "chunked"), ("content-length", "4")]),
    "te": with_field("te", "trailers, " + MARK),
    "length without a body": post(fields=[("content-length", "5")], end=True),
    "two lengths": post(data(1, b"abc", True), fields=[("content-length", "3"), ("content-length", "3")]),
    "length with a sign": post(data(1, b"abc", True), fields=[("content-length", "+3")]),
    "length as a list": post(data(1, b"abc", True), fields=[("content-length", "3, 3")]),
    "length in hexadecimal": post(data(1, b"abc", True), fields=[("content-length", "0x3")]),
    "empty length": post(data(1, b"abc", True), fields=[("content-length", "")]),
    "length above 64 bits": post(data(1, b"abc", True), fields=[("content-length", "18446744073709551619")]),
    "CONNECT": alone((":method", "CONNECT"), (":authority", "%s:80" % MARK)),
}

# The request may have begun when it turns out to be wrong: then it must never be whole.
CUT_OFF = {
    "less than its length": post(data(1, b"abc", True), fields=[("content-length", "5")]),
    "more than its length": post(data(1, SMUGGLED.encode(), True), fields=[("content-length", "1")]),
    "a body of length zero": post(data(1, SMUGGLED.encode(), True), fields=[("content-length", "0")]),
    "pseudo-header in trailers": trailers(":path", "/" + MARK),
    "length in trailers": trailers("content-length", "3"),
    "transfer-encoding in trailers": trailers("transfer-encoding", "chunked"),
    "host in trailers": trailers("host", MARK),
    "upper case in trailers": trailers("X-A", MARK),
    "line end in trailers": trailers("x-a", "1\r\n\r\n" + SMUGGLED),
    "line end in the name of a trailer": trailers("x\r\n\r\n" + SMUGGLED, "1"),
    "trailers that end nothing": post(data(1, b"abc"), headers(1, [("x-a", MARK)], False)),
}

# In order, and written anew. What arrives: the method, target, and body; a field that must be there, one that must not.
FORWARDED = {
    "te: trailers": (with_field("te", "trailers"), (b"GET", b"/case", b""), None, "connection"),
    "crumbs of cookies": (headers(1, get("/case", ("cookie", "a=1"), ("cookie", "b=2"))), (b"GET", b"/case", b""),
                          ("cookie", "a=1; b=2"), None),
    "host and authority alike": (with_field("host", "A.test"), (b"GET", b"/case", b""), ("host", "a.test"), ":authority"),
    "a body with its length": (post(data(1, b"abc", True), fields=[("content-length", "3")]),
                               (b"POST", b"/case", b"abc"), ("content-length", "3"), "transfer-encoding"),
    "a body that looks like a request": (post(data(1, SMUGGLED.encode(), True)), (b"POST", b"/case", SMUGGLED.encode()),
                                         None, None),
    "a body that looks like chunks": (post(data(1, b"0\r\n\r\n" + SMUGGLED.encode(), True)),
                                      (b"POST", b"/case", b"0\r\n\r\n" + SMUGGLED.encode()), None, None),
}


class InjectionTest(EdgeTest):

    def setUp(self):
        super().setUp()
        self.upstream = self.serve(Recorder())
        self.gateway = self.start(self.upstream.port)

    def send(self, frames):
        """The client's stream, and the requests that the upstream has got of a case, when one behind it was served."""
        before = [len(mine) for mine in self.upstream.received]
        client, other = Client(self.gateway.port), Client(self.gateway.port)
        client.send(frames)
        self.assertTrue(client.wait(lambda: client.over(1) or client.goaways), "no answer")
        self.assertEqual(other.ask("/after").body, b"/after")
        client.close()
        other.close()
        before += [0] * (len(self.upstream.received) - len(before))
        requests = []
        for mine, seen in zip(self.upstream.received, before):
            requests += parse(bytes(mine)[seen:])
        self.assertEqual(len([request for request in requests if request["target"] == b"/after"]), 1)
        return client.stream(1), [request for request in requests if request["target"] != b"/after"]

    def each(self, cases, check):
        for name, case in cases.items():
            with self.subTest(name):
                check(case)

    def test_what_http1_cannot_say_goes_no_further(self):
        def check(frames):
            stream, requests = self.send(frames)
            self.assertTrue(stream.reset is not None or stream[":status"] in ("400", "501"), vars(stream))
            self.assertEqual(requests, [])
        self.each(REFUSED, check)

    def test_what_turns_out_wrong_is_never_whole(self):
        def check(frames):
            stream, requests = self.send(frames)
            self.assertTrue(stream.reset is not None or stream[":status"] == "400", vars(stream))
            self.assertLessEqual(len(requests), 1)
            for request in requests:
                self.assertFalse(request["whole"], request)
                self.assertNotIn(MARK.encode(), request.get("body", b""))
        self.each(CUT_OFF, check)

    def test_what_is_in_order_arrives_once(self):
        def check(case):
            frames, arrives, there, absent = case
            stream, requests = self.send(frames)
            self.assertEqual(stream[":status"], "200")
            self.assertEqual([(r["method"], r["target"], r["body"]) for r in requests], [arrives])
            fields = requests[0]["fields"]
            if there:
                self.assertEqual(fields.get(there[0].encode()), there[1].encode())
            self.assertNotIn((absent or "").encode(), fields)
        self.each(FORWARDED, check)


if __name__ == "__main__":
    unittest.main()
