"""A file server on loopback that supports Range and If-Range and simulates faults."""

import re
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Served:
    """The files and faults of the server, and the requests that it received.

    Attributes:
        cut_after: numbers of bytes; each entry truncates the body of one response.
        codes: status codes; each entry replaces one response.
        asked: path and Range header of each request.
    """

    def __init__(self):
        self.files = {}
        self.etag = '"first"'
        self.ranges = True
        self.cut_after = []
        self.codes = []
        self.asked = []
        self.url = ""


@contextmanager
def serving():
    served = Served()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range")
            served.asked.append((self.path, wanted))
            data = served.files.get(self.path.lstrip("/"))
            code = served.codes.pop(0) if served.codes else 200 if data is not None else 404
            if code != 200:
                return self.send_error(code)
            begin = 0
            marked = self.headers.get("If-Range", served.etag)
            if wanted and served.ranges and marked == served.etag:
                begin = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])
                if begin >= len(data):
                    self.send_response(416)
                    self.send_header("Content-Range", f"bytes */{len(data)}")
                    self.send_header("Content-Length", "0")
                    return self.end_headers()
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            else:
                self.send_response(200)
            if served.etag:
                self.send_header("ETag", served.etag)
            self.send_header("Content-Length", str(len(data) - begin))
            self.end_headers()
            cut = served.cut_after.pop(0) if served.cut_after else len(data)
            self.wfile.write(data[begin : begin + cut])
            self.close_connection = True

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    served.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield served
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
