"""Reads the templates for CI systems with a YAML parser that is not theirs, and prints what they have a shell run.

    templates.py github|gitlab FILE
"""

import re
import sys

import yaml

kind, path = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    document = yaml.safe_load(file)


def expressions(value, place=()):
    """Every text with an expression in it, and where it stands."""
    if isinstance(value, dict):
        for key, member in value.items():
            yield from expressions(member, place + (key,))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from expressions(member, place + (number,))
    elif isinstance(value, str) and "${{" in value:
        yield place, value


if kind == "github":
    assert document["runs"]["using"] == "composite"
    (step,) = document["runs"]["steps"]
    assert step["shell"] == "bash", step
    used = set()
    for place, text in expressions(document):
        if place[:1] == ("outputs",):
            name = re.fullmatch(r"\$\{\{ steps\.submit\.outputs\.([a-z-]+) \}\}", text)[1]
            assert place == ("outputs", name, "value"), place
            continue
        # A shell must never read an input as a program: it goes into the environment, and nowhere else.
        assert place[:4] == ("runs", "steps", 0, "env"), (place, text)
        used.add(re.fullmatch(r"\$\{\{ inputs\.([a-z-]+) \}\}", text)[1])
    assert used == set(document["inputs"]), used ^ set(document["inputs"])
    assert all(entry.get("description") for entry in (document["inputs"] | document["outputs"]).values())
    print(step["run"])
else:
    job = document[".kettle"]
    assert list(document) == [".kettle"], "a hidden job and nothing else"
    assert job["id_tokens"]["KETTLE_ID_TOKEN"]["aud"] == "$KETTLE_API", job
    assert job["artifacts"]["paths"] == [job["variables"]["KETTLE_OUTPUT"]], job
    assert job["artifacts"]["reports"]["dotenv"] == job["variables"]["KETTLE_DOTENV"], job
    print("\n".join(job["script"]))
