"""Holds one exchange of a table with a gateway, and tells what the client saw."""
import select
import socket
import ssl

from case import ALL, ANSWER, ENDED, SHUT
from client_tls import facts, make_context, refusal
from http2 import Http2, together
from wire import Reader, WireError

PATIENCE_S = 6
QUIET_S = 0.25
CLOSE_S = 2
# Which of the two it is hangs on what the gateway has not read yet.
CLOSED = "closed or reset"
# What sending says when the gateway has closed.
GONE = (BrokenPipeError, ConnectionResetError, ssl.SSLEOFError)


class Client:
    """Clients of one gateway, each from a port of its own: by that a line of the log tells whose it is."""

    def __init__(self, port, certificates):
        self.port, self.certificates, self.ports = port, certificates, set()

    def connect(self):
        """A connection, from a port that none before came from."""
        passed_over = []
        while True:
            connection = socket.create_connection(("127.0.0.1", self.port))
            if connection.getsockname()[1] not in self.ports:
                break
            passed_over.append(connection)
        for other in passed_over:
            other.close()
        self.ports.add(connection.getsockname()[1])
        connection.settimeout(PATIENCE_S)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def hold(self, exchange):
        """(what the client saw, the port it came from)"""
        if exchange.tls is None:
            return hold_once(exchange, self)
        context, session = make_context(exchange.tls, self.certificates), None
        if exchange.tls.resumes:
            sessions = []
            hold_once(exchange, self, context, sessions=sessions)
            session = sessions[0] if sessions else None
        return hold_once(exchange, self, context, session)


def hold_once(exchange, client, context=None, session=None, sessions=None):
    with client.connect() as connection:
        own_port = connection.getsockname()[1]
        connection.sendall(exchange.before)
        seen = {"responses": [], "tls": None}
        if context is None:
            return {**seen, **talk(exchange, connection)}, own_port
        try:
            with context.wrap_socket(connection, server_hostname=exchange.tls.sni, session=session,
                                     suppress_ragged_eofs=False) as secure:
                seen["tls"] = facts(exchange.tls, secure, client.certificates)
                seen.update(talk(exchange, secure))
                if sessions is not None and secure.session is not None:
                    sessions.append(secure.session)
                    say_goodbye(exchange.tls, secure)
        except (ssl.SSLError, ConnectionError) as error:
            seen["end"] = f"refused {refusal(error)}"
        return seen, own_port


def say_goodbye(tls, secure):
    """Sends a close_notify, unless the connection is to be cut."""
    if tls.resumes == "closed":
        secure.unwrap().close()


def talk(exchange, connection):
    """{responses, end}"""
    reader = Reader(connection)
    try:
        if exchange.is_http2:
            return talk_http2(exchange, reader)
        send(exchange, connection, reader)
        responses, end = receive(exchange, reader)
    except ConnectionError:
        responses, end = [], "reset"
    except WireError:
        responses, end = [], "ended within what is no HTTP/1"
    if exchange.before and not responses and end in ("closed", "reset"):
        end = CLOSED
    return {"responses": responses, "end": end + ", cut off" * reader.is_cut}


def talk_http2(exchange, reader):
    wire, end = Http2(reader, is_client=True), CLOSED
    try:
        wire.start()
        for steps in together(exchange.steps, (ANSWER, ENDED, SHUT)):
            perform(steps, wire, reader)
        end = ending_http2(wire)
    except TimeoutError:
        end = "silent"
    except ConnectionError:
        pass
    responses = [found for number in sorted(wire.messages) for found in responses_of(wire.messages[number])]
    resets = [f"stream {number} reset {message.reset}" for number, message in sorted(wire.messages.items()) if message.reset]
    goaway = [f"goaway {wire.goaway}"] if wire.goaway else []
    return {"responses": responses, "end": ", ".join(resets + goaway + [end])}


def perform(steps, wire, reader):
    if steps == [ANSWER]:
        before = wire.frames
        wire.until(lambda: wire.frames > before)
    elif steps == [ENDED]:
        wire.until(lambda: all_ended(wire))
    elif steps == [SHUT]:
        reader.connection.shutdown(socket.SHUT_WR)
    else:
        try:
            wire.send(*steps)
        except GONE:
            pass  # refused already; the answer may still be readable


def all_ended(wire):
    return all(message.ended or message.reset or number in wire.given_up for number, message in wire.messages.items())


def ending_http2(wire):
    """Reads to the end of all streams, and of the connection when the gateway says that it ends."""
    failed = lambda: wire.goaway not in ("", "NO_ERROR")
    if not wire.until(lambda: failed() or bool(wire.messages) and all_ended(wire)):
        return CLOSED
    if failed():
        wire.reader.within(CLOSE_S)
        wire.until(lambda: False)
        return CLOSED
    unsettled = lambda: [n for n, message in wire.messages.items() if not message.reset and n not in wire.sent_end]
    wire.for_a_while(QUIET_S, lambda: not unsettled())
    if wire.given_up:
        wire.settle()
    return "open"


def responses_of(message):
    """As those of HTTP/1."""
    heads = message.interim + ([message.headers] if message.headers is not None else [])
    found = []
    for head in heads:
        status = dict(head).get(":status", "")
        found.append({"line": f"HTTP/2 {status}", "status": int(status) if status.isdigit() else 0, "body": "", "trailers": [],
                      "headers": [pair for pair in head if pair[0] != ":status"]})
    if message.headers is not None:
        found[-1].update(body=message.body.decode("latin-1") + ("" if message.ended else "(no end)"), trailers=message.trailers)
    return found


def send(exchange, connection, reader):
    for step in exchange.steps:
        if step == ANSWER:
            reader.more()
        elif step == SHUT:
            connection.shutdown(socket.SHUT_WR)
        else:
            try:
                connection.sendall(step)
            except GONE:
                return  # refused already; the answer may still be readable


def receive(exchange, reader):
    """(responses, how the connection ended)"""
    responses, wanted = [], exchange.responses
    try:
        while wanted == ALL or sum(not interim(found) for found in responses) < wanted:
            if wanted == ALL and responses and not reader.data and not readable(reader.connection):
                return responses, "open"
            found = response(reader, exchange)
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


def response(reader, exchange):
    head = reader.head()
    if head is None:
        return None
    words = head.line.split(" ", 2)
    status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
    found = {"line": head.line, "status": status, "headers": head.headers, "body": None, "trailers": []}
    bodiless = exchange.method == "HEAD" or status < 200 or status in (204, 304)
    try:
        if status == 101 and exchange.is_tunnel:
            body, trailers = reader.rest(), []
        else:
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
