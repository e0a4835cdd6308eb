"""The tables in which tools/bench shows what the scenarios have measured."""
import subjects
from subjects import FILTERS, HANDSHAKES_AT_ONCE, HTTP2_CONNECTIONS, HTTP2_STREAMS, IDLE_CONNECTIONS, ROUTES


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


def peers_table(results):
    """Narthex's cost as a share of each one's beside it, and which side of the sockets had something left to do."""
    own = dict(results).get("narthex")
    share = lambda f, key: f"{own[key] / f[key]:.2f}" if own and f[key] else "-"  # noqa: E731
    lines = table(["proxy", "us/request", "Narthex to it", "median us", "Narthex to it", "p50 us", "p99 us", "requests/s",
                   "busy", "load busy", "errors", "spread"],
                  [[label, f"{f['quiet_us']:.2f}", share(f, "quiet_us"), f"{f['us']:.2f}", share(f, "us"),
                    f"{f['p50']:.0f}", f"{f['p99']:.0f}", f"{f['rps']:.0f}", f"{f['busy']:.0%}", f"{f['load_busy']:.0%}",
                    str(f["errors"]), f"{f['spread']:.0%}"] for label, f in results])
    agreed = {figures["agreed"] for _, figures in results} - {""}
    return lines + "".join(f"\nall agreed on: {text}" if len(agreed) == 1 else f"\nagreed on: {text}"
                           for text in sorted(agreed))


TABLES = {"small": load_table, "large": load_table, "routes": routes_table, "filters": filters_table,
          "idle": idle_table, "layer": layer_table, **dict.fromkeys(subjects.OVER_TLS_OR_HTTP2, peers_table)}
TITLES = {
    "small": "small: 1 KiB responses, {connections} keep-alive connections",
    "large": "large: 1 MiB responses, {connections} keep-alive connections",
    "routes": f"routes: {ROUTES:,} prefix routes, the last one matching, 1 KiB, {{connections}} connections",
    "filters": f"filters: {FILTERS} header_mutation filters that find nothing to do, 1 KiB, {{connections}} connections",
    "layer": "layer: a filter that awaits the next one and returns its response, in this process, no sockets",
    "idle": f"idle: {IDLE_CONNECTIONS:,} keep-alive connections that have each served a request",
    "h2tls": f"h2tls: HTTP/2 over TLS 1.3, 1 KiB responses, {HTTP2_CONNECTIONS} connections with {HTTP2_STREAMS} requests "
             "each under way",
    "h1tls": "h1tls: HTTP/1.1 over TLS 1.3, 1 KiB responses, {connections} keep-alive connections",
    "handshake": f"handshake: full TLS 1.3 handshakes (P-256 certificate), one request each, {HANDSHAKES_AT_ONCE} at a time",
    "resume": f"resume: TLS 1.3 handshakes resumed by ticket, one request each, {HANDSHAKES_AT_ONCE} at a time",
    "grpc": f"grpc: unary gRPC calls in clear text, {HTTP2_CONNECTIONS} connections with {HTTP2_STREAMS} calls each under way",
    "bulktls": "bulktls: 1 MiB responses, HTTP/1.1 over TLS 1.3, {connections} keep-alive connections",
}
