"""Puts what is real into the requests that schemathesis makes up: builds that there are, sources that are archives.

The address, the ids and the files come from .ci/schemathesis in the environment.
"""

import base64
import json
import os
import pathlib
import re
import urllib.error
import urllib.request
import zlib

import schemathesis

success, failed, running, artifact = (os.environ[f"KETTLE_{name}"] for name in ("SUCCESS", "FAILED", "RUNNING", "ARTIFACT"))
sources = {name: pathlib.Path(os.environ["KETTLE_SOURCES"], f"{name}.zip").read_bytes() for name in ("good", "bad")}
build_id = re.compile("[0-9a-f]{24,64}")
placeholder = "the archive goes here"


@schemathesis.hook
def before_call(context, case, kwargs):
    # The same choice for the same request, so that what is found can be found again.
    seed = zlib.crc32(repr((case.method, case.path, case.path_parameters, case.query, case.headers, case.body)).encode())
    if case.method in ("GET", "HEAD"):
        use_real_build(case, seed)
    elif case.method == "POST":
        use_real_source(case, seed, kwargs)
    elif case.method == "DELETE":
        spare_real_build(case, seed)


def use_real_build(case, seed):
    parameters = case.path_parameters or {}
    if build_id.fullmatch(str(parameters.get("id", ""))):
        choices = [success, success, failed, running, parameters["id"]]
        if case.path.endswith("/events"):
            # The events of the running one would not end.
            choices[3] = success
            if parameters["id"] == running:
                choices[4] = failed
        parameters["id"] = choices[seed % 5]
    if "name" in parameters and seed % 2 and str(parameters["name"]).isalnum():
        parameters["name"] = "Cargo.lock" if "build-config" in case.path else "hello"
    if "digest" in parameters and seed % 2 and re.fullmatch("[0-9a-fA-F]{64}", str(parameters["digest"])):
        parameters["digest"] = artifact
    if case.path == "/builds" and build_id.fullmatch(str((case.query or {}).get("before", ""))):
        case.query["before"] = (success, failed, running)[seed % 3]


def use_real_source(case, seed, kwargs):
    if not isinstance(case.body, dict):
        return
    if str(case.body.get("repo_url", "")).startswith("https://"):
        # Nobody's server is to be bothered.
        case.body["repo_url"] = "https://source.invalid/repository"
    if case.meta is None or case.meta.generation.mode.is_negative:
        # It is wrong on purpose, perhaps in its source.
        return
    archive = sources["good" if seed % 8 == 0 else "bad"]
    if isinstance(case.body.get("source"), (bytes, str)) and case.body["source"] and seed % 4:
        # Bytes are no string to schemathesis, which would take the request for one that is to be refused.
        case.body["source"] = placeholder
        kwargs["auth"] = lambda request: put_archive(request, archive)
    if isinstance(case.body.get("source_data"), str) and case.body["source_data"] and seed % 4:
        case.body["source_data"] = base64.b64encode(archive).decode()


def put_archive(request, archive):
    request.body = request.body.replace(placeholder.encode(), archive)
    request.headers["Content-Length"] = str(len(request.body))
    return request


def spare_real_build(case, seed):
    """A build of its own is removed in place of one that the other requests are about, and sometimes of one that never was."""
    parameters = case.path_parameters or {}
    identifier = str(parameters.get("id", ""))
    if identifier in (success, failed, running) or build_id.fullmatch(identifier) and seed % 2:
        body = json.dumps({"source_data": base64.b64encode(sources["good" if seed % 4 else "bad"]).decode()}).encode()
        headers = {"Content-Type": "application/json"}
        if token := os.environ.get("KETTLE_API_TOKEN"):
            headers["Authorization"] = f"Bearer {token}"
        request = urllib.request.Request(f"{os.environ['KETTLE_ADDRESS']}/build", body, headers)
        try:
            with urllib.request.urlopen(request) as answer:
                parameters["id"] = json.load(answer)["job_id"]
        except urllib.error.HTTPError as error:
            # The queue may be full of what was sent before.
            if error.code != 429:
                raise
            parameters["id"] = "0" * 24
