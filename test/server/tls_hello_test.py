"""How the real binary's TLS takes a ClientHello: its name and protocols, its pieces, and the second one that it asks for."""

import ssl
import struct
import unittest

from tls_kit import Handshake, REQUEST, ScanTest, careless, read_all


def records(hello, size):
    """The handshake message of one record in records of `size` bytes each."""
    body = hello[5:]
    return b"".join(hello[:3] + struct.pack(">H", len(piece)) + piece
                    for piece in (body[i:i + size] for i in range(0, len(body), size)))


class HelloTest(ScanTest):

    def test_names_and_protocols_that_do_not_fit(self):
        gateway = self.start(self.with_tls(common=", alpn_protocols: [h2, http/1.1]"))
        context = careless()
        context.set_alpn_protocols(["spdy/1"])
        with self.shake(gateway, context, "other.test") as client:
            self.assertIsNone(client.selected_alpn_protocol())
            client.sendall(REQUEST)
            self.assertTrue(read_all(client).startswith(b"HTTP/1.1 200 OK"))
        gateway.end()
        gateway = self.start(self.with_tls(", require_sni: true"))
        # TLS 1.3's alert for a missing extension is not one of 1.2, and which of them it is has not been agreed on yet.
        for name, alert in (("other.test", "UNRECOGNIZED_NAME"), (None, "HANDSHAKE_FAILURE")):
            with self.assertRaisesRegex(ssl.SSLError, alert):
                self.shake(gateway, careless(), name)
        self.still_serves(gateway)

    def test_what_is_no_tls_gets_no_answer(self):
        gateway = self.start(self.with_tls())
        for bytes_sent in (REQUEST, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b"\x80\x2e\x01\x00\x02" + b"\0" * 43, b"\xff" * 64):
            client = self.plain(gateway)
            client.sendall(bytes_sent)
            answer = read_all(client)
            self.assertLess(len(answer), 8, "an alert or nothing")
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.connection_error"), 4)

    def test_a_client_hello_in_pieces(self):
        for edits in ((self.with_tls(),), (self.with_tls(), self.inspect())):
            gateway = self.start(*edits)
            for size in (1, 7, 100):
                handshake, client = Handshake(), self.plain(gateway)
                client.sendall(records(handshake.hello, size))
                handshake.go_on(client, handshake.tls.do_handshake)
                handshake.tls.write(REQUEST)
                self.assertIn(b"200 OK", handshake.go_on(client, lambda: handshake.tls.read(65536)))
            gateway.end()

    def test_change_cipher_spec_comes_in_its_time(self):
        gateway = self.start(self.with_tls())
        early = b"\x14\x03\x03\x00\x01\x01"
        hello = Handshake(ssl.TLSVersion.TLSv1_2).hello
        for bytes_sent in (early + hello, hello + early, hello + early * 40):
            client = self.plain(gateway)
            client.sendall(bytes_sent)
            # The last that it says is an alert: fatal, an unexpected message.
            self.assertEqual(read_all(client)[-2:], b"\x02\x0a")
        self.still_serves(gateway)

    def test_a_second_hello(self):
        for edits in ((), (self.inspect(),)):
            gateway = self.start(self.with_tls(common=", tls_params: {ecdh_curves: [P-256]}"), *edits)
            # Its share is of a curve that the server does not take, so that it is asked for another.
            for client in (["-groups", "P-521:P-256"], []):
                said = self.s_client(gateway, "-tls1_3", *client)
                self.assertIn("New, TLSv1.3", said)
                self.assertRegex(said, "Server Temp Key: ECDH, (P-256|prime256v1)")
                self.assertIn("subject=CN = a.test", said)
            with self.shake(gateway, careless(ssl.TLSVersion.TLSv1_3)) as client:
                client.sendall(REQUEST)
                self.assertIn(b"200 OK", read_all(client))
            self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.connection_error"), 0)
            gateway.end()


if __name__ == "__main__":
    unittest.main()
