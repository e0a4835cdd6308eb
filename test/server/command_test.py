"""Runs the commands of the real binary that serve nothing."""

import json
import os
import subprocess
import sys
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
