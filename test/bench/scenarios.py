"""What the benchmarks measure, in interleaved rounds, and how the figures are summed up."""
import json
import pathlib
import statistics
import subprocess
import sys

import peers

SMALL_BODY, LARGE_BODY = 1024, 1024 * 1024
ROUTES, FILTERS, IDLE_CONNECTIONS = 10_000, 8, 5_000
ALL = ("relay", "narthex", "haproxy", "nginx", "envoy")


class Subject:
    """One line of a table: a proxy, and what it is asked to do."""

    def __init__(self, proxy, label=None, path="/1k", body=SMALL_BODY, routes=0, filters=0):
        self.proxy, self.label, self.path, self.body = proxy, label or proxy, path, body
        self.routes, self.filters = routes, filters


def subjects(scenario, only):
    """The lines of a scenario's table, without the proxies that are not wanted."""
    last = peers.route_path(ROUTES - 1) + "x"
    lines = {
        "small": [Subject(name) for name in ALL],
        "large": [Subject(name, path="/1m", body=LARGE_BODY) for name in ALL],
        "idle": [Subject(name) for name in ALL],
        "routes": [Subject(name, f"{name}, {count} route{'s' * (count > 1)}", path=last, routes=count)
                   for name in ("narthex", "envoy") for count in (1, ROUTES)],
        "filters": [Subject(name, f"{name}, {count} filters", filters=count)
                    for name in ("narthex", "envoy") for count in (0, FILTERS)],
    }[scenario]
    return [line for line in lines if line.proxy in only]


NAMES = ("small", "routes", "large", "idle", "filters", "layer")


class Bench:
    """Runs scenarios; `folder` takes configurations and logs, `proxy_core` and `load_core` are processor numbers."""

    def __init__(self, folder, proxy_core, load_core, options):
        self.folder, self.proxy_core, self.load_core = pathlib.Path(folder), proxy_core, load_core
        self.seconds, self.rounds, self.connections = options.seconds, options.rounds, options.connections
        self.upstream = peers.Process([peers.bench_binary("upstream"), "0"], load_core, self.folder / "upstream.log")
        self.upstream_port = self.upstream.announced_port()

    def close(self):
        self.upstream.stop()

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
                proxy = peers.start(line.proxy, self.folder, self.proxy_core, self.upstream_port, line.path,
                                    line.routes, line.filters)
                try:
                    samples[line.label].append(measure(line, proxy))
                finally:
                    proxy.stop()
        return [(label, summary(rounds)) for label, rounds in samples.items()]

    def run_layer(self):
        """One line: what a filter that only passes requests on costs, in rounds as the others."""
        command = ["taskset", "-c", str(self.proxy_core), peers.layer_binary()]
        outputs = [subprocess.run(command, stdout=subprocess.PIPE, timeout=60, check=True).stdout for _ in range(self.rounds)]
        return [("narthex", summary([{"us": json.loads(text)["ns_a_layer"] / 1000, "errors": 0} for text in outputs]))]

    def load_command(self, line, proxy, *more):
        return ["taskset", "-c", str(self.load_core), peers.bench_binary("load"), "--port", str(proxy.port),
                "--path", line.path, "--body", str(line.body), *more]

    def measure_load(self, line, proxy):
        pids = [word for pid in proxy.pids() for word in ("--pid", str(pid))]
        command = self.load_command(line, proxy, "--connections", str(self.connections),
                                    "--seconds", str(self.seconds), *pids)
        done = subprocess.run(command, stdout=subprocess.PIPE, timeout=self.seconds + 60, check=False)
        proxy.check_alive()
        report = json.loads(done.stdout)
        requests = max(report["requests"], 1)
        return {"us": report["cpu_ns"] / requests / 1000, "p50": report["p50_us"], "p99": report["p99_us"],
                "rps": report["requests"] / report["seconds"], "errors": report["errors"] + (not report["requests"]),
                "ready_ms": proxy.ready_ms, "rss_mib": sum(map(resident_kib, proxy.pids())) / 1024}

    def measure_idle(self, line, proxy):
        before = proportional_kib(proxy)
        command = self.load_command(line, proxy, "--connections", str(IDLE_CONNECTIONS), "--idle")
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as load:
            opened = json.loads(load.stdout.readline())
            after = proportional_kib(proxy)
            closed = json.loads(load.communicate(b"\n", timeout=60)[0])
        return {"kib": (after - before) / IDLE_CONNECTIONS, "before_mib": before / 1024, "after_mib": after / 1024,
                "errors": opened["errors"] + closed["closed"]}


def lower_quartile(values):
    """What the quiet quarter of the rounds stayed below: a neighbour on the machine only ever adds."""
    return statistics.quantiles(values, n=4, method="inclusive")[0] if len(values) > 1 else values[0]


def summary(rounds):
    """Medians of all figures, the sum of errors, the lower quartile of CPU times and how far the rounds' main figure was spread."""
    figures = {key: statistics.median(sample[key] for sample in rounds) for key in rounds[0]}
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


# ---- tables -------------------------------------------------------------------

def table(header, rows):
    """Text columns, the first to the left and the others to the right."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = ["  ".join(cell.rjust(width) if i else cell.ljust(width)
                       for i, (cell, width) in enumerate(zip(row, widths))) for row in [header, *rows]]
    return "\n".join(line.rstrip() for line in lines)


def ratio(figures, base, key="quiet_us"):
    return f"{figures[key] / base[key]:.2f}" if base and base[key] else "-"


def load_table(results):
    base = dict(results).get("relay")
    return table(["proxy", "us/request", "to relay", "median us", "to relay", "p50 us", "p99 us", "requests/s", "errors",
                  "spread"],
                 [[label, f"{f['quiet_us']:.2f}", ratio(f, base), f"{f['us']:.2f}", ratio(f, base, "us"), f"{f['p50']:.0f}",
                   f"{f['p99']:.0f}", f"{f['rps']:.0f}", str(f["errors"]), f"{f['spread']:.0%}"] for label, f in results])


def own_base(results, position):
    """The figures of the same proxy's line before, for tables that come in pairs; None for the first of a pair."""
    return results[position - 1][1] if position % 2 else None


def routes_table(results):
    return table(["proxy", "us/request", "to one route", "ready ms", "RSS MiB", "p50 us", "p99 us", "errors", "spread"],
                 [[label, f"{f['quiet_us']:.2f}", ratio(f, own_base(results, i)), f"{f['ready_ms']:.0f}",
                   f"{f['rss_mib']:.1f}", f"{f['p50']:.0f}", f"{f['p99']:.0f}", str(f["errors"]), f"{f['spread']:.0%}"]
                  for i, (label, f) in enumerate(results)])


def filters_table(results):
    def layer(i, figures):
        base = own_base(results, i)
        return f"{(figures['quiet_us'] - base['quiet_us']) * 1000 / FILTERS:.0f}" if base else "-"
    return table(["proxy", "us/request", "ns a layer", "p50 us", "p99 us", "errors", "spread"],
                 [[label, f"{f['quiet_us']:.2f}", layer(i, f), f"{f['p50']:.0f}", f"{f['p99']:.0f}", str(f["errors"]),
                   f"{f['spread']:.0%}"] for i, (label, f) in enumerate(results)])


def layer_table(results):
    return table(["filter", "ns a layer", "median ns", "spread"],
                 [["passes the request on", f"{f['quiet_us'] * 1000:.1f}", f"{f['us'] * 1000:.1f}", f"{f['spread']:.0%}"] for _, f in results])


def idle_table(results):
    return table(["proxy", "KiB/connection", "PSS before MiB", "PSS after MiB", "errors", "spread"],
                 [[label, f"{f['kib']:.2f}", f"{f['before_mib']:.1f}", f"{f['after_mib']:.1f}", str(f["errors"]),
                   f"{f['spread']:.0%}"] for label, f in results])


TABLES = {"small": load_table, "large": load_table, "routes": routes_table, "filters": filters_table,
          "idle": idle_table, "layer": layer_table}
TITLES = {
    "small": "small: 1 KiB responses, {connections} keep-alive connections",
    "large": "large: 1 MiB responses, {connections} keep-alive connections",
    "routes": f"routes: {ROUTES:,} prefix routes, the last one matching, 1 KiB, {{connections}} connections",
    "filters": f"filters: {FILTERS} header_mutation filters that find nothing to do, 1 KiB, {{connections}} connections",
    "layer": "layer: a filter that awaits the next one and returns its response, in this process, no sockets",
    "idle": f"idle: {IDLE_CONNECTIONS:,} keep-alive connections that have each served a request",
}
