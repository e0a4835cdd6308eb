"""Holds one exchange of a table with a gateway, and tells what the client saw."""
import select
import socket

from case import ALL, ANSWER, SHUT
from wire import Reader, WireError

PATIENCE_S = 6
QUIET_S = 0.25
CLOSE_S = 2


def hold(exchange, port):
    """(what the client saw, the port it came from)"""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        own_port = connection.getsockname()[1]
        reader = Reader(connection)
        try:
            send(exchange, connection, reader)
            responses, end = receive(exchange, reader)
        except ConnectionError:
            responses, end = [], "reset"
        return {"responses": responses, "end": end}, own_port


def send(exchange, connection, reader):
    for step in exchange.steps:
        if step == ANSWER:
            reader.more()
        elif step == SHUT:
            connection.shutdown(socket.SHUT_WR)
        else:
            try:
                connection.sendall(step)
            except (BrokenPipeError, ConnectionResetError):
                return  # refused already; the answer may still be readable


def receive(exchange, reader):
    """(responses, how the connection ended)"""
    responses, wanted = [], exchange.responses
    try:
        while wanted == ALL or sum(not interim(found) for found in responses) < wanted:
            if wanted == ALL and responses and not reader.data and not readable(reader.connection):
                return responses, "open"
            found = response(reader, exchange.method)
            if found is None:
                return responses, "closed"
            responses.append(found)
            if found["body"] is None:
                return responses, found.pop("end")
    except TimeoutError:
        return responses, "silent"
    except ConnectionError:
        return responses, "reset"
    return responses, ending(responses, reader)


def interim(found):
    return 100 <= found["status"] < 200 and found["status"] != 101


def readable(connection):
    return bool(select.select([connection], [], [], QUIET_S)[0])


def response(reader, method):
    head = reader.head()
    if head is None:
        return None
    words = head.line.split(" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    found = {"line": head.line, "status": status, "headers": head.headers, "body": None, "trailers": []}
    bodiless = method == "HEAD" or status < 200 or status in (204, 304)
    try:
        body, trailers = reader.body(head, bodiless, until_close=True)
        found.update(body=body.decode("latin-1"), trailers=trailers)
    except (WireError, ValueError):
        found["end"] = "closed within the body"
    except TimeoutError:
        found["end"] = "silent within the body"
    except ConnectionError:
        found["end"] = "reset within the body"
    return found


def ending(responses, reader):
    """Whether the gateway closes, when it said so; what it does without saying is not waited for."""
    last = responses[-1] if responses else None
    said = last is not None and any(name.lower() == "connection" and "close" in value for name, value in last["headers"])
    if reader.ended:
        return "closed"
    if not said:
        return "open"
    try:
        reader.within(CLOSE_S)
        return "closed, as it said" if not reader.more() else "more bytes"
    except TimeoutError:
        return "open, against its word"
    except ConnectionError:
        return "closed, as it said"

