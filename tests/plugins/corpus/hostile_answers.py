"""A table of answers of servers that mean harm or are broken, each with the words of the line that it must end in."""

import random

from megaasr_plugins.corpus.fetching.http_client import DownloadLimits
from tests.plugins.corpus.hostile_server import RESET, STALL, answer, endless

DATA = random.Random(1).randbytes(5_000)
SMALL = DownloadLimits(
    timeout_s=0.2,
    min_bytes_per_s=0.0,
    max_bytes=10**6,
    max_unsized_bytes=10**5,
    tries=3,
    progress_bytes=1_000,
    max_tries=20,
)
RANGED = {"Content_Length": len(DATA), "ETag": '"1"'}


def rest(begin, body, **changes):
    """The answer to a request for a range."""
    headers = {
        "Content_Length": len(body),
        "Content_Range": f"bytes {begin}-{len(DATA) - 1}/{len(DATA)}",
        "ETag": '"1"',
    }
    return answer(body, "206 Partial Content", **{**headers, **changes})


def cut_to_a_byte(number):
    """The answer to a request for what follows the first bytes, cut behind one byte."""
    byte = DATA[number : number + 1]
    return rest(number, byte, Content_Length=len(DATA) - number) if number else answer(byte, **RANGED)


def of_two_answers(second):
    """An answer that is cut after 2,000 bytes, then another."""
    return [answer(DATA[:2_000], **RANGED), second]


CHUNKED = {"Transfer_Encoding": "chunked"}
REFUSED = {
    "endless body": ([endless(answer(), b"x")], "sends more than 100000 bytes"),
    "endless chunks": (
        [endless(answer(**CHUNKED), b"5\r\n12345\r\n")],
        "sends more than 100000 bytes",
    ),
    "endless headers": ([endless(b"HTTP/1.1 200 OK\r\n", b"A: b\r\n")], "no connection"),
    "one endless header": ([endless(b"HTTP/1.1 200 OK\r\nA: ", b"b")], "no connection"),
    "endless interim answers": ([endless(answer(status="100 Continue", A="b" * 900))], "of headers"),
    "endless trailers": (
        [endless(answer(b"1\r\nx\r\n0\r\n", **CHUNKED), b"A: %s\r\n" % bytes(90))],
        "of headers",
    ),
    "endless chunk extension": (
        [endless(answer(b"1;", **CHUNKED), b"x")],
        "connection was lost",
    ),
    "a chunk size that is no number": ([answer(b"zz\r\nx", **CHUNKED)], "connection was lost"),
    "a chunk size below zero": ([answer(b"-5\r\nx", **CHUNKED)], r"connection was lost|cut off|empty"),
    "a byte a try": ([cut_to_a_byte(number) for number in range(99)], r"cut off after \d of 5000 bytes; start again"),
    "Content-Length that is no number": ([answer(DATA, Content_Length="five")], "a wrong size, Content-Length 'five'"),
    "Content-Length below zero": ([answer(DATA, Content_Length="-1")], "a wrong size, Content-Length '-1'"),
    "Content-Length of other digits": ([answer(DATA, Content_Length="²")], "a wrong size"),
    "two lengths in a line": ([answer(DATA, Content_Length="5, 6")], "a wrong size, Content-Length '5, 6'"),
    "two lengths": ([answer(DATA, Content_Length=["5", "6"])], "a wrong size"),
    "a huge length": ([answer(DATA, Content_Length=10**17)], "refused, 1" + "0" * 17 + " bytes; the bound is 1000000"),
    "a length beyond numbers": ([answer(DATA, Content_Length="9" * 5_000)], "a wrong size"),
    "too short": ([answer(DATA[:7], Content_Length=99)], "cut off after 7 of 99 bytes; start again to go on"),
    "nothing": ([answer(Content_Length=0)], "empty file"),
    "another range": (of_two_answers(rest(1_999, DATA[1_999:])), "another range"),
    "a range without numbers": (
        of_two_answers(rest(2_000, DATA[2_000:], Content_Range="bytes */5000")),
        "another range",
    ),
    "a range without end": (of_two_answers(rest(2_000, DATA[2_000:], Content_Range="bytes 2000-1999/5000")), "another"),
    "a range beyond the file": (
        of_two_answers(rest(2_000, DATA[2_000:], Content_Range="bytes 2000-4999/9")),
        "another",
    ),
    "a huge range": (
        of_two_answers(rest(2_000, DATA, Content_Range=f"bytes 2000-{10**17}/*", Content_Length=10**17 - 1_999)),
        "refused, 1" + "0" * 16 + "1 bytes",
    ),
    "another version each time": (of_two_answers(rest(2_000, DATA[2_000:], ETag='"2"')), "another"),
    "another version each time, 416": (of_two_answers(answer(status="416 No")), "another version"),
    "a page": ([answer(b"<html>Sign in</html>", Content_Type="text/html")], "sent an HTML page instead of the file"),
    "an encoding": (
        [answer(b"x", Content_Encoding="br", Content_Length=1)],
        "sent with the encoding 'br', which was not",
    ),
    "redirect to a file": (
        [answer(status="302 Go", Location="file:///etc/passwd")],
        "redirected to file:///etc/passwd;",
    ),
    "redirect to ftp": ([answer(status="301 Go", Location="ftp://127.0.0.1/a")], "only http and https are fetched"),
    "redirect to data": ([answer(status="307 Go", Location="data:,x")], "only http and https are fetched"),
    "redirect to a broken address": ([answer(status="302 Go", Location="http://[")], "redirected to"),
    "redirect to itself": ([answer(status="302 Go", Location="/a.tar.gz")], "more than 10 redirects"),
    "redirect with an endless body": (
        [endless(answer(status="302 Go", Location="/b"), b"x")],
        "more than 10 redirects",
    ),
    "redirect to nowhere": ([answer(status="302 Go")], "answers 302 Go"),
    "error with an endless body": ([endless(answer(status="404 No"), b"x")], "answers 404 No"),
    "an answer without a file": ([answer(status="204 Empty")], "answers 204 Empty"),
    "busy for ever": ([answer(status="503 Busy")], "answers 503 Busy; start again to go on from there"),
    "a status of a million letters": ([b"HTTP/1.1 500 " + b"x" * 60_000 + b"\r\n\r\n"], r"answers 500 x{200}; "),
    "a status with escapes": ([answer(status="404 \x1b[31mred")], r"answers 404 \?\[31mred; "),
    "no HTTP": ([b"220 ready\r\n" * 20], "no connection"),
    "nothing at all": ([b""], "no connection"),
    "reset before the headers": ([[RESET]], "no connection"),
    "reset in the headers": ([[b"HTTP/1.1 200 OK\r\nContent-", RESET]], "no connection"),
    "reset in the body": ([[answer(DATA[:9], **RANGED), RESET], [RESET]], "connection was lost"),
    "silence before the headers": ([[STALL]], r"no connection \(.*timed out"),
    "silence in the headers": ([[b"HTTP/1.1 200 OK\r\n", STALL]], r"no connection \(.*timed out"),
    "silence in the body": ([[answer(DATA[:9], **RANGED), STALL]], r"connection was lost \(.*timed out"),
}
