"""Runs tools/check and `bazel test`, and counts test cases; tools/test calls it. Its last line is `N passed, N failed`.

What Bazel did is read from its build events, not from the logs folder, where results of earlier runs lie about.
"""
import argparse
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as ET
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[1]
GOOD = ("PASSED", "FLAKY")


@dataclass
class Count:
    passed: int = 0
    failed: int = 0

    def add(self, good, bad=0):
        self.passed += good
        self.failed += bad


def count_cases(xml):
    """(passed, failed) of one test.xml; cases that did not run count as neither."""
    passed = failed = 0
    for case in ET.fromstring(xml).iter("testcase"):
        if case.get("status") == "notrun" or case.find("skipped") is not None:
            continue
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        else:
            passed += 1
    return passed, failed


def result_files(result):
    return {output["name"]: urllib.parse.unquote(urllib.parse.urlparse(output["uri"]).path)
            for output in result.get("testActionOutput", []) if output.get("uri", "").startswith("file://")}


def count_result(result, read):
    """(passed, failed) of one run of one test (or shard): its cases, and at least one failure if it failed.

    A test that passed and left no list of its cases that can be read has failed: nobody knows what it tried.
    """
    good = result.get("status") in GOOD
    try:
        passed, failed = count_cases(read(result_files(result)["test.xml"]))
    except (KeyError, OSError, ET.ParseError) as error:
        print(f"no list of cases can be read: {error}", file=sys.stderr)
        return 0, 1
    if good:
        return max(passed, 1), 0
    return passed, max(failed, 1)


def count_events(events, read):
    """The sum over all tests of a build, a target that could not be built being one failure. Returns (Count, labels)."""
    count, failed_labels, last, built = Count(), [], {}, {}
    for event in events:
        kind = event["id"]
        if "testResult" in kind:
            key = kind["testResult"]
            last[key["label"], key.get("run"), key.get("shard")] = event.get("testResult", {})  # the last attempt stays
        elif "targetCompleted" in kind:
            built[kind["targetCompleted"]["label"]] = event.get("completed", {}).get("success", False)
        elif "pattern" in kind and "aborted" in event:
            built[", ".join(kind["pattern"]["pattern"])] = False
    for (label, _, _), result in last.items():
        passed, failed = count_result(result, read)
        count.add(passed, failed)
        if failed:
            failed_labels.append(label)
    for label, success in built.items():
        if not success:
            count.add(0, 1)
            failed_labels.append(f"{label} (not built)")
    return count, failed_labels


def read_events(path):
    for line in path.read_text().splitlines():
        try:
            yield json.loads(line)
        except ValueError:  # a build that was stopped leaves half a line
            return


def run_bazel(arguments, targets):
    """Runs the tests and returns (Count, failed labels, Bazel's exit code)."""
    with tempfile.TemporaryDirectory(prefix="narthex-test-") as folder:
        events = pathlib.Path(folder) / "events.json"
        # On a terminal Bazel shows what it does; elsewhere one line now and then is enough.
        quiet = [] if sys.stderr.isatty() else ["--curses=no", "--show_progress_rate_limit=30"]
        command = ["bazel", "test", "--keep_going", "--test_output=errors", *quiet,
                   "--test_verbose_timeout_warnings=false", f"--build_event_json_file={events}", *arguments,
                   "--", *targets]
        code = subprocess.run(command, cwd=ROOT, check=False, stdin=subprocess.DEVNULL).returncode
        count, failed = count_events(read_events(events) if events.exists() else [],
                                     lambda path: pathlib.Path(path).read_bytes())
    return count, failed, code


# Bazel's exit codes that are no failure of their own: all well; tests failed (counted already); no tests among the targets.
COUNTED_EXITS = (0, 3, 4)


def main(arguments):
    ap = argparse.ArgumentParser(prog="tools/test", add_help=False)
    ap.add_argument("--no-check", action="store_true")
    known, rest = ap.parse_known_args(arguments)
    options = [word for word in rest if word.startswith("-") and not word.startswith("-//")]
    targets = [word for word in rest if word not in options] or ["//..."]
    sanitized = any(word.startswith("--config=") for word in options)
    count = Count()
    # What the checks say does not depend on a sanitizer, nor on a choice of targets.
    if not (known.no_check or sanitized or targets != ["//..."]):
        good = subprocess.run([ROOT / "tools/check"], check=False, stdin=subprocess.DEVNULL).returncode == 0
        count.add(int(good), int(not good))
    tests, failed, code = run_bazel(options, targets)
    count.add(tests.passed, tests.failed)
    if code not in COUNTED_EXITS and not tests.failed or not tests.passed and not tests.failed:
        count.add(0, 1)
        failed.append("bazel test" if code else "no test ran")
    for label in sorted(set(failed)):
        print(f"failed: {label}")
    print(f"{count.passed} passed, {count.failed} failed", flush=True)
    return 1 if count.failed else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    os.environ.setdefault("LC_ALL", "C.UTF-8")
    sys.exit(main(sys.argv[1:]))
