"""The real binary at the edge: TLS on both sides, certificates that change, the choice of chains, the PROXY protocol."""

import json
import os
import re
import socket
import ssl
import struct
import subprocess
import tempfile
import unittest

from smoke_test import Gateway, LIMIT_S, Upstream, until

CONTEXT = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3."
FILTER = "type.googleapis.com/envoy.extensions.filters.listener."
ACCESS_LOG = ('access_log: [{name: file, typed_config: {"@type": type.googleapis.com/'
              'envoy.extensions.access_loggers.file.v3.FileAccessLog, path: %s, log_format: '
              '{text_format_source: {inline_string: "%s\\n"}}}}]')


class Authority:
    """Signs certificates, below a folder; made by the openssl command."""

    def __init__(self, folder, name="ca"):
        self.folder, self.name = folder, name
        self.run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
                 "-subj", "/CN=" + name, "-keyout", self.at(name + ".key"), "-out", self.at(name + ".pem"))
        self.certificate = self.at(name + ".pem")

    def at(self, name):
        return os.path.join(self.folder, name)

    @staticmethod
    def run(*words):
        subprocess.run(["openssl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def issue(self, file, names, into=None, key=("ec", "-pkeyopt", "ec_paramgen_curve:P-256"), extension=None):
        """FILE.pem and FILE.key for these DNS names, the first being the common name, moved into place as a pair."""
        into = into or file
        extensions = self.at(file + ".ext")
        with open(extensions, "w") as out:
            out.write(extension or "subjectAltName=" + ",".join("DNS:" + name for name in names) + "\n")
        self.run("req", "-newkey", *key, "-nodes", "-subj", "/CN=" + names[0], "-keyout",
                 self.at(file + ".newkey"), "-out", self.at(file + ".csr"))
        self.run("x509", "-req", "-in", self.at(file + ".csr"), "-CA", self.certificate, "-CAkey",
                 self.at(self.name + ".key"), "-CAcreateserial", "-days", "10", "-extfile", extensions,
                 "-out", self.at(file + ".newpem"))
        os.rename(self.at(file + ".newkey"), self.at(into + ".key"))
        os.rename(self.at(file + ".newpem"), self.at(into + ".pem"))
        return self.at(into + ".pem"), self.at(into + ".key")


def downstream(certificate, key, more="", common=""):
    """A chain's transport socket; `more` goes into its context, `common` into the part that both sides have."""
    return ('transport_socket: {name: tls, typed_config: {"@type": %sDownstreamTlsContext, common_tls_context: '
            '{tls_certificates: [{certificate_chain: {filename: %s}, private_key: {filename: %s}}]%s}%s}}' %
            (CONTEXT, certificate, key, common, more))


class TlsUpstream(Upstream):
    """The same over TLS."""

    def __init__(self, name, certificate, key):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.context = context
        super().__init__(name)

    def get_request(self):
        client, address = self.socket.accept()
        return self.context.wrap_socket(client, server_side=True, do_handshake_on_connect=False), address


class EdgeTest(unittest.TestCase):

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.upstream = self.serve(Upstream("first"))
        self.authority = Authority(self.folder)
        self.certificate, self.key = self.authority.issue("server", ["a.test"])

    def serve(self, upstream):
        self.addCleanup(upstream.server_close)
        self.addCleanup(upstream.shutdown)
        return upstream

    def start(self, *edits, port=None):
        gateway = Gateway(self.folder, port or self.upstream.server_port, edits=list(edits))
        self.addCleanup(gateway.end)
        return gateway

    def at(self, name):
        return os.path.join(self.folder, name)

    def with_tls(self, more="", common=""):
        return ("    - filters:", "    - " + downstream(self.certificate, self.key, more, common) + "\n      filters:")

    def connect(self, port, name="a.test", certificate=None):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        if certificate:
            context.load_cert_chain(*certificate)
        plain = socket.create_connection(("127.0.0.1", port), LIMIT_S)
        self.addCleanup(plain.close)
        client = context.wrap_socket(plain, server_hostname=name)
        self.addCleanup(client.close)
        return client

    @staticmethod
    def ask(client, host="a.test"):
        client.sendall(b"GET / HTTP/1.1\r\nhost: " + host.encode() + b"\r\nconnection: close\r\n\r\n")
        answer = b""
        while piece := client.recv(65536):
            answer += piece
        return answer.decode()

    def lines(self, path, count):
        def read():
            with open(path) as log:
                lines = log.read().splitlines()
            return lines if len(lines) >= count else None
        until(lambda: os.path.exists(path), "the access log")
        return until(read, "%d lines of %s" % (count, path))


class TlsTest(EdgeTest):

    def test_serves_https(self):
        gateway = self.start(self.with_tls())
        client = self.connect(gateway.port)
        self.assertEqual(client.version(), "TLSv1.3")
        answer = self.ask(client)
        self.assertTrue(answer.startswith("HTTP/1.1 200 OK\r\n"), answer)
        self.assertTrue(answer.endswith("first"), answer)
        self.assertEqual(self.upstream.headers["x-forwarded-proto"], "https")
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.handshake"), 1)
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.versions.TLSv1.3"), 1)

    def curl(self, *words):
        done = subprocess.run(["curl", "--silent", "--show-error", "--max-time", str(LIMIT_S), "--cacert",
                               self.authority.certificate, "--write-out", " %{http_version}", *words],
                              stdout=subprocess.PIPE, check=True)
        return done.stdout.decode()

    def test_speaks_http2_where_the_client_chooses_it(self):
        gateway = self.start(self.with_tls(common=", alpn_protocols: [h2, http/1.1]"))
        url, resolve = "https://a.test:%d/" % gateway.port, "a.test:%d:127.0.0.1" % gateway.port
        self.assertEqual(self.curl("--http2", "--resolve", resolve, url), "first 2")
        self.assertEqual(self.curl("--http1.1", "--resolve", resolve, url), "first 1.1")
        self.assertEqual(gateway.stat("http.main.downstream_cx_http2_total"), 1)
        self.assertEqual(gateway.stat("http.main.downstream_cx_http1_total"), 1)

    def test_speaks_http2_in_clear_text_where_configured(self):
        gateway = self.start(("          stat_prefix: main\n", "          stat_prefix: main\n          codec_type: HTTP2\n"))
        self.assertEqual(self.curl("--http2-prior-knowledge", "http://127.0.0.1:%d/" % gateway.port), "first 2")

    def test_what_is_no_handshake_is_closed_and_logged(self):
        path = self.at("cx.log")
        gateway = self.start(self.with_tls(), ("  - name: main\n", "  - name: main\n    " + ACCESS_LOG % (
            path, "%DOWNSTREAM_TRANSPORT_FAILURE_REASON%") + "\n"))
        with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as client:
            client.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
            client.settimeout(LIMIT_S)
            self.assertNotIn(b"HTTP/1.1 200", client.recv(4096))
        self.assertIn("TLS_error:", self.lines(path, 1)[0])
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.connection_error"), 1)
        until(lambda: gateway.stat("listener.127.0.0.1_0.downstream_pre_cx_active") == 0, "its end")

    def test_a_new_certificate_serves_without_a_reload(self):
        gateway = self.start(self.with_tls())
        before = gateway.stat("server.config_update_success")
        self.authority.issue("next", ["b.test"], into="server")
        other = Authority(self.folder, "other")

        def names():
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as plain:
                with context.wrap_socket(plain, server_hostname="b.test") as client:
                    return client.getpeercert(True)
        served = lambda: b"b.test" in names()
        until(served, "the new certificate")
        self.assertEqual(gateway.stat("server.config_update_success"), before)
        # A certificate that does not fit its key: the pair before it stays.
        os.rename(other.certificate, self.certificate)
        until(lambda: gateway.stat("listener.127.0.0.1_0.ssl.context_update_failed"), "the refusal")
        self.assertTrue(served())

    def test_clients_must_have_a_certificate_where_one_is_required(self):
        path = self.at("rq.log")
        gateway = self.start(
            self.with_tls(", require_client_certificate: true",
                          ", validation_context: {trusted_ca: {filename: %s}}" % self.authority.certificate),
            ("          stat_prefix: main\n", "          stat_prefix: main\n          " + ACCESS_LOG % (
                path, "%DOWNSTREAM_PEER_SUBJECT% %DOWNSTREAM_PEER_DNS_SAN% %DOWNSTREAM_TLS_VERSION%") + "\n"))
        self.assertIn("200 OK", self.ask(self.connect(
            gateway.port, certificate=self.authority.issue("client", ["client.test"]))))
        self.assertEqual(self.lines(path, 1), ["CN=client.test client.test TLSv1.3"])
        stranger = Authority(self.folder, "stranger").issue("strange", ["client.test"])
        for certificate in (None, stranger):
            with self.assertRaises((ssl.SSLError, ConnectionError)):
                if not self.ask(self.connect(gateway.port, certificate=certificate)):
                    raise ConnectionError
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.fail_verify_no_cert"), 1)
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.ssl.fail_verify_error"), 1)

    def test_the_server_name_chooses_the_chain(self):
        with open(os.environ["CONFIGURATION"]) as source:
            filters = re.search(r"    - (filters:\n.*?)\n\n", source.read(), re.S).group(1)

        def chain(name, pair, served):
            return ("    - filter_chain_match: {server_names: [%s]}\n      %s\n      %s" %
                    (name, downstream(*pair), filters.replace("route: {cluster: service}", served)))
        gateway = self.start(
            ("    - " + filters, chain("a.test", (self.certificate, self.key), "route: {cluster: service}") + "\n" +
             chain("b.test", self.authority.issue("b", ["b.test"]), "direct_response: {status: 418}")),
            ("    filter_chains:", "    listener_filters: [{name: tls, typed_config: {'@type': "
             "%stls_inspector.v3.TlsInspector}}]\n    filter_chains:" % FILTER))
        self.assertIn("200 OK", self.ask(self.connect(gateway.port)))
        self.assertIn("HTTP/1.1 418", self.ask(self.connect(gateway.port, "b.test"), "b.test"))
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            self.connect(gateway.port, "c.test")
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.no_filter_chain_match"), 1)
        self.assertEqual(gateway.stat("tls_inspector.sni_found"), 3)

    def test_keys_are_shown_nowhere(self):
        with open(self.key) as source:
            key = source.read()
        gateway = self.start(("    - filters:", "    - " + downstream(self.certificate, self.key).replace(
            "private_key: {filename: %s}" % self.key, "private_key: {inline_string: %s}" % json.dumps(key)) +
            "\n      filters:"))
        self.assertIn("200 OK", self.ask(self.connect(gateway.port)))
        secret = key.splitlines()[1]
        for page in ("/config_dump", "/certs", "/stats", "/listeners?format=json"):
            self.assertNotIn(secret, gateway.admin(page)[1], page)
        self.assertIn("[redacted]", gateway.admin("/config_dump")[1])
        certificates = json.loads(gateway.admin("/certs")[1])["certificates"]
        self.assertEqual(certificates[0]["cert_chain"][0]["subject_alt_names"], [{"dns": "a.test"}])
        self.assertIn(gateway.stat("server.days_until_first_cert_expiring"), (9, 10))

    def upstream_tls(self, more):
        return ("    connect_timeout: 1s\n", "    connect_timeout: 1s\n    transport_socket: {name: tls, typed_config: "
                "{'@type': %sUpstreamTlsContext, sni: a.test, common_tls_context: {%s}}}\n" % (CONTEXT, more))

    def test_speaks_tls_to_upstreams_that_it_trusts(self):
        upstream = self.serve(TlsUpstream("sealed", self.certificate, self.key))
        trusted = ("validation_context: {trusted_ca: {filename: %s}, match_typed_subject_alt_names: "
                   "[{san_type: DNS, matcher: {exact: %s}}]}")
        path = self.at("times.log")
        gateway = self.start(self.upstream_tls(trusted % (self.authority.certificate, "a.test")),
                             ("          stat_prefix: main\n", "          stat_prefix: main\n          " + ACCESS_LOG % (
                                 path, "%COMMON_DURATION(US_CX_END:US_HS_END:us)%") + "\n"), port=upstream.server_port)
        self.assertEqual(gateway.get(), (200, "sealed"))
        self.assertRegex(self.lines(path, 1)[0], r"^\d+$")
        self.assertEqual(gateway.stat("cluster.service.ssl.handshake"), 1)
        gateway.end()
        stranger = Authority(self.folder, "stranger")
        for authority, name, cause in ((stranger.certificate, "a.test", "fail_verify_error"),
                                       (self.authority.certificate, "b.test", "fail_verify_san")):
            path = self.at(cause)
            gateway = self.start(
                self.upstream_tls(trusted % (authority, name)), ("          stat_prefix: main\n",
                "          stat_prefix: main\n          " + ACCESS_LOG % (
                    path, "%RESPONSE_FLAGS% %UPSTREAM_TRANSPORT_FAILURE_REASON%") + "\n"), port=upstream.server_port)
            self.assertEqual(gateway.get()[0], 503)
            self.assertRegex(self.lines(path, 1)[0], "^UF .*TLS_error:_certificate_verify_failed")
            self.assertEqual(gateway.stat("cluster.service.ssl." + cause), 1)
            gateway.end()

    def test_verifies_upstreams_by_what_each_request_names(self):
        pair = self.authority.issue("both", ["b.test"], extension="subjectAltName=DNS:b.test,IP:10.1.2.3\n")
        upstream = self.serve(TlsUpstream("sealed", *pair))
        options = ("    connect_timeout: 1s\n", """    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        explicit_http_config: {http_protocol_options: {}}
        upstream_http_protocol_options: {%s}
""")
        trusted = self.upstream_tls("validation_context: {trusted_ca: {filename: %s}}" % self.authority.certificate)
        for settings in ("auto_san_validation: true", "auto_sni: true, auto_san_validation: true"):
            gateway = self.start(trusted, (options[0], options[1] % settings), port=upstream.server_port)
            for host, status in (("b.test", 200), ("B.test:8443", 200), ("10.1.2.3", 200), ("a.test", 503),
                                 ("10.1.2.4", 503), ("[::1]:80", 503)):
                with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as client:
                    self.assertIn("HTTP/1.1 %d " % status, self.ask(client, host), (settings, host))
            gateway.end()


class ProxyProtocolTest(EdgeTest):

    def start_with(self, more=""):
        self.log = self.at("rq.log")
        return self.start(
            ("    filter_chains:", "    listener_filters: [{name: proxy, typed_config: {'@type': "
             "%sproxy_protocol.v3.ProxyProtocol%s}}]\n    filter_chains:" % (FILTER, more)),
            ("          stat_prefix: main\n", "          stat_prefix: main\n          " + ACCESS_LOG % (
                self.log, "%DOWNSTREAM_REMOTE_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% "
                "%DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT%") + "\n"))

    def send(self, port, *pieces):
        with socket.create_connection(("127.0.0.1", port), LIMIT_S) as client:
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces:
                client.sendall(piece)
            try:
                return self.ask(client)
            except ConnectionError:
                return ""

    def test_the_address_of_the_header_is_the_clients(self):
        gateway = self.start_with()
        self.assertIn("200 OK", self.send(gateway.port, b"PROXY TCP4 192.0.2.1 198.51.100.7 4000 443\r\n"))
        second = b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + bytes([192, 0, 2, 2, 198, 51, 100, 7]) + \
            struct.pack(">HH", 5000, 443)
        # A byte at a time.
        self.assertIn("200 OK", self.send(gateway.port, *[second[i:i + 1] for i in range(len(second))]))
        self.assertIn("200 OK", self.send(gateway.port, b"PROXY UNKNOWN\r\n"))
        lines = self.lines(self.log, 3)
        self.assertEqual(lines[0], "192.0.2.1:4000 198.51.100.7:443 127.0.0.1")
        self.assertEqual(lines[1], "192.0.2.2:5000 198.51.100.7:443 127.0.0.1")
        self.assertTrue(lines[2].startswith("127.0.0.1:"), lines[2])
        self.assertEqual(gateway.stat("proxy_proto.versions.v1.found"), 2)
        self.assertEqual(gateway.stat("proxy_proto.versions.v2.found"), 1)

    def test_connections_without_a_good_header_are_closed(self):
        gateway = self.start_with(", disallowed_versions: [V2]")
        self.assertEqual(self.send(gateway.port), "")
        self.assertEqual(self.send(gateway.port, b"PROXY TCP4 192.0.2.1 198.51.100.7 4000 70000\r\n"), "")
        self.assertEqual(self.send(gateway.port, b"\r\n\r\n\0\r\nQUIT\n\x20\x00\0\0"), "")
        self.assertEqual(gateway.stat("proxy_proto.not_found_disallowed"), 1)
        self.assertEqual(gateway.stat("proxy_proto.versions.v1.error"), 1)
        self.assertEqual(gateway.stat("proxy_proto.versions.v2.disallowed"), 1)
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.downstream_listener_filter_error"), 3)

    def test_a_header_may_be_optional(self):
        gateway = self.start_with(", allow_requests_without_proxy_protocol: true")
        self.assertIn("200 OK", self.send(gateway.port))
        self.assertIn("200 OK", self.send(gateway.port, b"PROXY TCP4 192.0.2.1 198.51.100.7 4000 443\r\n"))
        self.assertEqual(gateway.stat("proxy_proto.not_found_allowed"), 1)

    def test_who_says_nothing_is_closed_in_time(self):
        gateway = self.start(
            ("    filter_chains:", "    listener_filters_timeout: 0.2s\n    listener_filters: [{name: proxy, typed_config: "
             "{'@type': %sproxy_protocol.v3.ProxyProtocol}}]\n    filter_chains:" % FILTER))
        with socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S) as client:
            client.sendall(b"PROXY TC")
            # What was never taken makes the close a reset.
            with self.assertRaises(ConnectionResetError):
                client.recv(1)
        self.assertEqual(gateway.stat("listener.127.0.0.1_0.downstream_pre_cx_timeout"), 1)


if __name__ == "__main__":
    unittest.main()
