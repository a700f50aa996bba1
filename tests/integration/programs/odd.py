"""Answers that few servers give, for the truth tests. Usage: odd.py PORT LOG

/early      102, 103 and then 200        /upgrade  101, then every line comes back in capitals
/until-end  no length: the body ends with the connection          else  200 with 2 bytes
"""

import http.server
import json
import sys

LOG = open(sys.argv[2], "a", buffering=1)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status = 200
        if self.path.startswith("/early"):
            self.wfile.write(b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x.css>; rel=preload\r\n\r\n")
            self.whole(b"early")
        elif self.path.startswith("/upgrade"):
            status = 101
            self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n")
        elif self.path.startswith("/until-end"):
            self.wfile.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for _ in range(3):
                self.wfile.write(b"b" * 1000)
            self.close_connection = True
        else:
            self.whole(b"ok")
        LOG.write(json.dumps({"method": self.command, "target": self.path, "status": status}) + "\n")
        if status == 101:
            self.close_connection = True
            for line in self.rfile:
                self.wfile.write(line.upper())

    def whole(self, body):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
