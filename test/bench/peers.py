"""How the relay, Narthex and its peers are configured and started for the benchmarks.

Fair means: one worker, access log off, keep-alive on both sides, connection limits out of the way, and otherwise what
each one's own documentation recommends for a reverse proxy. Narthex and Envoy are given the same file.
"""
import glob
import http.client
import os
import pathlib
import signal
import socket
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "narthex"
ENVOY = CACHE / "venv" / "envoy"
READY_WITHIN_SECONDS = 30
POLL_SECONDS = 0.002
MAX_CONNECTIONS = 8192  # a proxy needs two files for each


def narthex_binary():
    for path in ("bazel-bin/narthex", "bazel-bin/source/server/narthex"):
        if (ROOT / path).exists():
            return str(ROOT / path)
    raise FileNotFoundError("bazel-bin/narthex: not built")


def bench_binary(name):
    return str(ROOT / "bazel-bin/test/bench" / name)


def layer_binary():
    """What measures a filter from within stands with the filters' tests."""
    return str(ROOT / "bazel-bin/test/filter/filter_layer")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- processes --------------------------------------------------------------

class Process:
    """A child on one core, its output in a file; `stop` ends it and waits for it."""

    def __init__(self, command, core, log, stdin=None):
        self.command, self.log = command, pathlib.Path(log)
        self.started = time.monotonic()
        with open(self.log, "wb") as out:
            self.child = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=out, stderr=out,
                                          stdin=stdin or subprocess.DEVNULL, cwd=self.log.parent)

    def pids(self):
        """The process and all below it."""
        found, todo = [], [self.child.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for path in glob.glob(f"/proc/{pid}/task/*/children"):
                todo += map(int, pathlib.Path(path).read_text().split())
        return found

    def check_alive(self):
        if self.child.poll() is not None:
            raise RuntimeError(f"{self.command[0]} ended with {self.child.returncode}: {self.tail()}")

    def tail(self):
        return self.log.read_text(errors="replace")[-2000:].strip()

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                for pid in self.pids():
                    os.kill(pid, signal.SIGKILL)
                self.child.wait()

    def announced_port(self):
        """The port that a program of test/bench says it listens on."""
        return wait_for(self, lambda: int(self.log.read_text().split()[1]))


def wait_for(process, attempt):
    """What `attempt` returns as soon as it neither raises nor returns None; the process must live meanwhile."""
    end = time.monotonic() + READY_WITHIN_SECONDS
    while time.monotonic() < end:
        process.check_alive()
        try:
            result = attempt()
            if result is not None:
                return result
        except (OSError, IndexError, ValueError, http.client.HTTPException):
            pass
        time.sleep(POLL_SECONDS)
    raise RuntimeError(f"{process.command[0]} was not ready in {READY_WITHIN_SECONDS} s: {process.tail()}")


def get_ok(port, path):
    """True when GET `path` is answered with 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        return True if response.status == 200 else None
    finally:
        connection.close()


# ---- configurations ----------------------------------------------------------

def route_path(number):
    return f"/r{number:05}/"


def envoy_config(listen, admin, upstream, routes=0, filters=0):
    """The Envoy v3 bootstrap: one catch-all route, or `routes` prefix routes; `filters` filters before the router."""
    prefixes = [route_path(n) for n in range(routes)] if routes > 1 else ["/"]
    lines = "\n".join(f'              - {{match: {{prefix: "{p}"}}, route: {{cluster: upstream, timeout: 15s}}}}'
                      for p in prefixes)
    layer = """          - name: mutation-{number}
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation
              mutations: {{request_mutations: [{{remove: x-absent}}]}}
"""
    layers = "".join(layer.format(number=number) for number in range(filters))
    return f"""
admin:
  address: {{socket_address: {{address: 127.0.0.1, port_value: {admin}}}}}
static_resources:
  listeners:
  - name: bench
    address: {{socket_address: {{address: 127.0.0.1, port_value: {listen}}}}}
    filter_chains:
    - filters:
      - name: envoy.filters.network.http_connection_manager
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager
          stat_prefix: bench
          codec_type: HTTP1
          route_config:
            name: bench
            virtual_hosts:
            - name: bench
              domains: ["*"]
              routes:
{lines}
          http_filters:
{layers}          - name: envoy.filters.http.router
            typed_config:
              "@type": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router
  clusters:
  - name: upstream
    type: STATIC
    connect_timeout: 1s
    load_assignment:
      cluster_name: upstream
      endpoints:
      - lb_endpoints:
        - endpoint: {{address: {{socket_address: {{address: 127.0.0.1, port_value: {upstream}}}}}}}
"""


def nginx_config(folder, listen, upstream):
    user = "user root;" if os.geteuid() == 0 else ""
    temp = "\n".join(f"  {kind}_temp_path {folder}/nginx_{kind};"
                     for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    return f"""
{user}
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections {MAX_CONNECTIONS}; }}
http {{
{temp}
  access_log off;
  keepalive_timeout 3600s;
  keepalive_requests 1000000000;
  upstream service {{
    server 127.0.0.1:{upstream};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{listen} backlog=4096;
    location / {{
      proxy_pass http://service;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_read_timeout 15s;
      proxy_buffers 16 32k;
      proxy_max_temp_file_size 0;
    }}
  }}
}}
"""


def haproxy_config(listen, upstream):
    return f"""
global
  nbthread 1
  maxconn {MAX_CONNECTIONS}
defaults
  mode http
  timeout connect 1s
  timeout server 15s
  timeout client 3600s
  timeout http-keep-alive 3600s
  http-reuse always
frontend bench
  bind 127.0.0.1:{listen} backlog 4096
  default_backend service
backend service
  server one 127.0.0.1:{upstream}
"""


# ---- proxies -----------------------------------------------------------------

class Proxy(Process):
    """A started proxy that has answered `path`. `port` is where it listens, `ready_ms` how long it took."""

    def __init__(self, command, core, log, port, probe):
        super().__init__(command, core, log)
        try:
            self.port = port or self.announced_port()
            wait_for(self, lambda: get_ok(probe[0] or self.port, probe[1]))
            self.ready_ms = (time.monotonic() - self.started) * 1000
        except BaseException:
            self.stop()
            raise


def start(name, folder, core, upstream, path="/", routes=0, filters=0):
    """Starts the proxy called `name` in front of `upstream` and returns it when it is ready."""
    folder = pathlib.Path(folder)
    log, config, listen = folder / f"{name}.log", folder / f"{name}.conf", free_port()
    probe = (listen, path)
    if name == "relay":
        command, listen, probe = [bench_binary("relay"), "0", str(upstream)], None, (None, path)
    elif name == "nginx":
        config.write_text(nginx_config(folder, listen, upstream))
        command = ["/usr/sbin/nginx", "-p", str(folder), "-e", "stderr", "-c", str(config)]
    elif name == "haproxy":
        config.write_text(haproxy_config(listen, upstream))
        command = ["/usr/sbin/haproxy", "-db", "-f", str(config)]
    else:
        config, admin = config.with_suffix(".yaml"), free_port()
        config.write_text(envoy_config(listen, admin, upstream, routes, filters))
        command = ([narthex_binary(), "run"] if name == "narthex" else [str(ENVOY), "--disable-hot-restart"])
        command += ["-c", str(config), "--concurrency", "1", "-l", "warning"]
        probe = (admin, "/ready")
    proxy = Proxy(command, core, log, listen, probe)
    wait_for(proxy, lambda: get_ok(proxy.port, path))
    return proxy


def version(name):
    """The first line that the proxy says of itself, or None for the relay, which has no version."""
    command = {"narthex": (narthex_binary, "--version"), "envoy": (lambda: str(ENVOY), "--version"),
               "nginx": (lambda: "/usr/sbin/nginx", "-v"), "haproxy": (lambda: "/usr/sbin/haproxy", "-v")}.get(name)
    if command is None:
        return None
    binary = command[0]()
    done = subprocess.run([binary, command[1]], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          check=False)
    line = next((line.strip() for line in done.stdout.splitlines() if line.strip()), "no version")
    return line.replace(binary, name)
