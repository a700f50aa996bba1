#!/usr/bin/env python3
"""Writes the Grafana dashboards: one JSON file each into the folder that is given.

    deploy/grafana/dashboards.py build/grafana

A dashboard is a list of rows, a row a list of panels, a panel its title, unit and queries. Panels of a row share its width.
"""

import json
import pathlib
import sys

WIDTH, HEIGHT = 24, 8
RATE = "$__rate_interval"


def panel(title, unit, *queries, text=""):
    """`queries`: (expression, legend). `unit`: Grafana's name of it."""
    return {"title": title, "unit": unit, "queries": queries, "text": text}


AGENT = ("wirespan-agent", "wirespan: agent", 'instance=~"$instance"', "wirespan_ring_bytes", [
    ("What is seen", [
        panel("Exchanges", "reqps", (f"sum by (instance) (rate(wirespan_exchanges_reported_total{{F}}[{RATE}]))", "{{instance}}"),
              text="One for each end of an exchange that is on the node."),
        panel("Calls that moved bytes", "ops",
              (f"sum by (count) (rate(wirespan_kernel_calls_total{{F, count!~\"noted|records.*\"}}[{RATE}]))", "{{count}}"),
              text="captured, ignored (by filter, or not HTTP) and dropped; docs/ledger.md."),
        panel("Open connections", "none", ("sum by (instance) (wirespan_connections{F})", "{{instance}}")),
        panel("Open streams", "none", ("sum by (instance) (wirespan_streams_open{F})", "{{instance}}"),
              text="HTTP/2: requests and calls that have not ended; long ones are named by `explain`."),
    ]),
    ("What is lost: all of this is zero on a good day", [
        panel("Dropped in the kernel", "ops",
              (f"sum by (reason) (rate(wirespan_kernel_calls_total{{F, count=\"dropped\"}}[{RATE}]))", "{{reason}}")),
        panel("Exchanges given up", "ops",
              (f"sum by (reason) (rate(wirespan_exchanges_dropped_total{{F}}[{RATE}]))", "{{reason}}"),
              (f"sum(rate(wirespan_http2_streams_unseen_total{{F}}[{RATE}]))", "stream_unseen"),
              text="stream_unseen: HTTP/2 requests that were lost, known by the numbers of those that followed."),
        panel("Spans not delivered", "ops",
              (f"sum by (reason) (rate(wirespan_export_spans_total{{F, result=\"dropped\"}}[{RATE}]))", "{{reason}}")),
    ]),
    ("Spans", [
        panel("Not made into spans", "ops",
              (f"sum by (reason) (rate(wirespan_span_dropped_total{{F}}[{RATE}]))", "{{reason}}"),
              text="By choice: sampling, filters, processes with an SDK."),
        panel("How parents were found", "ops",
              (f"sum by (method) (rate(wirespan_span_parents_total{{F}}[{RATE}]))", "{{method}}")),
        panel("Acknowledged by the endpoint", "ops",
              (f"sum by (instance) (rate(wirespan_export_spans_total{{F, result=\"acknowledged\"}}[{RATE}]))", "{{instance}}")),
        panel("Answers of the endpoint", "ops",
              (f"sum by (code) (rate(wirespan_export_requests_total{{F}}[{RATE}]))", "{{code}}")),
    ]),
    ("Cost", [
        panel("CPU", "percentunit", (f"rate(process_cpu_seconds_total{{F}}[{RATE}])", "{{instance}}"), text="1 is one core."),
        panel("Memory", "bytes", ("process_resident_memory_bytes{F}", "{{instance}}")),
        panel("Ring, most used", "percentunit", ("wirespan_ring_used_bytes{F} / wirespan_ring_bytes{F}", "{{instance}}")),
        panel("Export queue", "percentunit",
              ("wirespan_export_queue_bytes{F} / wirespan_export_queue_capacity_bytes{F}", "{{instance}} {{signal}}")),
    ]),
])

GATEWAY = ("wirespan-gateway", "wirespan: gateway", 'instance=~"$instance"', "wirespan_gateway_held_limit_bytes", [
    ("Throughput", [
        panel("Spans accepted", "ops",
              (f"sum by (receiver, transport) (rate(otelcol_receiver_accepted_spans_total{{F}}[{RATE}]))", "{{receiver}} {{transport}}")),
        panel("Spans sent", "ops", (f"sum by (exporter) (rate(otelcol_exporter_sent_spans_total{{F}}[{RATE}]))", "{{exporter}}")),
        panel("Requests", "reqps",
              (f"sum by (outcome) (rate(otelcol_receiver_requests_total{{F}}[{RATE}]))", "{{outcome}}")),
    ]),
    ("Refused and failed: zero on a good day", [
        panel("Refused at the door", "ops",
              (f"sum by (receiver) (rate(otelcol_receiver_refused_spans_total{{F}}[{RATE}]))", "{{receiver}}"),
              text="Senders are told to come again."),
        panel("Given up", "ops",
              (f"sum by (exporter) (rate(otelcol_exporter_send_failed_spans_total{{F}}[{RATE}]))", "{{exporter}}")),
    ]),
    ("Held", [
        panel("Queues", "percentunit",
              ("otelcol_exporter_queue_size{F} / otelcol_exporter_queue_capacity{F}", "{{exporter}} {{data_type}}")),
        panel("In flight", "none", ("sum by (exporter) (otelcol_exporter_in_flight_requests{F})", "{{exporter}}")),
        panel("Requests in memory", "percentunit",
              ("wirespan_gateway_held_bytes{F} / wirespan_gateway_held_limit_bytes{F}", "{{instance}}")),
    ]),
    ("Cost", [
        panel("CPU", "percentunit", (f"rate(otelcol_process_cpu_seconds_total{{F}}[{RATE}])", "{{instance}}")),
        panel("Memory", "bytes", ("otelcol_process_memory_rss_bytes{F}", "{{instance}}")),
    ]),
])


def red(what):
    metric = f"{what}_duration_seconds"
    return [
        panel("Rate", "reqps", (f"sum by (job) (rate({metric}_count{{F}}[{RATE}]))", "{{job}}")),
        panel("Errors", "percentunit",
              (f"sum by (job) (rate({metric}_count{{F, error_type!=\"\"}}[{RATE}])) / sum by (job) (rate({metric}_count{{F}}[{RATE}]))",
               "{{job}}")),
        panel("Duration, 95 of 100 are shorter", "s",
              (f"histogram_quantile(0.95, sum by (job, le) (rate({metric}_bucket{{F}}[{RATE}])))", "{{job}}")),
    ]


# A service may do one of these alone.
ANY_TRAFFIC = '{__name__=~"(http_server_request|http_client_request|rpc_server_call|rpc_client_call)_duration_seconds_count"}'

TRAFFIC = ("wirespan-traffic", "wirespan: traffic of your services", 'job=~"$service"', ANY_TRAFFIC, [
    ("HTTP served", red("http_server_request")),
    ("HTTP called", red("http_client_request")),
    ("gRPC served", red("rpc_server_call")),
    ("gRPC called", red("rpc_client_call")),
])

STORAGE = ("wirespan-storage", "wirespan: storage", 'instance=~"$instance"', "wirespan_store_spans", [
    ("What is kept", [
        panel("Spans", "short", ("sum by (instance) (wirespan_store_spans{F})", "{{instance}}")),
        panel("Disk", "bytes", ("sum by (instance) (wirespan_store_disk_bytes{F})", "{{instance}}"),
              text="Of all files; retention::max_size_mib is the bound."),
        panel("Bytes for a span", "bytes", ("sum by (instance) (wirespan_store_disk_bytes{F}) / sum by (instance) (wirespan_store_spans{F} > 0)", "{{instance}}")),
    ]),
    ("What comes and goes", [
        panel("Written", "ops", (f"sum by (instance) (rate(wirespan_store_written_spans_total{{F}}[{RATE}]))", "{{instance}}")),
        panel("Deleted", "ops", (f"sum by (reason) (rate(wirespan_store_removed_spans_total{{F}}[{RATE}]))", "{{reason}}"),
              text="By age, or because the disk space is used up."),
        panel("Syncs", "ops", (f"sum by (instance) (rate(wirespan_store_syncs_total{{F}}[{RATE}]))", "{{instance}}"),
              text="Groups of requests that were written together."),
    ]),
    ("What is wrong: all of this is zero on a good day", [
        panel("Refused", "ops", (f"sum by (instance) (rate(wirespan_store_refused_spans_total{{F}}[{RATE}]))", "{{instance}}"),
              text="Left with their senders, because there was no room."),
        panel("Writes that the disk refused", "ops",
              (f"sum by (instance) (rate(wirespan_store_failed_writes_total{{F}}[{RATE}]))", "{{instance}}")),
        panel("Damaged", "short", ("sum by (what) (wirespan_store_damaged{F})", "{{what}}")),
        panel("Twice", "ops", (f"sum by (instance) (rate(wirespan_store_duplicate_spans_total{{F}}[{RATE}]))", "{{instance}}"),
              text="Spans that were there already: senders try again after a failure."),
    ]),
    ("Cost", [
        panel("Memory", "bytes", ("sum by (instance) (wirespan_store_memory_bytes{F})", "{{instance}}"),
              text="Tables, requests that wait, open blocks."),
        panel("Blocks", "short", ("sum by (instance) (wirespan_store_blocks{F})", "{{instance}}")),
        panel("Names left out", "ops", (f"sum by (instance) (rate(wirespan_store_names_left_out_total{{F}}[{RATE}]))", "{{instance}}"),
              text="Operations that the lists of services and operations have no room for."),
    ]),
])

DASHBOARDS = [AGENT, GATEWAY, STORAGE, TRAFFIC]


def variable(name, label, metric):
    query = f"label_values({metric}, {label})"
    return {"name": name, "type": "query", "datasource": {"type": "prometheus", "uid": "${datasource}"}, "query": query,
            "definition": query, "refresh": 2, "includeAll": True, "multi": True,
            "current": {"text": "All", "value": "$__all"}, "sort": 1}


def rendered(number, spec, chosen, x, y, width):
    targets = [{"refId": chr(ord("A") + i), "expr": expression.replace("{F", "{" + chosen), "legendFormat": legend}
               for i, (expression, legend) in enumerate(spec["queries"])]
    return {"id": number, "type": "timeseries", "title": spec["title"], "description": spec["text"],
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "gridPos": {"x": x, "y": y, "w": width, "h": HEIGHT}, "targets": targets,
            "fieldConfig": {"defaults": {"unit": spec["unit"], "min": 0, "custom": {"fillOpacity": 10}}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}}


def dashboard(uid, title, chosen, metric, rows):
    panels, y, number = [], 0, 0
    for heading, specs in rows:
        number += 1
        panels.append({"id": number, "type": "row", "title": heading, "collapsed": False, "panels": [],
                       "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}})
        y += 1
        width = WIDTH // len(specs)
        for column, spec in enumerate(specs):
            number += 1
            panels.append(rendered(number, spec, chosen, column * width, y, width))
        y += HEIGHT
    label = chosen.split("=")[0]
    variables = [{"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Data source"},
                 variable(chosen.split("$")[1].rstrip('"'), label, metric)]
    return {"uid": uid, "title": title, "tags": ["wirespan"], "timezone": "browser", "schemaVersion": 39, "editable": True,
            "refresh": "30s", "time": {"from": "now-1h", "to": "now"}, "templating": {"list": variables}, "panels": panels}


def main(folder):
    out = pathlib.Path(folder)
    out.mkdir(parents=True, exist_ok=True)
    for one in DASHBOARDS:
        (out / f"{one[0]}.json").write_text(json.dumps(dashboard(*one), indent=2) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: dashboards.py FOLDER")
    main(sys.argv[1])
