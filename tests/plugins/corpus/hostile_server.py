"""A server on loopback that answers with the bytes it is told, right or wrong."""

import socket
import threading
from contextlib import contextmanager


class Hostile:
    """The answers to come and the requests that came.

    Attributes:
        answers: for each connection the pieces to send, as a list of bytes; the last one is repeated. The piece
            `STALL` waits until the client has closed; `RESET` resets the connection.
        asked: the lines of each request.
        num_sent: bytes that the client's system has taken.
    """

    def __init__(self):
        self.answers, self.asked, self.num_sent = [], [], 0
        self.url = ""


STALL, RESET = object(), object()


def answer(body=b"", status="200 OK", **headers):
    """One answer as bytes; an underscore in a header's name stands for a hyphen; a list gives several lines."""
    lines = [f"HTTP/1.1 {status}"]
    for name, values in headers.items():
        lines += [f"{name.replace('_', '-')}: {value}" for value in (values if isinstance(values, list) else [values])]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


def endless(*pieces):
    """The pieces, the last of them some megabytes long."""
    return [*pieces[:-1], *[pieces[-1] * 999] * 2_000]


@contextmanager
def hostile():
    """Serve until the block ends."""
    served = Hostile()
    listener = socket.create_server(("127.0.0.1", 0))
    served.url = f"http://127.0.0.1:{listener.getsockname()[1]}"

    def run():
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                _serve(connection, served)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield served
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def _serve(connection, served):
    connection.settimeout(10.0)
    try:
        request = b""
        while b"\r\n\r\n" not in request:
            piece = connection.recv(4096)
            if not piece:
                return
            request += piece
        served.asked.append(request.decode("latin-1").split("\r\n"))
        pieces = served.answers[min(len(served.asked), len(served.answers)) - 1]
        for piece in [pieces] if isinstance(pieces, bytes) else pieces:
            if piece is STALL:
                connection.recv(1)
            elif piece is RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                return
            else:
                connection.sendall(piece)
                served.num_sent += len(piece)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # until the client has closed
    except OSError:  # the client has left
        pass
