"""Runs a service with a collector of traces, builds, and has the libraries of Prometheus and OpenTelemetry read what it says.

    observe.py FOLDER KETTLE serve …        FOLDER holds tally.zip

Prints the metrics as they were served.
"""

import http.server
import os
import subprocess
import sys
import threading
import time
import urllib.request

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.parser import text_string_to_metric_families

folder, command = sys.argv[1], sys.argv[2:]
bodies = []


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        bodies.append((self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *arguments):
        pass


collector = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=collector.serve_forever, daemon=True).start()
environment = dict(os.environ, OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{collector.server_port}")
service = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
try:
    address = next(line for line in service.stdout if line.startswith("Kettle listens on ")).split()[-1]
    subprocess.run(
        ["curl", "-sS", "--fail", "-N", "-o", "/dev/null", "-F", f"source=@{folder}/tally.zip", f"{address}/build/stream"],
        check=True)
    deadline = time.monotonic() + 300
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{address}/metrics") as answer:
            text = answer.read().decode()
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4"), answer.headers
        families = {family.name: family for family in text_string_to_metric_families(text)}
        if families["kettle_builds_ended"].samples:
            break
        time.sleep(0.1)
finally:
    service.terminate()
    assert service.wait(600) == 0

ended = families["kettle_builds_ended"].samples
assert [(sample.labels, sample.value) for sample in ended] == [({"toolchain": "cargo", "outcome": "success"}, 1)], ended
assert families["kettle_http_request_duration_seconds"].type == "histogram"
for family in families.values():
    assert family.type in ("counter", "gauge", "histogram") and family.documentation, family

spans = []
for path, content_type, body in bodies:
    assert (path, content_type) == ("/v1/traces", "application/json"), (path, content_type)
    # Refuses fields that it does not know.
    request = json_format.Parse(body, ExportTraceServiceRequest())
    for resource in request.resource_spans:
        for scope in resource.scope_spans:
            spans += scope.spans
names = {span.name for span in spans}
steps = ["source", "detect", "fetch", "inputs", "build", "provenance", "attest", "seal"]
assert {"POST /build/stream", "build", *(f"build {step}" for step in steps)} <= names, names
for span in spans:
    # Ids are hexadecimal in OTLP's JSON and base64 in that of protocol buffers, so this parser reads 3/4 of as many bytes.
    assert (len(span.trace_id), len(span.span_id)) == (24, 12), span
    assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano, span
print(f"{len(families)} metrics, {len(spans)} spans", file=sys.stderr)
print(text, end="")
