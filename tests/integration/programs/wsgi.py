"""A WSGI application for the truth tests; same paths as server.go where they make sense."""

import http
import json
import os
import time

LOG = open(os.environ["TRUTH_LOG"], "a", buffering=1)


def app(environ, start_response):
    path, query = environ["PATH_INFO"], environ["QUERY_STRING"]
    last = path.rsplit("/", 1)[1]
    number = int(last) if last.isdigit() else 0
    status, answer, chunked = 200, b"", False
    if path.startswith("/echo"):
        answer = environ["wsgi.input"].read()
    elif path.startswith("/status/"):
        status = number
    elif path.startswith("/bytes/"):
        answer = b"x" * number
    elif path.startswith("/chunked/"):
        answer, chunked = b"x" * number, True
    elif path.startswith("/slow/"):
        time.sleep(number / 1000)
    headers = [] if chunked or status in (204, 304) else [("Content-Length", str(len(answer)))]
    start_response(f"{status} {http.HTTPStatus(status).phrase}", headers)
    LOG.write(json.dumps({"method": environ["REQUEST_METHOD"], "target": path + ("?" + query if query else ""), "status": status}) + "\n")
    if environ["REQUEST_METHOD"] == "HEAD":
        return []
    half = len(answer) // 2
    return [part for part in (answer[:half], answer[half:]) if part] if chunked else [answer]
