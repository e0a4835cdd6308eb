"""How the benchmarks measure, in interleaved rounds, and how the figures are summed up."""
import json
import pathlib
import statistics
import subprocess
import sys

import peers
import processes
from configurations import CLEAR
from subjects import IDLE_CONNECTIONS, subjects


class Bench:
    """Runs scenarios; `folder` takes configurations and logs, `proxy_core` and `load_core` are processor numbers."""

    def __init__(self, folder, proxy_core, load_core, options):
        self.folder, self.proxy_core, self.load_core = pathlib.Path(folder), proxy_core, load_core
        self.seconds, self.rounds, self.connections = options.seconds, options.rounds, options.connections
        self.services, self.certificate = {}, None

    def close(self):
        for service in self.services.values():
            service.stop()

    def upstream_port(self, line):
        """Where the service of a line listens; it is started when first asked for."""
        name = "grpc_upstream" if line.wire.grpc else "upstream"
        if name not in self.services:
            self.services[name] = processes.Process([processes.bench_binary(name), "0"], self.load_core,
                                                    self.folder / f"{name}.log")
        return self.services[name].announced_port()

    def pem(self, line):
        """The file with the certificate and its key, the same for all proxies; None where there is no TLS."""
        if line.wire.tls and self.certificate is None:
            self.certificate = self.folder / "certificate.pem"
            peers.make_certificate(self.certificate)
        return self.certificate if line.wire.tls else None

    def start(self, line):
        return peers.start(line, self.folder, self.proxy_core, self.upstream_port(line), self.pem(line),
                           lambda port: self.answers(line, port))

    def answers(self, line, port):
        """True when one request of the line's kind is answered, None when not."""
        if line.wire == CLEAR:
            return processes.get_ok(port, line.path)
        command = self.load_command(line, port, "--connections", "1", "--warmup", "0", "--seconds", "0.05")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60, check=False)
        return True if done.returncode == 0 and json.loads(done.stdout)["requests"] else None

    def run(self, scenario, only):
        """The scenario's lines as [(label, figures)], summed up over the rounds."""
        if scenario == "layer":
            return self.run_layer() if "narthex" in only else []
        measure = self.measure_idle if scenario == "idle" else self.measure_load
        lines = subjects(scenario, only)
        samples = {line.label: [] for line in lines}
        for number in range(self.rounds):
            for line in lines:
                print(f"bench: {scenario}, round {number + 1} of {self.rounds}: {line.label}", file=sys.stderr)
                proxy = self.start(line)
                try:
                    samples[line.label].append(measure(line, proxy))
                finally:
                    proxy.stop()
        return [(label, summary(rounds)) for label, rounds in samples.items()]

    def run_layer(self):
        """One line: what a filter that only passes requests on costs, in rounds as the others."""
        command = ["taskset", "-c", str(self.proxy_core), processes.layer_binary()]
        outputs = [subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout for _ in range(self.rounds)]
        return [("narthex", summary([{"us": json.loads(text)["ns_a_layer"] / 1000, "errors": 0} for text in outputs]))]

    def load_command(self, line, port, *more):
        return ["taskset", "-c", str(self.load_core), processes.bench_binary("load"), "--port", str(port),
                *line.load_options(), *more]

    def measure_load(self, line, proxy):
        pids = [word for pid in proxy.pids() for word in ("--pid", str(pid))]
        command = self.load_command(line, proxy.port, "--connections", str(line.connections or self.connections),
                                    "--seconds", str(self.seconds), *pids)
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=self.seconds + 60, check=False)
        proxy.check_alive()
        report = json.loads(done.stdout)
        if report["first_error"]:
            print(f"bench: {line.label}: the first of {report['errors']} errors: {report['first_error']}", file=sys.stderr)
        requests, nanoseconds = max(report["requests"], 1), report["seconds"] * 1e9
        return {"us": report["cpu_ns"] / requests / 1000, "p50": report["p50_us"], "p99": report["p99_us"],
                "rps": report["requests"] / report["seconds"], "errors": report["errors"] + (not report["requests"]),
                "ready_ms": proxy.ready_ms, "rss_mib": sum(map(resident_kib, proxy.pids())) / 1024,
                "busy": report["cpu_ns"] / nanoseconds, "load_busy": report["load_cpu_ns"] / nanoseconds,
                "agreed": report["agreed"]}

    def measure_idle(self, line, proxy):
        before = proportional_kib(proxy)
        command = self.load_command(line, proxy.port, "--connections", str(IDLE_CONNECTIONS), "--idle")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
            opened = json.loads(load.stdout.readline())
            after = proportional_kib(proxy)
            closed = json.loads(load.communicate(b"\n", timeout=60)[0])
        return {"kib": (after - before) / IDLE_CONNECTIONS, "before_mib": before / 1024, "after_mib": after / 1024,
                "errors": opened["errors"] + closed["closed"]}


def lower_quartile(values):
    """What the quiet quarter of the rounds stayed below: a neighbour on the machine only ever adds."""
    return statistics.quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


def summed_up(values):
    return ", ".join(sorted(set(values))) if isinstance(values[0], str) else statistics.median(values)


def summary(rounds):
    """Medians of all numbers, the different texts, the sum of errors, the lower quartile of CPU times and how far the rounds' main figure was spread."""
    figures = {key: summed_up([sample[key] for sample in rounds]) for key in rounds[0]}
    figures["errors"] = sum(sample["errors"] for sample in rounds)
    main = [sample.get("us", sample.get("kib")) for sample in rounds]
    middle = statistics.median(main)
    figures["spread"] = (max(main) - min(main)) / middle if middle else 0.0
    if "us" in figures:
        figures["quiet_us"] = lower_quartile(main)
    return figures


def status_kib(path, key):
    for text in pathlib.Path(path).read_text().splitlines():
        if text.startswith(key):
            return int(text.split()[1])
    raise ValueError(f"{path} has no {key}")


def resident_kib(pid):
    return status_kib(f"/proc/{pid}/status", "VmRSS:")


def proportional_kib(proxy):
    return sum(status_kib(f"/proc/{pid}/smaps_rollup", "Pss:") for pid in proxy.pids())
