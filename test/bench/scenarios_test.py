"""Runs the scenarios over TLS and HTTP/2 for a moment each, with Narthex alone: every answer must be right."""
import os
import tempfile
import types
import unittest

import scenarios
import subjects
import tables

MOMENT = types.SimpleNamespace(seconds=0.2, rounds=1, connections=8)


class ScenariosTest(unittest.TestCase):
    def check(self, name):
        cores = sorted(os.sched_getaffinity(0))
        with tempfile.TemporaryDirectory(dir=os.environ.get("TEST_TMPDIR")) as folder:
            bench = scenarios.Bench(folder, cores[0], cores[-1], MOMENT)
            try:
                (label, figures), = bench.run(name, ["narthex"])
            finally:
                bench.close()
        self.assertEqual(0, figures["errors"], figures)
        self.assertGreater(figures["us"], 0)
        self.assertEqual("" if name == "grpc" else "TLSv1.3 TLS_AES_128_GCM_SHA256 X25519", figures["agreed"])
        self.assertIn(label, tables.TABLES[name]([(label, figures)]))

    def test_http2_over_tls(self):
        self.check("h2tls")

    def test_http1_over_tls(self):
        self.check("h1tls")

    def test_full_handshakes(self):
        self.check("handshake")

    def test_resumed_handshakes(self):
        self.check("resume")

    def test_grpc(self):
        self.check("grpc")

    def test_large_bodies_over_tls(self):
        self.check("bulktls")

    def test_every_scenario_has_its_table(self):
        self.assertEqual(set(subjects.NAMES), set(tables.TABLES))
        self.assertEqual(set(subjects.NAMES), set(tables.TITLES))


if __name__ == "__main__":
    unittest.main()
