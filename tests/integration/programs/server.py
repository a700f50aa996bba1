"""http.server (threads) for the truth tests; same paths as server.go. Usage: server.py PORT LOG"""

import http.server
import json
import sys
import time
import urllib.parse
import urllib.request

LOG = open(sys.argv[2], "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status=200, body=b"", chunked=False):
        self.send_response(status)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            half = len(body) // 2
            for part in (body[:half], body[half:]):
                if part:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            if status not in (204, 304):
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)
        LOG.write(json.dumps({"method": self.command, "target": self.path, "status": status}) + "\n")

    def serve(self):
        path = self.path.split("?")[0]
        number = path.rsplit("/", 1)[1]
        number = int(number) if number.isdigit() else 0
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path.startswith("/echo"):
            self.answer(body=body)
        elif path.startswith("/status/"):
            self.answer(number)
        elif path.startswith("/bytes/"):
            self.answer(body=b"x" * number)
        elif path.startswith("/chunked/"):
            self.answer(body=b"x" * number, chunked=True)
        elif path.startswith("/slow/"):
            time.sleep(number / 1000)
            self.answer()
        elif path.startswith("/call"):
            url = urllib.parse.parse_qs(self.path.split("?", 1)[1])["url"][0]
            with urllib.request.urlopen(url) as response:
                self.answer(body=response.read())
        else:
            self.answer()

    do_GET = do_POST = do_PUT = do_HEAD = do_DELETE = do_OPTIONS = serve

    def log_message(self, *_):
        pass


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 512
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
