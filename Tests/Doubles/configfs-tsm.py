"""A file system that behaves like Linux's configfs-tsm, for tests on machines without trusted hardware.

    configfs-tsm.py FOLDER --template FILE [OPTIONS]

Mounts itself at FOLDER and serves until it is unmounted. Making a subfolder opens a request; its files are those of
Documentation/ABI/testing/configfs-tsm. As in the kernel (drivers/virt/coco, fs/configfs/file.c):

- inblob takes one write of at most 64 bytes, applied when the file is closed, and tells nobody if it is lost;
- each write counts generation up by one;
- outblob is a report made from the template, with what was written as its report data;
- the files cannot be removed, the folder can.

The options make it misbehave in the ways that the kernel, another process or the host can.
"""

import argparse
import errno
import os
import stat
import subprocess

import fuse

fuse.fuse_python_api = (0, 2)


class Request:
    def __init__(self):
        self.generation = 0
        self.level = None
        self.data = None
        #: Counts from 1.
        self.number = Request.made = Request.made + 1

    made = 0


def note(line):
    if options.log:
        with open(options.log, "a") as file:
            file.write(line + "\n")


def attributes():
    names = {"provider": 0o400, "generation": 0o400, "inblob": 0o200, "outblob": 0o400}
    if options.floor is not None:
        names |= {"privlevel": 0o200, "privlevel_floor": 0o400}
    if options.auxblob != "absent":
        names["auxblob"] = 0o400
    return names


def is_among_first(request, count):
    """Whether the request is one of the first `count`, which are to be disturbed."""
    return request.number <= count


def report(request):
    with open(options.template, "rb") as file:
        bytes = bytearray(file.read())
    data = request.data.ljust(64, b"\0")
    if options.foreign_data:
        data = b"\xAA" * 64
    bytes[options.offset : options.offset + 64] = data
    if options.sign:
        bytes = subprocess.run([options.sign], input=bytes, stdout=subprocess.PIPE, check=True).stdout
    return bytes.ljust(options.size, b"\0") if options.size else bytes


def content(request, name):
    if name == "provider":
        return options.provider.encode() + b"\n"
    if name == "generation":
        return b"%d\n" % request.generation
    if name == "privlevel_floor":
        return b"%d\n" % options.floor
    if name == "auxblob":
        if options.auxblob == "empty":
            return b""
        with open(options.auxblob, "rb") as file:
            return file.read()
    if request.data is None:
        raise OSError(errno.EINVAL, "")
    if is_among_first(request, options.would_block):
        raise OSError(errno.EWOULDBLOCK, "")
    if options.fail:
        raise OSError(getattr(errno, options.fail), "")
    if is_among_first(request, options.disturb):
        request.generation += 1
    return report(request)


class AttributeFile:
    """An open file of a request."""

    def __init__(self, path, flags, *mode):
        _, name, self.name = path.split("/")
        self.request = requests[name]
        self.direct_io = True
        self.written = None
        self.bytes = None

    def read(self, length, offset):
        if self.bytes is None:
            self.bytes = bytes(content(self.request, self.name))
        return self.bytes[offset : offset + length]

    def write(self, bytes, offset):
        note(f"write {self.name} {len(bytes)} {bytes.hex()}")
        if self.written is not None or len(bytes) > 64:
            return -errno.EIO
        self.written = bytes
        return len(bytes)

    def flush(self):
        if self.written is None:
            return
        if self.name == "privlevel":
            self.request.level = int(self.written)
        else:
            self.request.data = self.written
            if is_among_first(self.request, options.lose):
                self.request.generation -= 1
        self.request.generation += 1
        self.written = None


class ConfigfsTSM(fuse.Fuse):
    def getattr(self, path):
        status = fuse.Stat(st_nlink=1, st_uid=os.getuid(), st_gid=os.getgid(), st_size=0)
        parts = [part for part in path.split("/") if part]
        if len(parts) < 2:
            if parts and parts[0] not in requests:
                return -errno.ENOENT
            status.st_mode = stat.S_IFDIR | 0o700
        else:
            if parts[0] not in requests or parts[1] not in attributes():
                return -errno.ENOENT
            status.st_mode = stat.S_IFREG | attributes()[parts[1]]
        return status

    def readdir(self, path, offset):
        for name in [".", ".."] + (list(requests) if path == "/" else list(attributes())):
            yield fuse.Direntry(name)

    def mkdir(self, path, mode):
        if options.provider == "none":
            return -errno.ENXIO
        note("mkdir")
        requests[path[1:]] = Request()

    def rmdir(self, path):
        note("rmdir")
        del requests[path[1:]]

    def unlink(self, path):
        note("unlink")
        return -errno.EPERM

    def truncate(self, path, length):
        return -errno.EPERM


requests = {}
parser = argparse.ArgumentParser()
parser.add_argument("folder")
parser.add_argument("--template", required=True, help="a report or quote whose report data are replaced")
parser.add_argument("--offset", type=lambda text: int(text, 0), default=0x50, help="where its report data are")
parser.add_argument("--provider", default="sev_guest", help="the guest driver's name; none: no driver registered")
parser.add_argument("--auxblob", default="absent", help="absent, empty or a file")
parser.add_argument("--floor", type=int, help="the lowest privilege level; without it there are no levels")
parser.add_argument("--sign", metavar="PROGRAM", help="takes a report on standard input and gives it back signed")
parser.add_argument("--disturb", type=int, default=0, metavar="N", help="others write to the first N requests")
parser.add_argument("--would-block", type=int, default=0, metavar="N", help="the first N requests meet a conflict")
parser.add_argument("--lose", type=int, default=0, metavar="N", help="the first N requests do not count their inblob")
parser.add_argument("--fail", metavar="ERRNO", help="reading outblob fails with this name of errno")
parser.add_argument("--size", type=int, default=0, help="zeros make outblob this long")
parser.add_argument("--foreign-data", action="store_true", help="outblob carries other report data")
parser.add_argument("--log", metavar="FILE", help="a line for each call that changes something")
options = parser.parse_args()

system = ConfigfsTSM(dash_s_do="setsingle")
system.file_class = AttributeFile
system.parse(["configfs-tsm", "-f", "-s", "-o", "direct_io,attr_timeout=0,entry_timeout=0", options.folder])
system.main()
