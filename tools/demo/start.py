#!/usr/bin/env python3
"""Runs the demo services and the gateway in front of them until Ctrl-C; tools/start calls it."""
import argparse
import http.client
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONFIG = ROOT / "examples/demo.yaml"
# The ports that examples/demo.yaml names.
PORTS = {"gateway": 10000, "admin": 9901, "products": 9101, "inventory": 9102, "carts": 9103, "orders": 9104}
SERVICES = ("products", "inventory", "carts", "orders")
READY_WITHIN_SECONDS = 30

TRY = """
The gateway is at {gateway}, its admin page at {admin}/

Try:
  curl {gateway}/products
  curl {gateway}/products/1
  curl {gateway}/inventory/1
  curl {gateway}/carts/1
  curl -d '{{"product": 4, "quantity": 2}}' {gateway}/carts/1
  curl -i -d '{{"customer": "ada", "product": 2, "quantity": 1}}' {gateway}/orders
  curl {gateway}/orders
  curl -i {gateway}/                  (a redirect)
  curl -i {gateway}/hello             (the gateway answers)
  curl -i {gateway}/nothing           (no route: 404)
  curl {admin}/stats                  (what it has counted)

The configuration is {config}. Ctrl-C stops everything.
"""


class Stop(Exception):
    """Ends the demo, with a message for the user if it went wrong."""


def is_taken(port):
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            s.bind(("127.0.0.1", port))
            return False
        except OSError:
            return True


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def choose_ports(free):
    """The ports of the configuration file, or others when `free`; raises Stop when one of the file's is taken."""
    if free:
        return {name: free_port() for name in PORTS}
    taken = [f"{port} ({name})" for name, port in PORTS.items() if is_taken(port)]
    if taken:
        raise Stop(f"taken by another program: port {', '.join(taken)}. Stop it, or run tools/start --free-ports.")
    return PORTS


def write_config(folder, ports):
    """The configuration with these ports: the example itself when they are its own."""
    if ports == PORTS:
        return CONFIG
    by_number = {str(PORTS[name]): str(port) for name, port in ports.items()}
    text = re.sub(r"(?<=port_value: )\d+", lambda m: by_number[m[0]], CONFIG.read_text())
    path = pathlib.Path(folder) / CONFIG.name
    path.write_text(text)
    return path


def build():
    print("start: building the gateway (minutes the first time, seconds later)", flush=True)
    # On a terminal Bazel shows what it does; elsewhere one line now and then is enough.
    quiet = [] if sys.stderr.isatty() else ["--curses=no", "--show_progress_rate_limit=30"]
    done = subprocess.run(["bazel", "build", "--ui_event_filters=-info", *quiet, "//:narthex"], cwd=ROOT, check=False)
    binaries = [ROOT / path for path in ("bazel-bin/narthex", "bazel-bin/source/server/narthex")]
    found = next((path for path in binaries if path.exists()), None)
    if done.returncode or found is None:
        raise Stop("the gateway could not be built; see above")
    return found


def wait_until(ready, children):
    end = time.monotonic() + READY_WITHIN_SECONDS
    while not ready():
        check_alive(children)
        if time.monotonic() > end:
            raise Stop(f"the gateway was not ready within {READY_WITHIN_SECONDS} s")
        time.sleep(0.02)


def answers(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def check_alive(children):
    for name, child in children:
        if child.poll() is not None:
            raise Stop(f"{name} ended by itself with status {child.returncode}; see above")


def stop(children):
    """Ends the children, the last first, each by its own id."""
    for _, child in reversed(children):
        if child.poll() is None:
            child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()


def run(options, children):
    ports = choose_ports(options.free_ports)
    gateway = options.gateway or build()
    with tempfile.TemporaryDirectory(prefix="narthex-demo-") as folder:
        config = write_config(folder, ports)

        def spawn(name, command):
            # A session of its own: Ctrl-C reaches this script alone, which then stops all in order.
            children.append((name, subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL,
                                                    start_new_session=True)))
        spawn("the services", [sys.executable, ROOT / "tools/demo/services.py",
                               *(word for name in SERVICES for word in (f"--{name}", ports[name]))])
        wait_until(lambda: all(answers(ports[name], f"/{name}" + ("/1" if name == "carts" else ""))
                               for name in SERVICES), children)
        spawn("the gateway", [gateway, "-c", config])
        wait_until(lambda: answers(ports["admin"], "/ready") and answers(ports["gateway"], "/products"), children)
        urls = {name: f"http://127.0.0.1:{ports[name]}" for name in ("gateway", "admin")}
        print(TRY.format(config=config if ports != PORTS else CONFIG.relative_to(ROOT), **urls), flush=True)
        while True:
            check_alive(children)
            time.sleep(0.2)


def interrupted(*_):
    raise KeyboardInterrupt


def main():
    ap = argparse.ArgumentParser(prog="tools/start", description="Starts four demo services and the gateway in front "
                                 "of them, and prints what to try. Ctrl-C stops everything.")
    ap.add_argument("--free-ports", action="store_true", help="take free ports, not those of examples/demo.yaml")
    ap.add_argument("--gateway", metavar="BINARY", help="run this one, without building: another build, or Envoy")
    options = ap.parse_args()
    signal.signal(signal.SIGTERM, interrupted)
    children = []
    try:
        run(options, children)
    except Stop as reason:
        print(f"start: {reason}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstart: stopping", flush=True)
        return 0
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        stop(children)


if __name__ == "__main__":
    sys.exit(main())
