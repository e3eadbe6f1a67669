"""The Python client's reader of event streams, with the streams of event_streams.json, whole and in pieces of every size."""

import json
import pathlib
import sys

here = pathlib.Path(__file__).parent
sys.path.insert(0, str(here / "../../examples/clients/python"))
from kettle_client import server_sent_events

for case in json.loads((here / "event_streams.json").read_text()):
    stream = case["stream"].encode()
    for size in range(1, len(stream) + 2):
        pieces = [stream[at:at + size] for at in range(0, len(stream), size)]
        events = [list(event) for event in server_sent_events(pieces)]
        assert events == case["events"], (case, size, events)
