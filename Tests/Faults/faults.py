#!/usr/bin/env python3
"""Kills a service over and over while clients use it, fills its disk, cuts connections, and then accounts for every build.

    faults.py KETTLE SECONDS [SEED]

KETTLE is the built program. The service gets a data folder on a file system of its own (as root: a loop device that is
filled up at times; otherwise a folder, and the disk is not filled, which the report says). What it must show:

- a build whose request was answered is there to its end, once, with a result that its events and its state agree on;
- a request that was repeated with its Idempotency-Key until it was answered is one build;
- what a reader that resumes by Last-Event-ID has put together is, byte for byte, the replay: nothing missing, doubled or changed;
- a bundle of every kind of build passes `kettle verify`;
- in the end there is no process, mount, loop device, control group, folder or row that belongs to nothing.

Prints one JSON object with the counts. Exit status 1 when anything was not as it must be.
"""

import base64
import http.client
import io
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zipfile

MANIFEST = '[package]\nname = "{0}"\nversion = "0.1.0"\nedition = "2021"\n'
LOCK = 'version = 3\n\n[[package]]\nname = "{0}"\nversion = "0.1.0"\n'
CLIENTS = 6
# What a build may end with that had to do with a full disk.
DISK_CODES = {"store.write_failed", "store.read_failed", "sandbox.workspace_failed", "sandbox.setup_failed",
              "build.command_failed", "build.artifact_unusable", "internal.unexpected", "source.storage_failed",
              "limit.disk", "source.unpack_failed", "toolchain.storage_failed", "git.failed"}


def archive(files):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in files.items():
            packed.writestr(name, text)
    return data.getvalue()


def projects(draw):
    """A source and what becomes of it where nothing disturbs it."""
    salt = f"{draw.getrandbits(64):x}"
    kind = draw.choice(["hello", "hello", "noisy", "unsupported", "broken", "large"])
    name = "p" + salt[:8]
    cargo = {"Cargo.toml": MANIFEST.format(name), "Cargo.lock": LOCK.format(name)}
    if kind == "unsupported":
        return kind, archive({"README.md": salt}), "UnsupportedToolchainError"
    if kind == "broken":
        return kind, archive(cargo | {"src/main.rs": "fn main() { " + salt + " }"}), "BuildFailedError"
    source = "fn main() { println!(\"" + salt + "\"); }\n"
    if kind == "noisy":
        source += "".join(f"fn unused_{n}() {{}}\n" for n in range(200))
    files = cargo | {"src/main.rs": source}
    if kind == "large":  # beyond what is kept in the database
        files["noise.bin"] = base64.b64encode(draw.randbytes(150_000)).decode()
    return kind, archive(files), None


class Service:
    """One data folder and the processes that serve it, one after the other."""

    def __init__(self, kettle, folder, log):
        self.kettle, self.folder = kettle, folder
        self.process, self.port = None, None
        self.log = open(log, "ab")
        self.up = threading.Event()
        self.starts = []

    def start(self, killed_after=None):
        """Starts a process; killed_after: seconds after which it is killed, most likely before it listens."""
        began = time.monotonic()
        self.process = subprocess.Popen(
            [self.kettle, "serve", "--port", "0", "--data-dir", self.folder, "--slots", "2", "--attempts", "100000",
             "--drain", "1s", "--min-free-disk", "0", "--limit", "disk=1GiB", "--limit", "files=100000"]
            + UNCONFINED, stdout=subprocess.PIPE, stderr=self.log)
        if killed_after is not None:
            time.sleep(killed_after)
            self.process.kill()
            self.ended()
            return
        line = self.process.stdout.readline().decode()
        if not line.startswith("Kettle listens on "):
            return False
        self.port = int(line.strip().rsplit(":", 1)[1])
        self.starts.append(time.monotonic() - began)
        self.up.set()
        return True

    def kill(self, how):
        self.up.clear()
        os.kill(self.process.pid, how)

    def ended(self, patience=None):
        code = self.process.wait(patience)
        self.process.stdout.close()
        return code


UNCONFINED = []


class Account:
    """What the clients were told, which the service has to stand by."""

    def __init__(self):
        self.lock = threading.Lock()
        self.builds = {}  # id -> {kind, fate, frames, deleted}
        self.counts = {}
        self.faults = []
        self.disk_filled = False  # ever

    def count(self, what, by=1):
        with self.lock:
            self.counts[what] = self.counts.get(what, 0) + by

    def fault(self, text):
        with self.lock:
            self.faults.append(text)
        print("fault:", text, file=sys.stderr)

    def acknowledge(self, build, kind, fate):
        with self.lock:
            known = self.builds.setdefault(
                build, {"kind": kind, "fate": fate, "frames": b"", "deleted": False})
        return known


def form(source):
    boundary = "fault-suite-boundary"
    body = (f"--{boundary}\r\nContent-Disposition: form-data; name=\"source\"; filename=\"source.zip\"\r\n\r\n"
            ).encode() + source + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"


class Client(threading.Thread):
    """Submits, follows, cuts, cancels, downloads; whatever fails because the service died is tried again."""

    def __init__(self, service, account, seed, stop):
        super().__init__(daemon=True)
        self.service, self.account, self.stop = service, account, stop
        self.draw = random.Random(seed)

    def run(self):
        try:
            while not self.stop.is_set():
                self.one()
        except Exception as error:  # a client that dies would test nothing
            self.account.fault(f"client: {error!r}")
            raise

    def connect(self):
        self.service.up.wait(60)
        return http.client.HTTPConnection("127.0.0.1", self.service.port, timeout=60)

    def one(self):
        kind, source, fate = projects(self.draw)
        key = f"{self.draw.getrandbits(128):x}"
        way = self.draw.choice(["stream", "stream", "json", "cut upload", "cut stream"])
        if way == "cut upload":
            self.cut_upload(source)
            return
        self.account.count("keys sent")
        known = None
        while known is None:  # until it was answered: the same key
            known = self.submit(kind, source, fate, key, way)
            if known is None and self.stop.is_set():
                return
        build, record = known
        if way == "cut stream" and self.draw.random() < 0.5:
            if self.draw.random() < 0.3:
                self.delete(build, record)
            return  # nobody follows it; it must end all the same
        self.follow(build, record)

    def submit(self, kind, source, fate, key, way):
        connection = self.connect()
        try:
            headers = {"Idempotency-Key": key}
            if way == "json":
                body = json.dumps({"source_data": base64.b64encode(source).decode(), "source_name": "s.zip"})
                headers["Content-Type"] = "application/json"
                connection.request("POST", "/build", body, headers)
            else:
                body, headers["Content-Type"] = form(source)
                connection.request("POST", "/build/stream", body, headers)
            answer = connection.getresponse()
            if answer.status in (429, 503):
                answer.read()
                self.account.count(f"answered {answer.status}")
                self.stop.wait(0.2)
                return None
            if answer.status != 200:
                self.account.fault(f"a {kind} source was answered {answer.status}: {answer.read()[:300]}")
                return None
            build = answer.getheader("Location").rsplit("/", 1)[1]
            record = self.account.acknowledge(build, kind, fate)
            self.account.count(f"acknowledged by {way}")
            if way == "cut stream":
                answer.read1(100)
                self.reset(connection)
            return build, record
        except (OSError, http.client.HTTPException):
            self.account.count("requests broken off")
            self.stop.wait(0.05)
            return None
        finally:
            connection.close()

    def reset(self, connection):
        """Ends a connection as a crashed client does."""
        if connection.sock is not None:
            connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def cut_upload(self, source):
        body, content_type = form(source)
        connection = self.connect()
        try:
            connection.putrequest("POST", "/build")
            connection.putheader("Content-Type", content_type)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body[: self.draw.randrange(len(body))])
            self.reset(connection)
            self.account.count("uploads cut")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def follow(self, build, record):
        """Puts a stream together from as many pieces as it takes."""
        while True:
            connection = self.connect()
            try:
                frames = record["frames"]
                last = frames.count(b"\n\n")
                headers = {"Last-Event-ID": str(last)} if last else {}
                connection.request("GET", f"/builds/{build}/events", headers=headers)
                answer = connection.getresponse()
                if answer.status == 204:
                    return
                if answer.status in (503, 404) or answer.status != 200:
                    text = answer.read()
                    if answer.status == 404 and record["deleted"]:
                        return
                    if answer.status != 503:
                        self.account.fault(f"events of {build} answered {answer.status}: {text[:200]}")
                        return
                    self.stop.wait(0.1)
                    continue
                pending = b""
                cut = self.draw.random() < 0.2
                while True:
                    piece = answer.read1(65536)
                    if not piece:
                        break
                    pending += piece
                    while b"\n\n" in pending:
                        frame, pending = pending.split(b"\n\n", 1)
                        if not frame.startswith(b":"):
                            record["frames"] += frame + b"\n\n"
                    if cut and self.draw.random() < 0.3:
                        self.reset(connection)
                        self.account.count("streams cut")
                        break
                if b'"type":"complete"' in record["frames"]:
                    self.account.count("streams followed to the end")
                    if self.draw.random() < 0.2:
                        self.download(build, record)
                    if self.draw.random() < 0.1:
                        self.delete(build, record)
                    return
            except (OSError, http.client.HTTPException):
                self.account.count("streams broken off")
                if self.stop.is_set() and not self.service.up.is_set():
                    return
                self.stop.wait(0.05)
            finally:
                connection.close()

    def download(self, build, record):
        """Has a bundle packed, and is not always there to take it."""
        connection = self.connect()
        try:
            connection.request("GET", f"/builds/{build}/{self.draw.choice(['bundle.zip', 'bundle.tar.gz'])}")
            answer = connection.getresponse()
            answer.read()
            self.account.count(f"bundles answered {answer.status}")
            # No success, no bundle.
            if answer.status not in (200, 404, 503) or (answer.status == 404 and record["fate"] is None and not record["deleted"]
                                                        and not self.account.disk_filled):
                self.account.fault(f"a bundle of {build} was answered {answer.status}")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()

    def delete(self, build, record):
        record["deleted"] = True
        connection = self.connect()
        try:
            connection.request("DELETE", f"/builds/{build}")
            answer = connection.getresponse()
            answer.read()
            self.account.count(f"DELETE answered {answer.status}")
            if answer.status not in (200, 204, 404, 503):
                self.account.fault(f"DELETE answered {answer.status}")
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()


def get(service, path):
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=600)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def fill(folder, account, seconds):
    """Leaves the disk without room for a while."""
    path = folder / "filler"
    account.disk_filled = True
    with open(path, "wb", buffering=0) as file:
        block = bytes(1 << 20)
        try:
            while True:
                file.write(block)
        except OSError:
            pass
        time.sleep(seconds)
    path.unlink()
    account.count("disk filled")


def check_build(service, account, kettle, build, record, samples, scratch):
    status, body = get(service, f"/builds/{build}")
    if status == 404:
        if not record["deleted"]:
            account.fault(f"{build} ({record['kind']}) was acknowledged and is gone")
        return "removed"
    result = json.loads(body)
    status, replay = get(service, f"/builds/{build}/events")
    frames = replay.split(b"\n\n")[:-1]
    if status != 200 or [f.split(b"\n", 1)[0] for f in frames] != [b"id: %d" % n for n in range(1, len(frames) + 1)]:
        account.fault(f"the events of {build} are not numbered without a gap")
        return "broken"
    events = [json.loads(f.split(b"data: ", 1)[1]) for f in frames]
    if [e["type"] for e in events[:-1]] != ["info"] * (len(events) - 1) or events[-1]["type"] != "complete":
        account.fault(f"the events of {build} do not end with the only complete: {[e['type'] for e in events][-3:]}")
    if events[-1].get("result") != result:
        account.fault(f"{build}: its last event and its state differ")
    if not replay.startswith(record["frames"]):
        account.fault(f"{build}: a reader got what the replay does not have")
    if sum(e.get("build_id") is not None for e in events) != 1:
        account.fault(f"{build}: not exactly one event names the build")
    if result["status"] == "success":
        if record["fate"] is not None:
            account.fault(f"{build} ({record['kind']}) succeeded")
        if samples.get(record["kind"], 0) < 5:
            samples[record["kind"]] = samples.get(record["kind"], 0) + 1
            bundle = scratch / f"{build}.zip"
            bundle.write_bytes(get(service, f"/builds/{build}/bundle.zip")[1])
            verified = subprocess.run(
                [kettle, "verify", bundle, "--software-key", service.folder / "software-key.pub.pem"],
                capture_output=True)
            if verified.returncode != 0:
                account.fault(f"{build}: its bundle is refused: {verified.stdout[-300:]!r}")
        return "success"
    kind, code = result["error_type"], result["code"]
    if kind == "CancelledError" and record["deleted"]:
        return "cancelled"
    if record["fate"] == kind:
        return "failed as it must"
    if account.disk_filled and code in DISK_CODES:
        return "failed for want of disk"
    account.fault(f"{build} ({record['kind']}) ended {kind} {code}: {result['error']}")
    return "broken"


def leftovers(folder, account):
    """What belongs to nothing, when no service runs any more."""
    # By what they are: the kernel gives numbers again.
    mine = str(folder)
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            line = pathlib.Path(f"/proc/{name}/cmdline").read_bytes()
        except OSError:
            continue
        if mine.encode() in line and b"faults.py" not in line:
            account.fault(f"a process of the service lives on: {line[:200]!r}")
    with open("/proc/self/mountinfo") as mounts:
        for line in mounts:
            if f"{mine}/" in line:
                account.fault(f"a mount is left: {line.strip()}")
    devices = subprocess.run(["losetup", "--list", "--noheadings", "--output", "BACK-FILE"], capture_output=True, text=True)
    for line in devices.stdout.splitlines():
        if f"{mine}/" in line:
            account.fault(f"a loop device is left: {line}")
    if any((folder / "work").iterdir()):
        account.fault(f"work/ holds {sorted(p.name for p in (folder / 'work').iterdir())[:5]}")
    rows = sqlite3.connect(folder / "kettle.db")  # closed below: it would hold the disk
    builds = {row[0] for row in rows.execute("SELECT id FROM build")}
    folders = {path.name for path in (folder / "builds").iterdir()}
    if builds != folders:
        account.fault(f"rows without folder {list(builds - folders)[:3]}, folders without row {list(folders - builds)[:3]}")
    for table in ("recorded_file", "kept_source"):
        if rows.execute(f"SELECT count(*) FROM {table} WHERE build_id NOT IN (SELECT id FROM build)").fetchone()[0]:
            account.fault(f"{table} has rows of no build")
    if rows.execute("SELECT count(*) FROM kept_source").fetchone()[0]:
        account.fault("sources of ended builds are kept")
    if rows.execute("SELECT count(*) FROM build WHERE state = 'running'").fetchone()[0]:
        account.fault("builds that have not ended")
    recorded = {f"{row[0]}/{row[1]}" for row in rows.execute("SELECT build_id, location FROM recorded_file")}
    rows.close()
    for path in (folder / "builds").rglob("*"):
        relative = str(path.relative_to(folder / "builds"))
        if path.is_file() and relative not in recorded and path.name != "events":
            account.fault(f"a file belongs to nothing: {relative}")
    for location in recorded:
        if not (folder / "builds" / location).is_file():
            account.fault(f"a recorded file is missing: {location}")
    for path in (folder / "artifacts").iterdir():
        if path.stat().st_nlink < 2:
            account.fault(f"an artifact belongs to no build: {path.name}")
    return len(builds)


def groups_left(processes):
    left = []
    for root in ("/sys/fs/cgroup",):
        for path, names, _ in os.walk(root):
            left += [os.path.join(path, n) for n in names
                     if n.startswith("kettle-") and any(n.startswith(f"kettle-{p}-") for p in processes)]
    return left


def main():
    kettle, seconds = os.path.abspath(sys.argv[1]), float(sys.argv[2])
    seed = int(sys.argv[3]) if len(sys.argv) > 3 else random.SystemRandom().randrange(1 << 32)
    print(f"seed {seed}", file=sys.stderr)
    draw = random.Random(seed)
    scratch = pathlib.Path(tempfile.mkdtemp(prefix="kettle-faults-"))
    disk = scratch / "disk"
    disk.mkdir()
    has_disk = False
    if os.geteuid() == 0:
        image = scratch / "disk.image"
        with open(image, "wb") as file:
            file.truncate(3 << 30)
        has_disk = (subprocess.run(["mke2fs", "-q", "-F", "-t", "ext4", image], capture_output=True).returncode == 0
                    and subprocess.run(["mount", "-o", "loop", image, disk], capture_output=True).returncode == 0)
    if not has_disk:
        UNCONFINED.extend(["--allow-unconfined", "disk", "--allow-unconfined", "memory", "--allow-unconfined", "processes"])
    folder = disk / "data"
    account, stop = Account(), threading.Event()
    service = Service(kettle, folder, scratch / "service.log")
    # A run that went wrong is looked into by hand: its folder stays then.
    try:
        run(service, account, draw, seconds, stop, has_disk, disk, kettle, scratch)
    finally:
        stop.set()
        if service.process is not None and service.process.poll() is None:
            service.process.kill()
            service.process.wait()
    starts = sorted(service.starts)
    report = {
        "seed": seed, "seconds": seconds, "counts": dict(sorted(account.counts.items())),
        "start_seconds": {"median": round(starts[len(starts) // 2], 2), "max": round(starts[-1], 2)},
        "disk": "filled" if has_disk else "not filled: needs root and loop devices", "faults": account.faults[:50],
    }
    print(json.dumps(report, indent=2), flush=True)
    if account.faults:
        print(f"what is left lies in {scratch}", file=sys.stderr)
        return 1
    if has_disk:
        subprocess.run(["umount", disk], check=True)
    shutil.rmtree(scratch)
    print("no fault", flush=True)
    return 0


def run(service, account, draw, seconds, stop, has_disk, disk, kettle, scratch):
    if not service.start():
        raise SystemExit("the service does not start: " + (scratch / "service.log").read_text()[-2000:])
    clients = [Client(service, account, draw.getrandbits(64), stop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    processes = {service.process.pid}
    deadline = time.monotonic() + seconds
    filler = None
    while time.monotonic() < deadline:
        time.sleep(draw.expovariate(1 / 0.7) if draw.random() < 0.9 else draw.uniform(3, 8))
        if has_disk and draw.random() < 0.05 and (filler is None or not filler.is_alive()):
            filler = threading.Thread(target=fill, args=(disk, account, draw.uniform(0.5, 3)))
            filler.start()
        how = signal.SIGTERM if draw.random() < 0.1 else signal.SIGKILL
        service.kill(how)
        if how == signal.SIGTERM:
            account.count("SIGTERM")
            try:
                code = service.ended(draw.choice([0.3, 60]))
                if code != 0:
                    account.fault(f"after SIGTERM the service left with {code}")
            except subprocess.TimeoutExpired:
                os.kill(service.process.pid, signal.SIGKILL)
                service.ended()
        else:
            code = service.ended()
            if code != -signal.SIGKILL:
                account.fault(f"the service was not there to be killed: {code}")
        account.count("killed")
        while draw.random() < 0.2:  # in the middle of putting things in order
            service.start(killed_after=draw.uniform(0, max(service.starts)))
            processes.add(service.process.pid)
            account.count("killed while starting")
        while True:
            # Asked before: the disk may have room again by the time that the process has said that it had none.
            filling = filler is not None and filler.is_alive()
            if service.start():
                break
            code = service.ended()
            # It may refuse to start on a full disk, and says so; it may not crash.
            if code != 2 or not filling:
                account.fault(f"the service did not start again: {code}")
                if code != 2:
                    raise SystemExit(1)
            time.sleep(0.3)
        processes.add(service.process.pid)
    if filler is not None:
        filler.join()
    stop.set()
    for client in clients:
        client.join(3000)
        if client.is_alive():
            account.fault("a client was not done in fifty minutes")
    # Undisturbed now, everything comes to its end.
    patience = time.monotonic() + 3600
    while time.monotonic() < patience:
        unfinished = 0
        before = ""
        while True:
            page = json.loads(get(service, f"/builds?limit=200{before}")[1])
            unfinished += sum(b["status"] in ("queued", "running") for b in page["builds"])
            if "next_before" not in page:
                break
            before = f"&before={page['next_before']}"
        if unfinished == 0:
            break
        time.sleep(0.5)
    else:
        account.fault(f"{unfinished} builds did not end in an hour")
    listed, before = [], ""
    while True:
        page = json.loads(get(service, f"/builds?limit=200{before}")[1])
        listed += [b["build_id"] for b in page["builds"]]
        if "next_before" not in page:
            break
        before = f"&before={page['next_before']}"
    if len(listed) != len(set(listed)):
        account.fault("a build is listed twice")
    samples = {}
    for build, record in account.builds.items():
        account.count(f"ended: {check_build(service, account, kettle, build, record, samples, scratch)}")
    account.count("bundles verified", sum(samples.values()))
    # Answers that broke off may have been acknowledgements: such a build is there once, by its key.
    unknown = [b for b in listed if b not in account.builds]
    if len(listed) > account.counts.get("keys sent", 0):
        account.fault("there are more builds than requests")
    account.count("builds whose answer nobody read", len(unknown))
    service.kill(signal.SIGTERM)
    if service.ended(600) != 0:
        account.fault("the last SIGTERM was not obeyed")
    account.count("rows in the end", leftovers(service.folder, account))
    for path in groups_left(processes):
        account.fault(f"a control group is left: {path}")


if __name__ == "__main__":
    sys.exit(main())
