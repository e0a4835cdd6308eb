"""Which virtual host takes a request."""
from case import Configuration, get, raw


def vhost(name, *domains):
    quoted = ", ".join(f"'{domain}'" for domain in domains)
    return f"- name: {name}\n  domains: [{quoted}]\n  routes: [{{name: {name}, match: {{prefix: /}}, " \
           f"direct_response: {{status: 200, body: {{inline_string: {name}}}}}}}]\n"


CONFIGURATIONS = [
    Configuration(
        "exact, suffix, prefix and any",
        vhosts=vhost("exact", "a.test", "b.test:8080") + vhost("suffix", "*.a.test", "*-x.a.test") +
        vhost("prefix", "a.*", "a.b.*") + vhost("any", "*"),
        requests=[
            get("/", "Host: a.test"),
            get("/", "Host: A.TEST"),
            get("/", "Host: a.test:80"),
            get("/", "Host: a.test:8080"),
            get("/", "Host: b.test"),
            get("/", "Host: b.test:8080"),
            get("/", "Host: x.a.test"),
            get("/", "Host: y-x.a.test"),
            get("/", "Host: X.A.Test"),
            get("/", "Host: .a.test"),
            get("/", "Host: a.example"),
            get("/", "Host: a.b.example"),
            get("/", "Host: other.test"),
            get("/", "Host: [::1]"),
            get("/", "Host: [::1]:80"),
            get("/", "Host: a.test."),
        ]),
    Configuration(
        "no virtual host matches",
        vhosts=vhost("exact", "a.test"),
        requests=[
            get("/", "Host: b.test"),
            get("/", "Host: a.test:99"),
            get("/", "Host: a.test"),
            raw("GET / HTTP/1.1\nHost: \n\n", differs="empty-host: status headers body end flags details log"),
            raw("POST / HTTP/1.1\nHost: b.test\nContent-Length: 3\n\nabc", differs="early-answer: headers end log"),
        ]),
    Configuration(
        "ignore_port_in_host_matching",
        table="ignore_port_in_host_matching: true",
        vhosts=vhost("exact", "a.test") + vhost("port", "b.test:80") + vhost("suffix", "*.c.test"),
        requests=[
            get("/", "Host: a.test:99"),
            get("/", "Host: a.test"),
            get("/", "Host: b.test:80"),
            get("/", "Host: b.test"),
            get("/", "Host: x.c.test:1"),
            get("/", "Host: x.c.test:"),
        ]),
    Configuration(
        "domains in upper case",
        vhosts=vhost("upper", "A.Test", "*.B.Test"),
        requests=[
            get("/", "Host: a.test"),
            get("/", "Host: A.Test"),
            get("/", "Host: x.b.test"),
        ]),
]
