"""Runs the commands of the real binary that serve nothing."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

NARTHEX = os.environ["NARTHEX"]
CONFIGURATION = os.environ["CONFIGURATION"]
LIMIT_S = 20


class CommandTest(unittest.TestCase):

    def run_narthex(self, *arguments):
        return subprocess.run([NARTHEX, *arguments], capture_output=True, text=True, timeout=LIMIT_S)

    def test_exit_codes(self):
        self.assertEqual(self.run_narthex("check", "-c", CONFIGURATION).returncode, 0)
        self.assertEqual(self.run_narthex("check", "--config-yaml", "admin: {adress: x}").returncode, 1)
        self.assertEqual(self.run_narthex("--no-such-flag").returncode, 2)
        self.assertEqual(self.run_narthex("--help").returncode, 0)

    def test_wrong_usage_says_so_in_one_line_and_a_hint(self):
        wrong = self.run_narthex("--concurency", "1")
        self.assertEqual(wrong.stderr.splitlines()[0],
                         "narthex: unknown flag --concurency; did you mean --concurrency?")

    def test_check_says_everything_in_one_run_as_json(self):
        wrong = self.run_narthex("check", "--format", "json", "--config-yaml",
                                 "admin: {adress: 1}\nstatic_resources: {clustrs: []}")
        found = json.loads(wrong.stdout)
        self.assertEqual({row["suggestion"] for row in found}, {"address", "clusters"})

    def test_what_is_tolerated_is_so_in_files_of_routes_too(self):
        with tempfile.TemporaryDirectory() as folder:
            routes, gateway = os.path.join(folder, "routes.yaml"), os.path.join(folder, "gateway.yaml")
            with open(routes, "w") as out:
                out.write("resources:\n- '@type': type.googleapis.com/envoy.config.route.v3.RouteConfiguration\n"
                          "  name: main\n  vhds: {config_source: {}}\n  virtual_hosts:\n"
                          "  - {name: v, domains: ['*'], routes: [{match: {prefix: /}, route: {cluster: nowhere}}]}\n")
            with open(CONFIGURATION) as source:
                text = re.sub(r"route_config:\n.*?( +http_filters:)", "rds: {route_config_name: main, config_source: "
                              "{path_config_source: {path: %s}}}\n\\1" % routes, source.read(), flags=re.S)
            with open(gateway, "w") as out:
                out.write(text)
            refused = self.run_narthex("check", "-c", gateway)
            self.assertEqual(refused.returncode, 1)
            self.assertIn('field "vhds" exists in Envoy v3 but is not supported', refused.stdout + refused.stderr)
            taken = self.run_narthex("check", "-c", gateway, "--tolerate-unsupported")
            self.assertEqual(taken.returncode, 0, taken.stdout + taken.stderr)
            self.assertRegex(taken.stdout + taken.stderr, "routes.yaml:4:3: warning: .*vhds")
            # What `check` warns of in such a file it finds as well.
            self.assertIn('no cluster is called "nowhere"', taken.stdout + taken.stderr)

    def test_the_version_says_what_is_served(self):
        self.assertIn("HTTP/1.1, HTTP/2, TLS, gRPC", self.run_narthex("--version").stdout)

    def test_explain_names_the_cluster(self):
        told = self.run_narthex("explain", "-c", CONFIGURATION, "GET", "http://127.0.0.1:10000/x")
        self.assertEqual(told.returncode, 0)
        self.assertIn("cluster service", told.stdout)

    def test_explain_of_no_url_is_wrong_usage(self):
        wrong = self.run_narthex("explain", "-c", CONFIGURATION, "GET", "notaurl")
        self.assertEqual((wrong.returncode, wrong.stdout), (2, ""))
        self.assertIn('narthex: "notaurl" is no URL', wrong.stderr)


if __name__ == "__main__":
    sys.exit(unittest.main())
