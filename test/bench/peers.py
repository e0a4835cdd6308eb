"""How the relay, Narthex and its peers are started for the benchmarks; configurations.py says with what."""
import os
import pathlib
import subprocess
import time

import configurations
import processes

CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "narthex"
ENVOY = CACHE / "venv" / "envoy"


def make_certificate(path):
    """A self-signed P-256 certificate and its key, in one file."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-sha256",
                    "-days", "2", "-subj", "/CN=bench.test", "-addext", "subjectAltName=DNS:bench.test", "-out", path,
                    "-keyout", f"{path}.key"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=True)
    with open(path, "a", encoding="ascii") as out:
        out.write(pathlib.Path(f"{path}.key").read_text(encoding="ascii"))


class Proxy(processes.Process):
    """A started proxy that is ready. `port` is where it listens, `ready_ms` how long it took.

    `ready(port)` is asked again and again until it says so.
    """

    def __init__(self, command, core, log, port, ready):
        super().__init__(command, core, log)
        try:
            self.port = port or self.announced_port()
            processes.wait_for(self, lambda: ready(self.port))
            self.ready_ms = (time.monotonic() - self.started) * 1000
        except BaseException:
            self.stop()
            raise


def start(line, folder, core, upstream, pem, answers):
    """Starts the proxy of a `line` (scenarios.Subject) in front of `upstream`, and returns it when it answers.

    `pem` is the certificate with its key, for lines with TLS; `answers(port)` is true when a request has been served.
    """
    folder, name = pathlib.Path(folder), line.proxy
    log, config, listen = folder / f"{name}.log", folder / f"{name}.conf", processes.free_port()
    ready = answers
    if name == "relay":
        command, listen = [processes.bench_binary("relay"), "0", str(upstream)], None
    elif name == "nginx":
        config.write_text(configurations.nginx_config(line.wire, pem, folder, listen, upstream))
        command = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    elif name == "haproxy":
        config.write_text(configurations.haproxy_config(line.wire, pem, listen, upstream))
        command = ["/usr/sbin/haproxy", "-db", "-f", str(config)]
    else:
        config, admin = config.with_suffix(".yaml"), processes.free_port()
        config.write_text(configurations.envoy_config(line.wire, pem, listen, admin, upstream, line.routes, line.filters))
        command = ([processes.narthex_binary(), "run"] if name == "narthex" else [str(ENVOY), "--disable-hot-restart"])
        command += ["-c", str(config), "--concurrency", "1", "-l", "warning"]
        ready = lambda _: processes.get_ok(admin, "/ready")  # noqa: E731
    proxy = Proxy(command, core, log, listen, ready)
    try:
        processes.wait_for(proxy, lambda: answers(proxy.port))
    except BaseException:
        proxy.stop()
        raise
    return proxy


def version(name):
    """The first line that the proxy says of itself, or None for the relay, which has no version."""
    command = {"narthex": (processes.narthex_binary, "--version"), "envoy": (lambda: str(ENVOY), "--version"),
               "nginx": (lambda: "/usr/sbin/nginx", "-v"), "haproxy": (lambda: "/usr/sbin/haproxy", "-v")}.get(name)
    if command is None:
        return None
    binary = command[0]()
    done = subprocess.run([binary, command[1]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    line = next((line.strip() for line in done.stdout.splitlines() if line.strip()), "no version")
    return line.replace(binary, name)
