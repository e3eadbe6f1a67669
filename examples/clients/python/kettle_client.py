#!/usr/bin/env python3
"""Builds on a Kettle service, follows the build over lost connections, and has `kettle verify` judge the bundle.

    kettle_client.py [--api URL] [--ref REF] [--path FOLDER] [--visibility WHO] [-o FILE] [--kettle PROGRAM]
                     [--patience SECONDS] SOURCE [-- OPTIONS OF kettle verify]

SOURCE is a ZIP or tar.gz archive, or the URL of a git repository. The service is --api, else $KETTLE_API, else
http://127.0.0.1:8080. The environment's KETTLE_TOKEN is the token, where the service wants one. Messages go to standard error,
what was found to standard output. Exit status 0: accepted; 1: rejected, refused, or the project cannot be built; 2: not found out.

For other programs there is `Client`. Python 3.9 or newer; nothing but its standard library.
"""

import argparse
import base64
import binascii
import hashlib
import http.client
import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import time
import urllib.parse
from dataclasses import dataclass

BLOCK = 1 << 16
# A line, or an event, of a stream; the result of a build with thousands of inputs is one line.
EVENT_LIMIT = 32 << 20
PROBLEM_LIMIT = 1 << 20
# The service sends a comment every 15 s, so silence for this long means that nobody is there.
SILENCE = 60
# Answers of a proxy without its service, of a service that is about to stop, or that has too much to do.
PASSING = {429, 502, 503, 504}


class KettleError(Exception):
    """Why there is no bundle. `status` is what a program exits with: 1 where somebody said no, 2 where nothing was found out."""

    status = 2


class Refused(KettleError):
    """The service answered, and not with what was asked for: a problem document (RFC 9457), mostly."""

    def __init__(self, code, problem):
        self.code, self.problem = code, problem
        self.hint = problem.get("hint")
        self.status = 2 if code == 429 or not 400 <= code < 500 else 1
        super().__init__(f"the service answers {code}: {problem.get('detail', 'it does not say why')}")


class NoConnection(KettleError):
    pass


class BuildFailed(KettleError):
    """The build ended without a bundle; `result` says why."""

    def __init__(self, result):
        self.result = result
        self.hint = result.get("hint")
        services = {"CancelledError", "AttestationError", "InternalError"}
        self.status = 2 if result.get("error_type") in services else 1
        super().__init__(result.get("error", "the build failed"))


class _Lost(Exception):
    """A connection broke, or the service cannot answer now: to be tried again."""

    def __init__(self, why, after=0):
        super().__init__(why)
        self.after = after  # seconds that the service wants to be left alone


@dataclass
class Event:
    number: int
    data: dict


def event_lines(pieces):
    """The lines of a stream of bytes. They end in LF, CR or CRLF, wherever the pieces are cut."""
    line, after_cr = bytearray(), False
    for piece in pieces:
        if after_cr and piece[:1] == b"\n":
            piece = piece[1:]
        after_cr = piece[-1:] == b"\r"
        first, *rest = re.split(rb"\r\n|\r|\n", piece)
        line += first
        for following in rest:
            yield bytes(line)
            line = bytearray(following)
        if len(line) > EVENT_LIMIT:
            raise KettleError("the service sends a line without an end")


def server_sent_events(pieces):
    """Id and data of each event, as the WHATWG's HTML standard reads a stream (section 9.2.6).

    An event counts when its blank line is there: what a broken connection left behind is dropped.
    """
    number, data, size, is_first = "", [], 0, True
    for raw in event_lines(pieces):
        if is_first and raw.startswith(b"\xef\xbb\xbf"):
            raw = raw[3:]
        is_first = False
        line = raw.decode("utf-8", "replace")
        if not line:
            if data:
                yield number, "\n".join(data)
            data, size = [], 0
            continue
        # A comment begins with the colon, and so has a field without a name.
        field, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if field == "data":
            data.append(value)
            size += len(value)
            if size > EVENT_LIMIT:
                raise KettleError("the service sends an event without an end")
        elif field == "id" and "\0" not in value:
            number = value


class _Patience:
    """Waits longer from time to time, and not for ever: progress makes it young again."""

    def __init__(self, seconds):
        self.seconds = seconds
        self.progress()

    def progress(self):
        self.since, self.pause = time.monotonic(), 0.25

    def wait(self, lost):
        left = self.since + self.seconds - time.monotonic()
        if left <= 0:
            raise NoConnection(f"the service does not come back: {lost}")
        time.sleep(min(left, max(self.pause, lost.after)))
        self.pause = min(self.pause * 2, 8)


class Client:
    """One service. Not for several threads at once.

        client = Client("https://kettle.example", token=os.environ.get("KETTLE_TOKEN"))
        for event in client.build(archive="source.zip", nonce=secrets.token_hex(16)):
            print(event.data.get("message", ""))
        client.download(client.build_id, "bundle.zip", "bundle.zip")
    """

    def __init__(self, api="http://127.0.0.1:8080", token=None, patience=300):
        """patience: for how many seconds a service that is gone is waited for, counted from the last event."""
        url = urllib.parse.urlsplit(api)
        if url.scheme not in ("http", "https") or not url.hostname or url.query or url.fragment or url.username:
            raise KettleError(f'"{api}" is not the address of a service')
        # Whoever is on the way could read the token and the source.
        if url.scheme == "http" and url.hostname not in ("127.0.0.1", "::1", "localhost"):
            raise KettleError("http:// is for a service on this machine; use https://")
        try:
            port = url.port
        except ValueError:
            raise KettleError(f'"{api}" has no port that can be') from None
        self._host, self._port, self._is_tls = url.hostname, port, url.scheme == "https"
        self._path = url.path.rstrip("/") or "/v1"
        self._token, self._seconds = token, patience
        #: The build that is followed, as soon as the service has named it.
        self.build_id = None
        #: Called with a text when a connection was lost.
        self.on_lost = lambda why: None

    def build(self, *, archive=None, repo_url=None, ref=None, path=None, nonce=None, visibility=None):
        """Sends a source, and yields the events of its build, each once and in order.

        The last one has the type `complete`. Raises `BuildFailed` after it where the build failed.
        """
        fields = {"repo_url": repo_url, "ref": ref, "path": path, "nonce": nonce, "visibility": visibility}
        fields = {name: value for name, value in fields.items() if value is not None}
        # The same in every try: a request that arrived although its answer did not is the same build then.
        headers = {"Idempotency-Key": secrets.token_hex(16), "Accept": "text/event-stream"}
        patience, is_first = _Patience(self._seconds), True
        while True:
            try:
                form = _Form(fields, archive)
                response = self._request("POST", "/build/stream", headers, form, is_first)
                break
            except _Lost as lost:
                is_first = False
                self.on_lost(str(lost))
                patience.wait(lost)
        location = response.getheader("Location", "")
        if not re.fullmatch(r"/v1/builds/[0-9a-f]{24,64}", location):
            raise KettleError("the service names no build")
        self.build_id = location.rsplit("/", 1)[1]
        yield from self._follow(self.build_id, 0, response)

    def follow(self, build_id, after=0):
        """Yields the events of a build after the number `after`, as `build` does."""
        self.build_id = build_id
        yield from self._follow(build_id, after, None)

    def _follow(self, build_id, last, response):
        patience = _Patience(self._seconds)
        while True:
            try:
                if response is None:
                    headers = {"Accept": "text/event-stream", "Last-Event-ID": str(last)}
                    response = self._request("GET", f"/builds/{build_id}/events", headers)
                for number, text in server_sent_events(_pieces(response)):
                    event = _event(number, text)
                    if event.number <= last:  # a stream may begin again from its start
                        continue
                    last = event.number
                    patience.progress()
                    yield event
                    if event.data.get("type") == "complete":
                        result = event.data.get("result", {})
                        if result.get("status") != "success":
                            raise BuildFailed(result)
                        return
                raise _Lost("the stream ended before the build")
            except _Lost as lost:
                response = None
                self.on_lost(str(lost))
                patience.wait(lost)

    def download(self, build_id, name, target):
        """Writes a file of a build (`bundle.zip`, `build.log`, `artifacts/NAME`) to `target`, which must not exist.

        The service names the file's SHA-256 beforehand. This finds what was damaged on the way; who made it, `kettle verify` finds.
        """
        path = f"/builds/{build_id}/{urllib.parse.quote(name)}"
        patience = _Patience(self._seconds)
        while True:
            try:
                response = self._request("GET", path)
                expected = _named_digest(response)
                try:
                    with open(target, "xb") as file:
                        actual = hashlib.sha256()
                        for piece in _pieces(response):
                            actual.update(piece)
                            file.write(piece)
                    if actual.digest() != expected:
                        raise _Lost(f"{name} did not arrive whole")
                except BaseException as error:
                    if not isinstance(error, FileExistsError):
                        os.unlink(target)
                    raise
                return
            except _Lost as lost:
                self.on_lost(str(lost))
                patience.wait(lost)

    def _request(self, method, path, headers=None, form=None, is_first=False):
        """A response with status 200, its body unread.

        is_first: an address at which nobody is does not get better by waiting.
        """
        headers = dict(headers or {})
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        if self._is_tls:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=SILENCE, context=ssl.create_default_context())
        else:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=SILENCE)
        try:
            connection.connect()
        except OSError as error:
            if is_first:
                raise NoConnection(f"no connection to {self._host}: {error}") from None
            raise _Lost(f"no connection: {error}") from None
        try:
            if form:
                headers.update({"Content-Type": form.content_type, "Content-Length": str(form.length)})
            try:
                connection.request(method, self._path + path, form.pieces() if form else None, headers)
            except (BrokenPipeError, ConnectionResetError):
                pass  # Who refuses a request need not read it to its end; the answer may be there.
            response = connection.getresponse()
            if response.status == 200:
                return response
            text = response.read(PROBLEM_LIMIT)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise _Lost(f"{error or type(error).__name__}") from None
        after = response.getheader("Retry-After", "")
        # A source that is refused is refused; what belongs to a build that is under way is asked for again.
        if response.status in PASSING and method == "GET":
            raise _Lost(f"the service answers {response.status}", min(int(after), 60) if after.isdecimal() else 0)
        if response.status == 204:
            raise KettleError("the build has ended, and its result is not among its events")
        try:
            problem = json.loads(text)
        except ValueError:
            problem = {}
        raise Refused(response.status, problem if isinstance(problem, dict) else {})


class _Form:
    """A body of multipart/form-data (RFC 7578), read from the disk as it is sent."""

    def __init__(self, fields, archive):
        boundary = secrets.token_hex(16)
        self.content_type = f"multipart/form-data; boundary={boundary}"
        head = "".join(
            f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items())
        end = f"--{boundary}--\r\n"
        self._archive, self._size = archive, 0
        if archive is not None:
            name = os.path.basename(archive)
            for letter in '"\r\n':  # as browsers do
                name = name.replace(letter, f"%{ord(letter):02X}")
            head += (f'--{boundary}\r\nContent-Disposition: form-data; name="source"; filename="{name}"\r\n'
                     "Content-Type: application/octet-stream\r\n\r\n")
            end = "\r\n" + end
            self._size = os.path.getsize(archive)
        self._head, self._end = head.encode(), end.encode()
        self.length = len(self._head) + self._size + len(self._end)

    def pieces(self):
        yield self._head
        if self._archive is not None:
            left = self._size
            with open(self._archive, "rb") as file:
                while left > 0:
                    piece = file.read(min(BLOCK, left))
                    if not piece:
                        raise KettleError(f"{self._archive} became shorter while it was sent")
                    left -= len(piece)
                    yield piece
        yield self._end


def _pieces(response):
    try:
        while piece := response.read1(BLOCK):
            yield piece
    except (OSError, http.client.HTTPException) as error:
        raise _Lost(f"{error or type(error).__name__}") from None
    finally:
        response.close()


def _event(number, text):
    try:
        data = json.loads(text)
        if number.isdecimal() and isinstance(data, dict):
            return Event(int(number), data)
    except ValueError:
        pass
    raise KettleError("the service sends an event that is none of Kettle's")


def _named_digest(response):
    """The SHA-256 of a file by Repr-Digest (RFC 9530), or by the strong ETag, which is the same in hexadecimal digits."""
    try:
        if found := re.search(r"\bsha-256=:([A-Za-z0-9+/=]+):", response.getheader("Repr-Digest", "")):
            return base64.b64decode(found[1], validate=True)
    except binascii.Error:
        pass
    if found := re.fullmatch(r'"([0-9a-f]{64})"', response.getheader("ETag", "")):
        return bytes.fromhex(found[1])
    raise KettleError("the service does not name the digest of a file")


def verify(kettle, bundle, nonce, options=(), archive=None, source=None):
    """The verdict of `kettle verify` (docs/schemas/verdict-v1.json).

    archive, source: what was sent. Evidence says that a statement is genuine; that it is about our source is for us to ask.
    """
    command = [kettle, "verify", os.path.abspath(bundle), "--json", "--nonce", nonce]
    if source:
        command += ["--source", source]
    try:
        run = subprocess.run(command + list(options), stdout=subprocess.PIPE, check=False)
        verdict = json.loads(run.stdout)
        outcome = verdict["outcome"]
    except (OSError, ValueError, KeyError) as error:
        raise KettleError(f"{kettle} verify says nothing: {error}") from None
    if outcome == "accepted" and archive:
        built = verdict["provenance"]["predicate"]["buildDefinition"]["resolvedDependencies"][0]
        if built["digest"].get("sha256") != archive:
            verdict["outcome"] = "rejected"
            verdict["findings"].append({
                "status": "failed", "message": "the statement's source is not the archive that was sent",
                "expected": archive, "actual": built["digest"].get("sha256", "no archive")})
    return verdict


def sha256_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(BLOCK):
            digest.update(piece)
    return digest.hexdigest()


def printable(text):
    """A stranger's text for a terminal, which would obey control characters."""
    return "".join(letter if letter.isprintable() or letter == "\t" else "\N{REPLACEMENT CHARACTER}" for letter in str(text))


def _say(text):
    print(text, file=sys.stderr, flush=True)


def _submit(wanted, options):
    if os.path.lexists(wanted.output):
        raise KettleError(f"{wanted.output} exists")
    client = Client(wanted.api, os.environ.get("KETTLE_TOKEN"), wanted.patience)
    client.on_lost = lambda why: _say(f"kettle-client: {printable(why)}; trying again")
    nonce = secrets.token_hex(16)  # fresh: an old bundle cannot be the answer
    asked = {"path": wanted.path, "nonce": nonce, "visibility": wanted.visibility}
    if "://" in wanted.source:
        asked.update(repo_url=wanted.source, ref=wanted.ref)
        held = {"source": "git+" + wanted.source + (f"@{wanted.ref}" if wanted.ref else "")}
    else:
        asked.update(archive=wanted.source)
        held = {"archive": sha256_of(wanted.source)}
    for event in client.build(**asked):
        if "message" in event.data:
            _say(printable(event.data["message"]))

    part = f"{wanted.output}.{secrets.token_hex(4)}.part"
    client.download(client.build_id, "bundle.zip", part)
    try:
        verdict = verify(wanted.kettle, part, nonce, options, **held)
    except BaseException:
        os.unlink(part)
        raise
    place = wanted.output + (".rejected" if verdict["outcome"] == "rejected" else "")
    os.replace(part, place)
    for finding in verdict["findings"]:
        if finding["status"] in ("failed", "undetermined"):
            print(f"{finding['status']}: {printable(finding['message'])}")
            for key in ("expected", "actual"):
                if key in finding:
                    print(f"    {key}: {printable(finding[key])}")
    print(f"{verdict['outcome']}: {place}")
    return {"accepted": 0, "rejected": 1}.get(verdict["outcome"], 2)


def main():
    arguments, options = sys.argv[1:], []
    if "--" in arguments:
        cut = arguments.index("--")
        arguments, options = arguments[:cut], arguments[cut + 1:]
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1].strip(), allow_abbrev=False)
    parser.add_argument("source")
    parser.add_argument("--api", default=os.environ.get("KETTLE_API") or "http://127.0.0.1:8080")
    parser.add_argument("--ref")
    parser.add_argument("--path", help="the project's folder inside the source")
    parser.add_argument("--visibility", choices=["public", "private"])
    parser.add_argument("-o", "--output", default="bundle.zip")
    parser.add_argument("--kettle", default=shutil.which("kettle") or "kettle", help="the program that verifies")
    parser.add_argument("--patience", type=float, default=300, help="seconds for which a service that is gone is waited for")
    try:
        return _submit(parser.parse_args(arguments), options)
    except KettleError as error:
        _say(f"kettle-client: error: {printable(error)}")
        if getattr(error, "hint", None):
            _say(f"kettle-client: hint: {printable(error.hint)}")
        return error.status
    except OSError as error:
        _say(f"kettle-client: error: {printable(error)}")
        return 2
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
