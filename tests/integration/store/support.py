"""A gateway that keeps traces itself, and Jaeger's API in front of them."""

import importlib.util
import json
import pathlib
import sys
import urllib.error
import urllib.parse
import urllib.request

INTEGRATION = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(INTEGRATION / "truth"))
from stack import free_port  # noqa: E402

# Of the same name as this file, so it is loaded by its path.
_spec = importlib.util.spec_from_file_location("overload_support", INTEGRATION / "overload" / "support.py")
overload = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(overload)


def get(port, path, **parameters):
    """(status, JSON) of one question; a parameter may be a list."""
    url = f"http://127.0.0.1:{port}{path}"
    if parameters:
        url += "?" + urllib.parse.urlencode(parameters, doseq=True)
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


def post_otlp(port, resource_spans):
    body = json.dumps({"resourceSpans": resource_spans}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/traces", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200, answer.status


class StoreTest(overload.OverloadTest):
    def store_gateway(self, more="", query_port=None, **kwargs):
        self.query_port = query_port or free_port()
        self.directory = self.folder / "store"
        exporters = f"""  store:
    directory: {self.directory}
    query: {{endpoint: "127.0.0.1:{self.query_port}"}}
{more}"""
        return self.gateway(exporters, pipeline="exporters: [store]", **kwargs)

    def data(self, path, **parameters):
        status, body = get(self.query_port, path, **parameters)
        self.assertEqual(status, 200, body)
        return body["data"]
