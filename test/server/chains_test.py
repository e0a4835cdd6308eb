"""Connections of several filter chains over reloads: each stays with what was decided when it was accepted."""

import socket
import ssl
import unittest

from smoke_test import LIMIT_S, until
from tcp_proxy_kit import cluster, INSPECTOR, NETWORK, TcpGateway
from tls_test import downstream, EdgeTest


def says(text):
    """The filters of a chain that answers with this."""
    return ("filters: [{name: hcm, typed_config: {'@type': %shttp_connection_manager.v3.HttpConnectionManager, stat_prefix: "
            "h, route_config: {virtual_hosts: [{name: v, domains: ['*'], routes: [{match: {prefix: /}, direct_response: "
            "{status: 200, body: {inline_string: %s}}}]}]}, http_filters: [{name: router, typed_config: {'@type': "
            "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router}}]}}]" % (NETWORK, text))


class ChainsTest(EdgeTest):

    def setUp(self):
        super().setUp()
        self.certificate, self.key = self.authority.issue("server", ["a.test", "partners.test"])
        self.partner = self.authority.issue("partner", ["partner.test"])

    def public(self, text="public", more=""):
        return more + downstream(self.certificate, self.key) + ", " + says(text)

    def mutual(self, text, more=""):
        """Of clients with a certificate only."""
        return more + downstream(
            self.certificate, self.key, ", require_client_certificate: true",
            ", validation_context: {trusted_ca: {filename: %s}}" % self.authority.certificate) + ", " + says(text)

    def partners(self, more=""):
        return self.mutual("partners-only", more + "filter_chain_match: {server_names: [partners.test]}, ")

    def run_chains(self, *chains, more=""):
        gateway = TcpGateway(self.folder, list(chains), cluster("service", 1), "--concurrency", "1",
                             more=INSPECTOR + more)
        self.addCleanup(gateway.end)
        return gateway

    @staticmethod
    def reload(gateway, *chains):
        gateway.chains = list(chains)
        gateway.reload()

    @staticmethod
    def get(client):
        """The body of the answer on a connection that may go on, and whether it may."""
        client.sendall(b"GET / HTTP/1.1\r\nhost: a.test\r\n\r\n")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            piece = client.recv(1)
            if not piece:
                raise AssertionError("closed within %r" % head)
            head += piece
        size = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))[15:])
        body = b""
        while len(body) < size:
            body += client.recv(size - len(body))
        return body.decode(), b"connection: close" not in head

    def assert_refused(self, gateway, name):
        with self.assertRaises((ssl.SSLError, ConnectionError)):
            if not self.ask(self.connect(gateway.port, name)):
                raise ConnectionError

    def test_a_name_that_two_chains_have_joins_nothing(self):
        for chains, more in (
                ((self.partners("name: edge, "), self.public(more="name: edge, ")), ""),
                ((self.partners("name: default, "),), "\n    default_filter_chain: {%s}" % self.public())):
            gateway = self.run_chains(*chains, more=more)
            partner = self.connect(gateway.port, "partners.test", self.partner)
            self.assertEqual(self.get(partner), ("partners-only", True))
            self.assertEqual(self.get(self.connect(gateway.port)), ("public", True))
            self.assertEqual(self.get(partner), ("partners-only", True))
            gateway.end()

    def test_a_chain_in_front_takes_no_connection_from_another(self):
        gateway = self.run_chains(self.public())
        stranger = self.connect(gateway.port)
        self.assertEqual(self.get(stranger), ("public", True))
        self.reload(gateway, self.partners(), self.public("still-public"))
        self.assertEqual(self.get(stranger), ("still-public", True))
        self.assert_refused(gateway, "partners.test")
        self.reload(gateway, self.partners())
        self.assertEqual(self.get(stranger), ("still-public", False))
        self.assertEqual(stranger.recv(1), b"")

    def test_whom_a_certificate_was_not_asked_of_sees_nothing_for_which_it_is(self):
        gateway = self.run_chains(self.public("before"))
        old = self.connect(gateway.port)
        self.assertEqual(self.get(old), ("before", True))
        # Has sent nothing yet, and begins TLS behind the reload.
        arriving = socket.create_connection(("127.0.0.1", gateway.port), LIMIT_S)
        self.addCleanup(arriving.close)
        until(lambda: gateway.stat("listener.127.0.0.1_0.downstream_pre_cx_active") == 1, "its arrival")
        self.reload(gateway, self.mutual("behind"))
        self.assertEqual(self.get(old), ("before", False))
        context = ssl.create_default_context(cafile=self.authority.certificate)
        late = context.wrap_socket(arriving, server_hostname="a.test")
        self.addCleanup(late.close)
        self.assertEqual(self.get(late), ("before", False))
        self.assert_refused(gateway, "a.test")
        self.assertEqual(self.get(self.connect(gateway.port, certificate=self.partner)), ("behind", True))

    def test_files_that_change_part_nobody_from_the_configuration(self):
        gateway = self.run_chains(self.public("before"))
        client = self.connect(gateway.port)
        self.assertEqual(self.get(client), ("before", True))
        self.authority.issue("next", ["b.test"], into="server")
        until(lambda: self.served_name(gateway, "b.test"), "the new certificate")
        self.reload(gateway, self.public("after"))
        self.assertEqual(self.get(client), ("after", True))

    def served_name(self, gateway, name):
        try:
            return self.connect(gateway.port, name) is not None
        except (ssl.SSLError, ConnectionError):
            return False


if __name__ == "__main__":
    unittest.main()
