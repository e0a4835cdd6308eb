"""Test cases are counted as they went."""
import unittest

import run_tests

GTEST = b"""<?xml version="1.0"?><testsuites tests="4"><testsuite name="A">
<testcase name="good" status="run"/><testcase name="bad" status="run"><failure message="x"/></testcase>
<testcase name="off" status="notrun"/><testcase name="skipped" status="run"><skipped/></testcase>
</testsuite></testsuites>"""
PASSING = b'<testsuites><testsuite><testcase name="a"/><testcase name="b"/></testsuite></testsuites>'
FILES = {"/gtest.xml": GTEST, "/passing.xml": PASSING, "/broken.xml": b"<testsuites>", "/empty.xml": b"<testsuites/>"}


def result(label, status, xml=None, shard=1, attempt=1):
    outputs = [{"name": "test.xml", "uri": f"file://{xml}"}] if xml else []
    return {"id": {"testResult": {"label": label, "run": 1, "shard": shard, "attempt": attempt}},
            "testResult": {"status": status, "testActionOutput": outputs}}


def completed(label, success):
    return {"id": {"targetCompleted": {"label": label}}, "completed": {"success": True} if success else {}}


class CountEvents(unittest.TestCase):
    def expect(self, events, passed, failed, labels=()):
        count, failed_labels = run_tests.count_events(events, FILES.__getitem__)
        self.assertEqual((count.passed, count.failed, failed_labels), (passed, failed, list(labels)))

    def test_counts_the_cases_of_a_test(self):
        self.expect([completed("//:a", True), result("//:a", "PASSED", "/passing.xml")], 2, 0)
        self.expect([result("//:a", "FAILED", "/gtest.xml")], 1, 1, ["//:a"])

    def test_a_test_without_cases_counts_one(self):
        self.expect([result("//:a", "PASSED", "/empty.xml")], 1, 0)

    def test_a_test_that_passed_but_cannot_say_what_is_a_failure(self):
        self.expect([result("//:a", "PASSED"), result("//:b", "PASSED", "/broken.xml")], 0, 2, ["//:a", "//:b"])

    def test_a_crash_after_passing_cases_is_a_failure(self):
        self.expect([result("//:a", "FAILED", "/passing.xml")], 2, 1, ["//:a"])
        self.expect([result("//:a", "TIMEOUT")], 0, 1, ["//:a"])

    def test_every_shard_counts_and_only_the_last_attempt(self):
        self.expect([result("//:a", "PASSED", "/passing.xml", shard=1), result("//:a", "PASSED", "/passing.xml", shard=2)], 4, 0)
        self.expect([result("//:a", "FAILED", attempt=1), result("//:a", "PASSED", "/passing.xml", attempt=2)], 2, 0)

    def test_what_could_not_be_built_is_a_failure(self):
        self.expect([completed("//:a", False)], 0, 1, ["//:a (not built)"])
        self.expect([{"id": {"pattern": {"pattern": ["//..."]}}, "aborted": {"reason": "LOADING_FAILURE"}}], 0, 1,
                    ["//... (not built)"])


if __name__ == "__main__":
    unittest.main()
