"""The real binary's TLS as a scanner sees it, which tries what nobody should be able to do."""

import os
import re
import signal
import ssl
import struct
import subprocess
import unittest

from smoke_test import until
from tls_kit import Handshake, REQUEST, ScanTest, careless, read_all
from tls_test import ACCESS_LOG, downstream

STRONG = {"ECDHE-%s-%s" % (key, cipher) for key in ("ECDSA", "RSA")
          for cipher in ("AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
# What an administrator could have made of OpenSSL's defaults.
PERMISSIVE = """openssl_conf = all
[all]
ssl_conf = ssl
[ssl]
system_default = defaults
[defaults]
MinProtocol = TLSv1
CipherString = ALL:COMPLEMENTOFALL:@SECLEVEL=0
Options = UnsafeLegacyRenegotiation
"""


def with_deflate(hello):
    """The same ClientHello, which offers to compress."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack_from(">H", hello, at)[0]
    body = hello[9:at] + b"\x02\x01\x00" + hello[at + 2:]
    return hello[:3] + struct.pack(">HBBH", len(body) + 4, 1, 0, len(body)) + body


class WeaknessTest(ScanTest):

    def start_permissive(self, *edits):
        with open(self.at("openssl.cnf"), "w") as out:
            out.write(PERMISSIVE)
        os.environ["OPENSSL_CONF"] = self.at("openssl.cnf")
        self.addCleanup(os.environ.pop, "OPENSSL_CONF")
        return self.start(*edits)

    def test_no_protocol_below_1_2(self):
        gateway = self.start_permissive(self.with_tls())
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.assertRaisesRegex(ssl.SSLError, "PROTOCOL_VERSION"):
                self.shake(gateway, careless(version, "ALL"))
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            self.assertTrue(self.accepts(gateway, careless(version)))

    def test_no_weak_cipher(self):
        rsa = self.authority.issue("rsa", ["a.test"], key=("rsa:2048",))
        gateway = self.start_permissive(self.with_tls(), (
            "private_key: {filename: %s}}" % self.key, "private_key: {filename: %s}}, {certificate_chain: {filename: %s}, "
            "private_key: {filename: %s}}" % (self.key, *rsa)))
        listed = subprocess.run(["openssl", "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0"],
                                stdout=subprocess.PIPE, check=True).stdout.decode().strip().split(":")
        ciphers = [name for name in listed if not name.startswith("TLS_")]
        # Also with these a client can be built that wants nothing else.
        for kind in ("NULL-SHA256", "AES128-SHA", "ECDHE-RSA-AES128-SHA", "AES128-GCM-SHA256"):
            self.assertIn(kind, ciphers)
        taken = {name for name in ciphers if self.accepts(gateway, careless(ssl.TLSVersion.TLSv1_2, name))}
        self.assertEqual(taken, STRONG)

    def test_no_renegotiation(self):
        gateway = self.start_permissive(self.with_tls())
        said = self.s_client(gateway, "-tls1_2", lines=[b"R\n"])
        self.assertIn("RENEGOTIATING", said)
        self.assertIn("no renegotiation", said)
        self.still_serves(gateway)

    def test_no_compression(self):
        gateway = self.start_permissive(self.with_tls())
        client = self.plain(gateway)
        client.sendall(with_deflate(Handshake(ssl.TLSVersion.TLSv1_2).hello))
        hello = client.recv(65536)
        self.assertEqual((hello[0], hello[5]), (22, 2), "a ServerHello")
        compression = 5 + 4 + 2 + 32
        compression += 1 + hello[compression] + 2
        self.assertEqual(hello[compression], 0)

    def test_no_early_data(self):
        gateway = self.start(self.with_tls())
        said = self.s_client(gateway, "-tls1_3", lines=[b"GET / HTTP/1.1\n", b"host: a.test\n", b"connection: close\n", b"\n"])
        self.assertIn("Max Early Data: 0", said)
        self.assertNotRegex(said, "Max Early Data: [1-9]")

    def test_key_updates_are_bounded(self):
        gateway = self.start(self.with_tls())
        ask = [b"GET / HTTP/1.1\n", b"host: a.test\n", b"connection: close\n", b"\n"]
        self.assertIn("200 OK", self.s_client(gateway, "-tls1_3", "-crlf", lines=[b"k\n"] * 8 + ask, pause_s=0.02))
        said = self.s_client(gateway, "-tls1_3", "-crlf", lines=[b"k\n"] * 60 + ask, pause_s=0.02)
        self.assertIn("KEYUPDATE", said)
        self.assertNotIn("200 OK", said)
        self.still_serves(gateway)


class SessionTest(ScanTest):

    def two_hosts(self):
        """a.test for everybody, b.test for clients with a certificate."""
        with open(os.environ["CONFIGURATION"]) as source:
            filters = re.search(r"    - (filters:\n.*?)\n\n", source.read(), re.S).group(1)
        strict = downstream(*self.authority.issue("b", ["b.test"]), ", require_client_certificate: true",
                            ", validation_context: {trusted_ca: {filename: %s}}" % self.authority.certificate)
        chains = "".join("    - filter_chain_match: {server_names: [%s]}\n      %s\n      %s\n" % (name, transport, filters)
                         for name, transport in (("a.test", downstream(self.certificate, self.key)), ("b.test", strict)))
        return self.start(("    - " + filters + "\n", chains), self.inspect())

    def session_of(self, gateway, context, name="a.test"):
        with self.shake(gateway, context, name) as client:
            client.sendall(REQUEST)
            self.assertIn(b"200 OK", read_all(client))
            return client.session

    def resumed(self, gateway, context, session, name="a.test"):
        """Whether the session is taken, and what a request on it gets."""
        try:
            with self.shake(gateway, context, name, session) as client:
                client.sendall(REQUEST)
                return client.session_reused, read_all(client)
        except (ssl.SSLError, ConnectionError):
            return False, b""

    def test_a_session_of_one_host_opens_no_other(self):
        gateway = self.two_hosts()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            context = careless(version)
            session = self.session_of(gateway, context)
            self.assertEqual(self.resumed(gateway, context, session, "b.test"), (False, b""), version)
            reused, answer = self.resumed(gateway, context, self.session_of(gateway, context))
            self.assertTrue(reused and b"200 OK" in answer, "the host's own")
            # Nor the other way.
            context.load_cert_chain(*self.authority.issue("client", ["client.test"]))
            session = self.session_of(gateway, context, "b.test")
            self.assertFalse(self.resumed(gateway, context, session)[0], version)

    def test_a_session_does_not_outlive_the_demand_for_a_certificate(self):
        optional = ", validation_context: {trusted_ca: {filename: %s}}" % self.authority.certificate
        log = ("          stat_prefix: main\n", "          stat_prefix: main\n          " + ACCESS_LOG % (
            self.at("rq.log"), "%DOWNSTREAM_PEER_SUBJECT%") + "\n")
        gateway = self.start(self.with_tls(common=optional), log)
        contexts = [careless(version) for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)]
        sessions = [self.session_of(gateway, context) for context in contexts]
        self.assertTrue(self.resumed(gateway, contexts[0], sessions[0])[0])
        before = gateway.stat("server.config_update_success")
        gateway.edits = [self.with_tls(", require_client_certificate: true", optional), log]
        gateway.write(self.upstream.server_port)
        gateway.process.send_signal(signal.SIGHUP)
        until(lambda: gateway.stat("server.config_update_success") > before, "the reload")
        for context, session in zip(contexts, sessions):
            self.assertEqual(self.resumed(gateway, context, session), (False, b""))
        # With one, who the client is stays known.
        for context in contexts:
            context.load_cert_chain(*self.authority.issue("client", ["client.test"]))
            session = self.session_of(gateway, context)
            self.assertTrue(self.resumed(gateway, context, session)[0])
        self.assertEqual(self.lines(self.at("rq.log"), 7)[-4:], ["CN=client.test"] * 4)


if __name__ == "__main__":
    unittest.main()
