"""Retries: how often, when no more, and how long a try may take."""
from case import HANG, READ, Configuration, crlf, get, post


def policy(fields, more=""):
    return f"- {{match: {{prefix: /}}, route: {{cluster: one, timeout: 2s, retry_policy: {{retry_back_off: {{base_interval: 0.001s}}, " \
           f"{fields}}}{more}}}}}"


def answer(status, *lines):
    return crlf("\n".join([f"HTTP/1.1 {status} Status", "Content-Length: 0", *lines]) + "\n\n")


HEAD = [READ, crlf("HTTP/1.1 200 OK\nContent-Length: 9\n\n") + b"part", HANG]
HEDGES = ", hedge_policy: {hedge_on_per_try_timeout: true}"

CONFIGURATIONS = [
    Configuration("retries of answers", routes=policy("retry_on: '5xx,retriable-status-codes', num_retries: 2, retriable_status_codes: [418]"),
                  requests=[get("/", script=answer(503)), get("/", script=answer(418)), get("/", script=answer(404)),
                            post("/", b"order", script=answer(500)), get("/")]),
    Configuration("a try that idles", routes=policy("retry_on: 5xx, num_retries: 1, per_try_idle_timeout: 0.1s"), requests=[
        get("/", script=[READ, HANG]), post("/", b"order", script=[READ, HANG])]),
    Configuration("a try that idles is not retried", routes=policy("per_try_idle_timeout: 0.1s"), requests=[get("/", script=[READ, HANG])]),
    Configuration("a try that takes too long", routes=policy("retry_on: 5xx, num_retries: 1, per_try_timeout: 0.1s"), requests=[
        get("/", script=[READ, HANG])]),
    Configuration("hedged tries", routes=policy("retry_on: 5xx, num_retries: 1, per_try_timeout: 0.1s", HEDGES), requests=[
        get("/", script=[READ, HANG]), get("/", script=answer(503)), get("/"), post("/", b"order", script=[READ, HANG])]),
    Configuration("a response that idles", routes=policy("per_try_idle_timeout: 0.1s"), requests=[
        get("/", script=HEAD, differs="broken-response: end")]),
]
