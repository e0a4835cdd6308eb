"""run_cases.py MODULE...: runs their tests, and tells Bazel of every case: rows of a table count one by one."""

import importlib
import os
import sys
import time
import unittest
import xml.etree.ElementTree as ET


class Cases(unittest.TextTestResult):
    """What became of each test, or of each of its sub-tests where it has some."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.cases, self.rows, self.began = [], 0, 0

    def startTest(self, test):
        super().startTest(test)
        self.rows, self.began = len(self.cases), time.monotonic()

    def note(self, test, name, error=None):
        now = time.monotonic()
        self.cases.append((type(test).__name__, name, now - self.began, error and self._exc_info_to_string(error, test)))
        self.began = now

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        self.note(test, "%s %s" % (test._testMethodName, subtest._subDescription()), error)

    def addSuccess(self, test):
        super().addSuccess(test)
        if len(self.cases) == self.rows:
            self.note(test, test._testMethodName)

    def addError(self, test, error):
        super().addError(test, error)
        self.note(test, getattr(test, "_testMethodName", str(test)), error)

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.note(test, test._testMethodName, error)

    def write(self, path):
        suite = ET.Element("testsuite", name="server", tests=str(len(self.cases)),
                           failures=str(sum(error is not None for *_, error in self.cases)))
        for of, name, seconds, error in self.cases:
            case = ET.SubElement(suite, "testcase", classname=of, name=name, time="%.3f" % seconds)
            if error is not None:
                ET.SubElement(case, "failure").text = error
        ET.ElementTree(suite).write(path, encoding="utf-8", xml_declaration=True)


def main(names):
    loader = unittest.defaultTestLoader
    suite = unittest.TestSuite(loader.loadTestsFromModule(importlib.import_module(name)) for name in names)
    result = unittest.TextTestRunner(stream=sys.stdout, verbosity=2, resultclass=Cases).run(suite)
    if "XML_OUTPUT_FILE" in os.environ:
        result.write(os.environ["XML_OUTPUT_FILE"])
    return 0 if result.wasSuccessful() and result.cases else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
