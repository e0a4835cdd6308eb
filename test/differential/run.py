"""Gives the same configurations and the same bytes to Envoy and to Narthex, and compares all that can be seen.

    run.py [WORD...]    only the configurations whose theme or name contains a word

NARTHEX and NARTHEX_ENVOY are the binaries. Each configuration is started on its own, by both at once.
"""
import concurrent.futures
import importlib
import os
import pathlib
import re
import sys
import tempfile
import time
import xml.etree.ElementTree as ET

from certificates import Certificates
from client import Client
from compare import describe, differing, observation
from proxy import NotStarted, Proxy, validate
from upstream import Upstreams

HERE = pathlib.Path(__file__).parent
GATEWAYS = ("envoy", "narthex")


def themes():
    return {path.stem: importlib.import_module(f"cases.{path.stem}").CONFIGURATIONS
            for path in sorted((HERE / "cases").glob("*.py"))}


def intended_entries(text):
    """The names of docs/differences.md: one heading for each."""
    return set(re.findall(r"^### `([\w-]+)`", text, flags=re.M))


class Results:
    """One test case for each configuration and each exchange."""

    def __init__(self, entries):
        self.entries, self.used, self.cases = entries, set(), []
        self.configurations = self.exchanges = self.intended = 0

    def add(self, theme, name, problems):
        self.cases.append((theme, name, problems))
        if problems:
            print(f"FAILED {theme}: {name}", *problems, sep="\n", flush=True)

    def judge(self, theme, name, differs, found):
        """`found` is {part: lines}; `differs` what the table expects."""
        entry, _, parts = differs.partition(":")
        problems = []
        if entry:
            self.used.add(entry)
            self.intended += 1
            if entry not in self.entries:
                problems.append(f"    docs/differences.md has no entry `{entry}`")
        may = {part.rstrip("?") for part in parts.split()}
        must = {part for part in parts.split() if not part.endswith("?")}
        for part in sorted(must - set(found)):
            problems.append(f"    {part}: does not differ, against `{entry}`")
        for part in found:
            if part not in may:
                problems += found[part]
        self.add(theme, name, problems)

    def failed(self):
        return sum(bool(problems) for _, _, problems in self.cases)

    def write_xml(self, path):
        suite = ET.Element("testsuite", name="differential", tests=str(len(self.cases)), failures=str(self.failed()))
        for theme, name, problems in self.cases:
            case = ET.SubElement(suite, "testcase", classname=theme, name=xml_text(name))
            if problems:
                ET.SubElement(case, "failure", message="the gateways differ").text = xml_text("\n".join(problems))
        ET.ElementTree(suite).write(path)


def xml_text(text):
    """The text without the control characters that XML cannot hold; requests that must be refused have them."""
    return re.sub(r"[^\t\n\x20-\ud7ff\ue000-\ufffd]", lambda found: f"\\x{ord(found[0]):02x}", text)


class Side:
    """One gateway with upstreams of its own."""

    def __init__(self, name, folder, certificates):
        self.name, self.folder, self.certificates = name, folder, certificates
        self.upstreams = Upstreams(certificates)

    def text(self, configuration, folder):
        return self.certificates.fill(configuration.yaml(self.upstreams.ports(), folder))

    def validate(self, configuration):
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            return validate(self.name, folder, self.text(configuration, folder))

    def run(self, configuration):
        """The observations of its exchanges, in their order."""
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            proxy = Proxy(self.name, folder, self.text(configuration, folder))
            try:
                client = Client(proxy.port, self.certificates)
                held = [self.hold(exchange, client) for exchange in configuration.requests]
            finally:
                status = proxy.stop()
            if status != 0:
                raise NotStarted(f"{self.name} ended with {status}: {proxy.said()}")
            log = proxy.log()
            names = {str(port): f"({name})" for name, port in self.upstreams.ports().items()}
            names[str(proxy.port)] = "(front)"
            return [observation(seen, upstream, log.get(port, []), {**names, str(port): "(client)"})
                    for seen, upstream, port in held]

    def hold(self, exchange, client):
        self.upstreams.begin(exchange.script)
        seen, own_port = client.hold(exchange)
        return seen, self.upstreams.take(exchange.asked), own_port


class Comparison:
    def __init__(self, folder, results):
        certificates = Certificates(folder)
        self.sides = [Side(name, folder, certificates) for name in GATEWAYS]
        self.pool = concurrent.futures.ThreadPoolExecutor(len(GATEWAYS))
        self.results = results

    def both(self, method, configuration):
        tasks = [self.pool.submit(method, side, configuration) for side in self.sides]
        return [task.result() for task in tasks]

    def configuration(self, theme, configuration):
        self.results.configurations += 1
        if not configuration.requests:
            return self.acceptance(theme, configuration)
        try:
            envoy, narthex = self.both(Side.run, configuration)
        except NotStarted as error:
            return self.results.add(theme, configuration.name, [f"    {error}"])
        self.results.add(theme, configuration.name, [])
        for exchange, one, other in zip(configuration.requests, envoy, narthex):
            self.results.exchanges += 1
            found = {part: describe(part, one[part], other[part]) for part in differing(one, other)}
            self.results.judge(theme, f"{configuration.name}: {exchange.title()}", exchange.differs, found)

    def acceptance(self, theme, configuration):
        """Without exchanges it is only loaded; the table says what Envoy makes of it."""
        (envoy, said), (narthex, answer) = self.both(Side.validate, configuration)
        if envoy != configuration.accepted:
            verdict = "accepts" if envoy else "refuses"
            return self.results.add(theme, configuration.name, [f"    envoy {verdict} it, against the table: {said[-600:]}"])
        found = {} if envoy == narthex else {"accepted": [
            f"    envoy {'accepts' if envoy else 'refuses'} it, narthex does not: {(answer if envoy else said)[-600:]}"]}
        return self.results.judge(theme, configuration.name, configuration.differs, found)

    def close(self):
        self.pool.shutdown()
        for side in self.sides:
            side.upstreams.close()


def main(words):
    for variable in ("NARTHEX", "NARTHEX_ENVOY"):
        if not os.access(os.environ.get(variable, ""), os.X_OK):
            sys.exit(f"{variable} names no program; tools/setup --diff installs Envoy")
    entries = intended_entries((HERE / "../../docs/differences.md").read_text())
    results, begun = Results(entries), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="narthex-diff-") as folder:
        comparison = Comparison(folder, results)
        for theme, configurations in themes().items():
            for configuration in configurations:
                if not words or any(word in f"{theme} {configuration.name}" for word in words):
                    comparison.configuration(theme, configuration)
        comparison.close()
    if not words:
        results.add("docs/differences.md", "every entry is shown by a case",
                    [f"    `{entry}` is shown by no case" for entry in sorted(entries - results.used)])
    if "XML_OUTPUT_FILE" in os.environ:
        results.write_xml(os.environ["XML_OUTPUT_FILE"])
    print(f"{results.configurations} configurations, {results.exchanges} requests, {results.intended} intended differences, "
          f"{results.failed()} failures, {time.monotonic() - begun:.0f} s")
    return 1 if results.failed() else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
