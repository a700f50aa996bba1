"""The dashboards: sound JSON, and each query answered with data by a real Prometheus that scrapes the real programs."""

import http.server
import importlib.util
import json
import pathlib
import re
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from grpc_by_hand import Calls
from programs import ROOT, answers, free_port, running, wait_for

SOURCE = ROOT / "deploy" / "grafana" / "dashboards.py"
SCRAPES = ROOT / "deploy" / "prometheus" / "prometheus.yaml"


def dashboards():
    spec = importlib.util.spec_from_file_location("dashboards", SOURCE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    with tempfile.TemporaryDirectory() as folder:
        module.main(folder)
        return [json.loads(path.read_text()) for path in sorted(pathlib.Path(folder).glob("*.json"))]


def queries(board):
    """Title and expression of each query, the variables filled in as Grafana does for All."""
    for panel in board["panels"]:
        for target in panel.get("targets", []):
            yield panel["title"], re.sub(r"\$(instance|service)\b", ".+", target["expr"]).replace("$__rate_interval", "10s")


class Sound(unittest.TestCase):
    def test_panels_do_not_overlap_and_are_named_once(self):
        boards = dashboards()
        self.assertEqual(len({board["uid"] for board in boards}), 4)
        titles = [panel["title"] for board in boards for panel in board["panels"] if panel["type"] == "row"]
        self.assertLessEqual({"HTTP served", "HTTP called", "gRPC served", "gRPC called"}, set(titles))
        for board in boards:
            taken, ids = set(), set()
            for panel in board["panels"]:
                self.assertNotIn(panel["id"], ids)
                ids.add(panel["id"])
                at = panel["gridPos"]
                cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
                self.assertFalse(cells & taken, panel["title"])
                self.assertLessEqual(at["x"] + at["w"], 24)
                taken |= cells

    def test_each_variable_that_is_used_is_defined(self):
        for board in dashboards():
            defined = {variable["name"] for variable in board["templating"]["list"]}
            used = set(re.findall(r"\$\{?(\w+)", json.dumps(board["panels"]))) - {"__rate_interval"}
            self.assertEqual(used - defined, set())


class Service(http.server.BaseHTTPRequestHandler):
    """Answers 500 to /broken, so that there are errors to show."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):  # noqa: N802
        body = b"hello"
        self.send_response(500 if self.path == "/broken" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Traffic:
    """Requests at a steady rate to a server of this process."""

    def __init__(self):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.server.serve_forever), threading.Thread(target=self.ask)]
        for thread in self.threads:
            thread.start()

    def ask(self):
        base = f"http://127.0.0.1:{self.server.server_address[1]}"
        while not self.ended.wait(0.05):
            for path in ("/", "/broken"):
                try:
                    urllib.request.urlopen(base + path, timeout=10).read()
                except urllib.error.HTTPError:
                    pass

    def stop(self):
        self.ended.set()
        self.server.shutdown()
        for thread in self.threads:
            thread.join()
        self.server.server_close()


class AgainstPrometheus(unittest.TestCase):
    def test_each_query_has_data(self):
        with tempfile.TemporaryDirectory() as folder, running(folder) as programs:
            for traffic in (Traffic(), Calls()):
                self.addCleanup(traffic.stop)
            port = self.start_prometheus(programs)
            empty = {}

            def all_answered():
                empty.clear()
                for board in dashboards():
                    for title, expression in queries(board):
                        if not self.ask(port, expression):
                            empty[f"{board['title']}: {title}"] = expression
                return not empty

            deadline = time.monotonic() + 120
            while not all_answered() and time.monotonic() < deadline:
                time.sleep(1)  # Prometheus has to scrape twice before a rate exists
            self.assertEqual(empty, {})

    def start_prometheus(self, programs):
        config = SCRAPES.read_text().replace("15s", "1s").replace("alerts.yaml", str(SCRAPES.with_name("alerts.yaml")))
        for default, port in ((8890, programs.admin), (8888, programs.gateway_metrics), (9464, programs.red)):
            self.assertIn(f"localhost:{default}", config)
            config = config.replace(f"localhost:{default}", f"localhost:{port}")
        path = programs.folder / "prometheus.yaml"
        path.write_text(config)
        port = free_port()
        programs.run("prometheus", ["prometheus", f"--config.file={path}", f"--storage.tsdb.path={programs.folder}/tsdb",
                                    f"--web.listen-address=127.0.0.1:{port}"])
        wait_for("Prometheus", lambda: answers(port, "/-/ready"), seconds=60)
        return port

    def ask(self, port, expression):
        query = urllib.parse.urlencode({"query": expression})
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=30) as answer:
            result = json.load(answer)
        self.assertEqual(result["status"], "success", expression)
        return result["data"]["result"]


if __name__ == "__main__":
    unittest.main()
