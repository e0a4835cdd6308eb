"""The real binary's certificates and keys: what is shown of them, what is taken of upstreams, OCSP responses."""

import base64
import json
import os
import socket
import subprocess
import unittest

from smoke_test import Gateway, LIMIT_S, until
from tls_test import Authority, CONTEXT, EdgeTest, TlsUpstream, downstream

FORGED = b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"


class Injecting(TlsUpstream):
    """Says something in clear text first, as one on the way would who cannot break TLS; then speaks TLS."""

    def get_request(self):
        client, address = self.socket.accept()
        client.sendall(FORGED)
        return self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), address


class SecretsTest(EdgeTest):

    def upstream_tls(self, more):
        return ("    connect_timeout: 1s\n", "    connect_timeout: 1s\n    transport_socket: {name: tls, typed_config: "
                "{'@type': %sUpstreamTlsContext, sni: a.test, common_tls_context: {validation_context: {trusted_ca: "
                "{filename: %s}, match_typed_subject_alt_names: [{san_type: DNS, matcher: {exact: a.test}}]}%s}}}\n" %
                (CONTEXT, self.authority.certificate, more))

    def test_clear_text_before_the_handshake_is_no_answer(self):
        upstream = self.serve(Injecting("sealed", self.certificate, self.key))
        gateway = self.start(self.upstream_tls(""), port=upstream.server_port)
        status, body = gateway.get()
        self.assertEqual(status, 503)
        self.assertNotIn("forged", body)
        self.assertEqual(gateway.stat("cluster.service.ssl.handshake"), 0)
        self.assertGreaterEqual(gateway.stat("cluster.service.ssl.connection_error"), 1)

    def test_a_name_with_a_nul_is_no_name(self):
        name = b"a.test\0.evil.test"
        san = b"\x30" + bytes([len(name) + 2]) + b"\x82" + bytes([len(name)]) + name
        pair = self.authority.issue("nul", ["nul"], extension="subjectAltName=DER:" + san.hex(":") + "\n")
        upstream = self.serve(TlsUpstream("sealed", *pair))
        gateway = self.start(self.upstream_tls(""), port=upstream.server_port)
        self.assertEqual(gateway.get()[0], 503)
        self.assertGreaterEqual(gateway.stat("cluster.service.ssl.fail_verify_san"), 1)

    def secret_config(self):
        """Everything secret that can be written inline, and the words that must be seen nowhere."""
        sealed = self.at("sealed.key")
        Authority.run("pkcs8", "-topk8", "-in", self.key, "-out", sealed, "-passout", "pass:opensesame")
        bundle = self.at("pair.p12")
        Authority.run("pkcs12", "-export", "-in", self.certificate, "-inkey", self.key, "-out", bundle, "-passout",
                      "pass:opensesame")
        with open(sealed) as source:
            key = source.read()
        with open(bundle, "rb") as source:
            pkcs12 = base64.b64encode(source.read()).decode()
        tickets = os.urandom(80)
        password = "password: {inline_string: opensesame}"
        text = ('transport_socket: {name: tls, typed_config: {"@type": %sDownstreamTlsContext, session_ticket_keys: '
                '{keys: [{inline_bytes: "%s"}]}, common_tls_context: {tls_certificates: [{certificate_chain: '
                '{filename: %s}, private_key: {inline_string: %s}, %s}, {pkcs12: {inline_bytes: "%s"}, %s}]}}}' %
                (CONTEXT, base64.b64encode(tickets).decode(), self.certificate, json.dumps(key), password, pkcs12, password))
        with open(self.key) as source:
            plain = source.read()
        words = ["opensesame", base64.b64encode(tickets).decode()[:40], tickets.hex()[:40], pkcs12[:40], pkcs12[200:240]]
        words += [line for pem in (key, plain) for line in pem.splitlines() if not line.startswith("-")]
        return ("    - filters:", "    - " + text + "\n      filters:"), words

    def test_secrets_are_neither_shown_nor_logged(self):
        edit, words = self.secret_config()
        gateway = Gateway(self.folder, self.upstream.server_port, "--log-level", "trace", edits=[edit])
        self.addCleanup(gateway.end)
        self.assertIn("200 OK", self.ask(self.connect(gateway.port)))
        with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            client.recv(4096)
        # What is broken is spoken of as well.
        os.rename(Authority(self.folder, "other").certificate, self.certificate)
        until(lambda: gateway.stat("listener.127.0.0.1_0.ssl.context_update_failed"), "the refusal")
        seen = {page: gateway.admin(page)[1] for page in (
            "/config_dump", "/config_dump?include_eds", "/certs", "/stats", "/listeners?format=json", "/clusters",
            "/server_info")}
        checked = subprocess.run([os.environ["NARTHEX"], "check", "-c", gateway.file], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
        seen["check"] = checked.stdout.decode()
        self.assertIn("does not fit", seen["check"])
        gateway.log.flush()
        with open(os.path.join(self.folder, "log")) as log:
            seen["log"] = log.read()
        self.assertIn("does not fit", seen["log"])
        self.assertIn("[redacted]", seen["/config_dump"])
        for place, text in seen.items():
            for word in words:
                self.assertNotIn(word, text, place)

    def test_a_key_log_is_made_by_connections_alone(self):
        keys = self.at("keys.log")
        gateway = self.start(self.with_tls(common=", key_log: {path: %s}" % keys))
        checked = subprocess.run([os.environ["NARTHEX"], "check", "-c", gateway.file], stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT)
        self.assertIn("can read these connections", checked.stdout.decode())
        self.assertFalse(os.path.exists(keys), "check writes nothing")
        self.assertIn("200 OK", self.ask(self.connect(gateway.port)))
        with open(keys) as log:
            self.assertIn("TRAFFIC_SECRET_0", log.read())

    def staple(self, days):
        with open(self.at("index.txt"), "w") as index:
            serial = subprocess.run(["openssl", "x509", "-in", self.certificate, "-noout", "-serial"],
                                    stdout=subprocess.PIPE, check=True).stdout.decode().strip().partition("=")[2]
            index.write("V\t491231235959Z\t\t%s\tunknown\t/CN=a.test\n" % serial)
        ca, key = self.authority.certificate, self.at("ca.key")
        Authority.run("ocsp", "-index", self.at("index.txt"), "-rsigner", ca, "-rkey", key, "-CA", ca, "-issuer", ca,
                      "-cert", self.certificate, "-ndays", str(days), "-respout", self.at("staple.new"))
        os.rename(self.at("staple.new"), self.at("staple.der"))

    def stapled(self, gateway):
        done = subprocess.run(["openssl", "s_client", "-connect", "127.0.0.1:%d" % gateway.port, "-servername", "a.test",
                               "-status"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.decode(errors="replace")

    def test_staples_and_takes_a_new_response(self):
        self.staple(days=2)
        gateway = self.start(self.with_tls(", ocsp_staple_policy: MUST_STAPLE"), (
            "private_key: {filename: %s}" % self.key,
            "private_key: {filename: %s}, ocsp_staple: {filename: %s}" % (self.key, self.at("staple.der"))))
        said = self.stapled(gateway)
        self.assertIn("OCSP Response Status: successful", said)
        self.assertIn("Cert Status: good", said)
        left = gateway.stat("server.seconds_until_first_ocsp_response_expiring")
        self.assertTrue(86400 < left <= 2 * 86400, left)
        self.assertIn("ocsp_details", gateway.admin("/certs")[1])
        self.staple(days=5)
        until(lambda: gateway.stat("server.seconds_until_first_ocsp_response_expiring") > 4 * 86400, "the new response")
        self.assertIn("Cert Status: good", self.stapled(gateway))
        # One that is nothing: the old one stays.
        with open(self.at("staple.new"), "w") as out:
            out.write("nothing")
        os.rename(self.at("staple.new"), self.at("staple.der"))
        until(lambda: gateway.stat("listener.127.0.0.1_0.ssl.context_update_failed"), "the refusal")
        self.assertIn("Cert Status: good", self.stapled(gateway))
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.ocsp_staple_responses"), 3)


if __name__ == "__main__":
    unittest.main()
