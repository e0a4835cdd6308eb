"""Asks a gateway one request after another on one connection, in a process of its own so that nothing else slows it.

latency_probe.py PORT PATH: a line of input begins, the next one ends; then the latencies come as a line of JSON, in
milliseconds, and it may begin again.
"""

import json
import select
import socket
import sys
import time

PAUSE_S = 0.001


def probe(client, request):
    latencies = []
    while not select.select([sys.stdin], [], [], PAUSE_S)[0]:
        began = time.monotonic()
        client.sendall(request)
        answer = client.recv(65536)
        if not answer.startswith(b"HTTP/1.1 2"):
            raise SystemExit("no answer: %r" % answer[:100])
        latencies.append((time.monotonic() - began) * 1000)
    return latencies


def main(port, path):
    client = socket.create_connection(("127.0.0.1", int(port)), 60)
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    request = ("GET %s HTTP/1.1\r\nhost: a.test\r\n\r\n" % path).encode()
    while sys.stdin.readline():
        latencies = probe(client, request)
        sys.stdin.readline()
        print(json.dumps(latencies), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
