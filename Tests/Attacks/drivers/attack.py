"""Run by the build of every project beside it: tries what a build must not be able to do, and says so when it can.

Where things are outside stands in facts.json beside the project.
"""
import ctypes
import json
import os
import pathlib
import signal
import socket
import sys

facts = json.loads((pathlib.Path("/build/source") / "facts.json").read_text())


def attempt(name, action):
    try:
        action()
    except (OSError, ValueError) as error:
        print(f"attack: {name}: {type(error).__name__}", flush=True)
    else:
        print(f"ESCAPED: {name}", flush=True)


def connect(family, address):
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(3)
        connection.connect(address)


def write(path):
    with open(path, "ab") as file:
        file.write(b"attack")


def new_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(0x10000000) != 0:  # CLONE_NEWUSER
        raise OSError(ctypes.get_errno(), "unshare")


def end_service():
    # A process of that number may be one of the build's own.
    if pathlib.Path(f"/proc/{facts['SERVER_PID']}/comm").read_text() != "kettle\n":
        raise ValueError
    os.kill(int(facts["SERVER_PID"]), signal.SIGKILL)


attempt("a connection to the host", lambda: connect(socket.AF_INET, ("127.0.0.1", int(facts["TCP_PORT"]))))
attempt("the fetch's way out", lambda: connect(socket.AF_INET, ("127.0.0.1", 1080)))
attempt("an abstract socket of the host", lambda: connect(socket.AF_UNIX, "\0" + facts["ABSTRACT_NAME"]))
attempt("a socket file of the host", lambda: connect(socket.AF_UNIX, facts["UNIX_PATH"]))
attempt("a name", lambda: socket.getaddrinfo("example.com", 443))
for fact in ["SECRET", "KEY", "DATABASE", "CACHED_CRATE", "DATA_FOLDER"]:
    attempt(f"seeing {fact}", lambda: os.stat(facts[fact]))
attempt("writing the system", lambda: write("/usr/attack"))
attempt("writing the machine's settings", lambda: write("/etc/attack"))
for folder in sorted(pathlib.Path("/build").iterdir()):
    if folder.name not in ("source", "target", "home"):
        attempt(f"writing {folder}", lambda: write(folder / "attack" if folder.is_dir() else folder))
if os.path.isdir("/toolchain"):
    for folder in pathlib.Path("/toolchain").iterdir():
        attempt(f"writing {folder}", lambda: write(folder / "attack"))
attempt("ending the service", end_service)
attempt("a new namespace", new_namespace)

# Something that would live on.
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        # All of them: whoever runs this may wait for the last holder of one.
        os.closerange(0, 1024)
        for descriptor in range(3):
            os.open("/dev/null", os.O_RDWR)
        os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(600)", facts["MARK"]])
    os._exit(0)
os.wait()
print("ATTACK DONE", flush=True)
