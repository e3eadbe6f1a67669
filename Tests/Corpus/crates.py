"""Packs a vendored crate the way `cargo package` does, and describes it for a sparse registry.

`cargo vendor` unpacks a .crate and adds .cargo-checksum.json, which holds the SHA-256 of the .crate. Packing is
deterministic, so for many crates the very same bytes can be made again; which of a few known variants it was (cargo's
version, the deflate implementation, a .gitignore that vendoring dropped) is found by trying until the digest is right.
"""
import gzip
import hashlib
import io
import itertools
import os
import struct
import zlib
from pathlib import Path

try:
    from zlib_ng import zlib_ng  # what a recent cargo compresses with; from PyPI
except ImportError:
    zlib_ng = None

# What cargo writes itself, with a bare header; the other files' headers have zeros for owner and device.
GENERATED = frozenset({"Cargo.toml", "Cargo.lock", ".cargo_vcs_info.json"})
# Files that vendoring leaves out of the crate, or adds to it.
ADDED = frozenset({".cargo-checksum.json", ".cargo-ok"})
DROPPED_GITIGNORES = (None, b"/target/\n/Cargo.lock\n", b"/target\n/Cargo.lock\n", b"/target\nCargo.lock\n",
                      b"target\nCargo.lock\n")
# cargo's fixed time (the day of the tar crate's deterministic mode), and 1 in other versions: generated files, others.
FIXED = 1153704088
TIMES = ((FIXED, FIXED), (1, FIXED), (1, 1))
BLOCK = 512


def tar_header(name: bytes, size: int, mode: int, time: int, bare: bool, kind: bytes = b"0") -> bytes:
    def octal(value, width):
        return b"%0*o\0" % (width - 1, value)

    nothing = b"\0" * 8
    owner = nothing if bare else octal(0, 8)
    fields = [
        name[:100].ljust(100, b"\0"), octal(mode, 8), owner, owner, octal(size, 12), octal(time, 12),
        b" " * 8, kind, b"\0" * 100, b"ustar  \0", b"\0" * 64, owner, owner,
    ]
    header = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    header[148:156] = octal(sum(header), 8)
    return bytes(header)


def padded(data: bytes) -> bytes:
    return data + b"\0" * (-len(data) % BLOCK)


def tar(title: str, files: list[tuple[str, bytes, bool]], times: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    for path, data, executable in files:
        bare = path in GENERATED
        name = f"{title}/{path}".encode()
        if len(name) > 100:
            out.write(tar_header(b"././@LongLink", len(name) + 1, 0o644, 0, True, b"L") + padded(name + b"\0"))
        mode = 0o755 if executable and not bare else 0o644
        out.write(tar_header(name, len(data), mode, times[0] if bare else times[1], bare) + padded(data))
    out.write(b"\0" * (2 * BLOCK))
    return out.getvalue()


def compress(library, data: bytes, name: str) -> bytes:
    """gzip (RFC 1952) with the file's name, no time, best compression, operating system unknown."""
    deflate = library.compressobj(9, library.DEFLATED, -15)
    body = deflate.compress(data) + deflate.flush()
    header = b"\x1f\x8b\x08\x08" + struct.pack("<I", 0) + b"\x02\xff" + name.encode() + b"\0"
    return header + body + struct.pack("<II", zlib.crc32(data), len(data) & 0xFFFFFFFF)


def vendored_files(folder: Path) -> list[tuple[str, bytes, bool]]:
    files = []
    for path in folder.rglob("*"):
        relative = str(path.relative_to(folder))
        if path.is_file() and not path.is_symlink() and relative not in ADDED:
            files.append((relative, path.read_bytes(), os.access(path, os.X_OK)))
    return files


def pack_crate(folder: Path, title: str, wanted: str) -> bytes:
    """The bytes with SHA-256 `wanted` where they can be made, else the first variant."""
    files = vendored_files(folder)
    is_large = sum(len(data) for _, data, _ in files) > 4 << 20  # trying takes too long for these
    orders = (lambda file: file[0].split("/"), lambda file: file[0])
    libraries = [zlib] + ([zlib_ng] if zlib_ng else [])
    first = None
    for gitignore, order, times in itertools.product(
            DROPPED_GITIGNORES[:1] if is_large else DROPPED_GITIGNORES, orders, TIMES):
        added = [] if gitignore is None else [(".gitignore", gitignore, False)]
        archive = tar(title, sorted(files + added, key=order), times)
        for library in libraries:
            crate = compress(library, archive, f"{title}.crate")
            first = first or crate
            if hashlib.sha256(crate).hexdigest() == wanted:
                return crate
    assert gzip.decompress(first)  # whatever it is, it is a crate
    return first


def registry_path(name: str) -> str:
    """Where the index has a crate: https://doc.rust-lang.org/cargo/reference/registry-index.html#index-files"""
    name = name.lower()
    folder = {1: "1", 2: "2", 3: f"3/{name[0]}"}.get(len(name), f"{name[:2]}/{name[2:4]}")
    return f"{folder}/{name}"


def registry_entry(manifest: dict, digest: str) -> dict:
    """One line of the index: https://doc.rust-lang.org/cargo/reference/registry-index.html#json-schema"""
    package = manifest["package"]
    tables = [(None, manifest)] + list(manifest.get("target", {}).items())
    kinds = (("dependencies", "normal"), ("build-dependencies", "build"), ("dev-dependencies", "dev"))
    dependencies = [
        dependency(name, value if isinstance(value, dict) else {"version": value}, kind, target)
        for target, table in tables for key, kind in kinds for name, value in table.get(key, {}).items()
    ]
    entry = {
        "name": package["name"], "vers": package["version"], "deps": dependencies, "cksum": digest, "features": {},
        "features2": manifest.get("features", {}), "yanked": False, "v": 2,
    }
    return entry | ({"links": package["links"]} if "links" in package else {})


def dependency(name: str, value: dict, kind: str, target: str | None) -> dict:
    entry = {
        "name": name, "req": value.get("version", "*"), "features": value.get("features", []),
        "optional": value.get("optional", False), "default_features": value.get("default-features", True),
        "target": target, "kind": kind,
    }
    return entry | ({"package": value["package"]} if "package" in value else {})
