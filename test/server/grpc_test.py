"""Real gRPC clients and servers with the gateway between them: every kind of call, in clear text and over TLS on each side."""

import os
import queue
import tempfile
import threading
import time
import unittest
from concurrent import futures

import grpc

from smoke_test import Gateway, LIMIT_S, until
from tls_test import Authority, downstream, CONTEXT

SERVICE = "test.Echo"
HTTP2 = """    connect_timeout: 1s
    typed_extension_protocol_options:
      envoy.extensions.upstreams.http.v3.HttpProtocolOptions:
        "@type": type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions
        %s"""
EXPLICIT = "explicit_http_config: {http2_protocol_options: {}}"
AUTO = "auto_config: {http2_protocol_options: {}}"
# Limits of ours that have nothing to do with what is tested.
OPTIONS = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1), ("grpc.enable_http_proxy", 0)]
MIB = 1 << 20


class Echo(grpc.GenericRpcHandler):
    """Calls by their names. What they have met is noted for the test."""

    def __init__(self):
        self.cancelled = threading.Event()
        self.deadlines = []
        self.metadata = {}

    def service(self, call):
        name = call.method.rpartition("/")[2]
        self.metadata = dict(call.invocation_metadata)
        make, behaviour = {
            "Unary": (grpc.unary_unary_rpc_method_handler, self.unary),
            "Fail": (grpc.unary_unary_rpc_method_handler, self.fail),
            "Wait": (grpc.unary_unary_rpc_method_handler, self.wait),
            "Many": (grpc.unary_stream_rpc_method_handler, self.many),
            "Endless": (grpc.unary_stream_rpc_method_handler, self.endless),
            "Sum": (grpc.stream_unary_rpc_method_handler, self.sum),
            "Chat": (grpc.stream_stream_rpc_method_handler, self.chat),
        }.get(name, (None, None))
        return make and make(behaviour)

    def unary(self, request, context):
        context.set_trailing_metadata((("x-trailer", "yes"), ("x-data-bin", b"\0\1\2")))
        return request

    def fail(self, _, context):
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "no: 100% größer")

    def wait(self, request, context):
        self.deadlines.append(context.time_remaining())
        context.add_callback(self.cancelled.set)
        self.cancelled.wait(LIMIT_S)
        return request

    def many(self, request, _):
        for number in range(int(request)):
            yield b"%d" % number

    def endless(self, _, context):
        context.add_callback(self.cancelled.set)
        while context.is_active():
            yield b"tick"
            time.sleep(0.01)

    def sum(self, requests, _):
        return b"%d" % sum(len(request) for request in requests)

    def chat(self, requests, _):
        for request in requests:
            yield request


class Server:
    def __init__(self, credentials=None):
        self.echo = Echo()
        self.server = grpc.server(futures.ThreadPoolExecutor(16), options=OPTIONS)
        self.server.add_generic_rpc_handlers((self.echo,))
        if credentials:
            self.port = self.server.add_secure_port("127.0.0.1:0", credentials)
        else:
            self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()


def read(path):
    with open(path, "rb") as file:
        return file.read()


class GrpcCase(unittest.TestCase):
    secure_client = False
    secure_server = False

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        credentials = None
        if self.secure_client or self.secure_server:
            self.authority = Authority(self.folder)
            self.certificate, self.key = self.authority.issue("server", ["a.test"])
            credentials = grpc.ssl_server_credentials([(read(self.key), read(self.certificate))])
        self.server = Server(credentials if self.secure_server else None)
        self.addCleanup(lambda: self.server.server.stop(None).wait())
        self.log = os.path.join(self.folder, "access")
        self.gateway = Gateway(self.folder, self.server.port, edits=self.edits())
        self.addCleanup(self.gateway.end)
        self.channel = self.connect()
        self.addCleanup(self.channel.close)

    def edits(self):
        edits = [("    connect_timeout: 1s", HTTP2 % (AUTO if self.secure_server else EXPLICIT)),
                 ("stat_prefix: main",
                  "stat_prefix: main\n          access_log: [{name: file, typed_config: {\"@type\": type.googleapis.com/"
                  "envoy.extensions.access_loggers.file.v3.FileAccessLog, path: %s, log_format: {text_format_source: "
                  "{inline_string: \"%%REQ(:PATH)%% %%RESPONSE_CODE%% %%GRPC_STATUS%% %%RESPONSE_FLAGS%%\\n\"}}}}]" % self.log),
                 ("route: {cluster: service}", "route: {cluster: service, timeout: 0s, max_stream_duration: "
                                               "{grpc_timeout_header_max: 0s}}")]
        if self.secure_client:
            edits.append(("    - filters:", "    - " + downstream(self.certificate, self.key,
                                                                  common=", alpn_protocols: [h2]") + "\n      filters:"))
        if self.secure_server:
            edits.append(("    type: STATIC", '    type: STATIC\n    transport_socket: {name: tls, typed_config: {"@type": '
                          '%sUpstreamTlsContext, sni: a.test, common_tls_context: {validation_context: {trusted_ca: '
                          '{filename: %s}}}}}' % (CONTEXT, self.authority.certificate)))
        return edits

    def connect(self):
        target = "127.0.0.1:%d" % self.gateway.port
        if not self.secure_client:
            return grpc.insecure_channel(target, OPTIONS)
        credentials = grpc.ssl_channel_credentials(read(self.authority.certificate))
        return grpc.secure_channel(target, credentials, OPTIONS + [("grpc.ssl_target_name_override", "a.test")])

    def unary(self, name):
        return self.channel.unary_unary("/%s/%s" % (SERVICE, name))

    def logged(self, text):
        def found():
            if not os.path.exists(self.log):
                return False
            with open(self.log) as log:
                return text in log.read()
        until(found, "the line " + text)


class Matrix:
    """What holds however each side is spoken to."""

    def test_unary(self):
        answer, call = self.unary("Unary").with_call(b"hello", metadata=(("x-name", "value"),), timeout=LIMIT_S)
        self.assertEqual(answer, b"hello")
        self.assertEqual(dict(call.trailing_metadata()), {"x-trailer": "yes", "x-data-bin": b"\0\1\2"})
        self.assertEqual(self.server.echo.metadata["x-name"], "value")
        self.logged("/test.Echo/Unary 200 OK -")

    def test_a_status_with_its_message(self):
        with self.assertRaises(grpc.RpcError) as failed:
            self.unary("Fail")(b"", timeout=LIMIT_S)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.FAILED_PRECONDITION)
        self.assertEqual(failed.exception.details(), "no: 100% größer")
        self.logged("/test.Echo/Fail 200 FailedPrecondition -")

    def test_a_method_that_is_not_there(self):
        with self.assertRaises(grpc.RpcError) as failed:
            self.unary("Nothing")(b"", timeout=LIMIT_S)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_streams_of_each_kind(self):
        many = self.channel.unary_stream("/%s/Many" % SERVICE)(b"1000", timeout=LIMIT_S)
        self.assertEqual([int(number) for number in many], list(range(1000)))
        total = self.channel.stream_unary("/%s/Sum" % SERVICE)((b"x" * 1000 for _ in range(1000)), timeout=LIMIT_S)
        self.assertEqual(total, b"1000000")

    def test_both_directions_at_once(self):
        asked = queue.Queue()
        answers = self.channel.stream_stream("/%s/Chat" % SERVICE)(iter(asked.get, None), timeout=LIMIT_S)
        for number in range(200):
            asked.put(b"%d" % number)
            self.assertEqual(next(answers), b"%d" % number)
        asked.put(None)
        self.assertEqual(list(answers), [])

    def test_messages_of_a_hundred_mebibytes(self):
        piece = os.urandom(MIB)
        answers = self.channel.stream_stream("/%s/Chat" % SERVICE)((piece for _ in range(100)), timeout=6 * LIMIT_S)
        self.assertEqual(sum(answer == piece for answer in answers), 100)
        whole = os.urandom(20 * MIB)
        self.assertEqual(self.unary("Unary")(whole, timeout=3 * LIMIT_S), whole)

    def test_a_deadline_reaches_the_server_and_ends_the_call(self):
        with self.assertRaises(grpc.RpcError) as failed:
            self.unary("Wait")(b"", timeout=0.5)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)
        self.assertLessEqual(self.server.echo.deadlines[0], 0.6)
        self.assertTrue(self.server.echo.cancelled.wait(LIMIT_S))

    def test_a_cancelled_call_is_cancelled_at_the_server(self):
        call = self.channel.unary_stream("/%s/Endless" % SERVICE)(b"")
        self.assertEqual(next(call), b"tick")
        call.cancel()
        self.assertTrue(self.server.echo.cancelled.wait(LIMIT_S))
        until(lambda: self.gateway.stat("cluster.service.upstream_rq_active") == 0, "the end of the request")

    def test_many_calls_share_a_connection(self):
        calls = [self.unary("Unary").future(b"%d" % number, timeout=LIMIT_S) for number in range(200)]
        self.assertEqual([int(call.result()) for call in calls], list(range(200)))
        self.assertLessEqual(self.gateway.stat("cluster.service.upstream_cx_total"), 2)


class ClearText(Matrix, GrpcCase):
    pass


class SecureClient(Matrix, GrpcCase):
    secure_client = True


class SecureServer(Matrix, GrpcCase):
    secure_server = True


class SecureBoth(Matrix, GrpcCase):
    secure_client = secure_server = True


class ServerDeath(GrpcCase):

    def test_calls_fail_as_unavailable_and_work_again_when_it_is_back(self):
        call = self.channel.unary_stream("/%s/Endless" % SERVICE)(b"")
        self.assertEqual(next(call), b"tick")
        self.server.server.stop(None).wait()
        with self.assertRaises(grpc.RpcError) as failed:
            for _ in call:
                pass
        self.assertIn(failed.exception.code(), (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED))
        with self.assertRaises(grpc.RpcError) as failed:
            self.unary("Unary")(b"", timeout=LIMIT_S)
        self.assertEqual(failed.exception.code(), grpc.StatusCode.UNAVAILABLE)
        self.logged("/test.Echo/Unary 200 Unavailable UF")


if __name__ == "__main__":
    unittest.main()
