#!/usr/bin/env python3
"""Recomputes every digest of a bundle's statement from the source and the bundle, with none of Kettle's code.

usage: recompute.py SOURCE BUNDLE [CRATES]

SOURCE is the archive that was sent or a clone of the repository, BUNDLE an unpacked bundle, CRATES a folder with the
registry's .crate files. Tools are this machine's. Exits 1 at the first digest that differs or cannot be recomputed.
"""
import base64, hashlib, json, os, re, subprocess, sys, tempfile
from pathlib import Path
from urllib.parse import unquote

source, bundle = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve()
crates = Path(sys.argv[3]) if len(sys.argv) > 3 else None
scratch = Path(tempfile.mkdtemp())
statement = json.loads((bundle / "provenance.json").read_bytes())
definition, details = statement["predicate"]["buildDefinition"], statement["predicate"]["runDetails"]

def sha256(data): return hashlib.sha256(data.read_bytes() if isinstance(data, Path) else data).hexdigest()
def run(*command, **options): return subprocess.run(command, check=True, capture_output=True, **options).stdout

def same(what, expected, actual):
    if expected != actual: sys.exit(f"{what}: {expected} was expected, {actual} was computed")
    print("ok  ", what)

def tree(folder, form="sha1"):
    git = ["git", f"--git-dir={tempfile.mkdtemp(dir=scratch)}", f"--work-tree={folder}", "-c", "core.autocrlf=false"]
    run(*git, "init", "-q", f"--object-format={form}")
    run(*git, "add", "--all", "--force", cwd=folder)
    return run(*git, "write-tree").decode().strip()

def check_source(entry):
    root, digest, notes = scratch / "source", entry["digest"], entry.get("annotations", {})
    root.mkdir()
    if source.is_dir():
        same("gitCommit", digest["gitCommit"], run("git", "rev-parse", digest["gitCommit"] + "^{commit}", cwd=source).decode().strip())
        same("gitTree", digest["gitTree"], run("git", "rev-parse", digest["gitCommit"] + "^{tree}", cwd=source).decode().strip())
        run("tar", "-x", "-C", str(root), input=run("git", "archive", digest["gitCommit"], cwd=source))
        return root
    same("archive", digest["sha256"], sha256(source))
    run("unzip", "-q", str(source), "-d", str(root)) if source.suffix == ".zip" else run("tar", "-xf", str(source), "-C", str(root))
    if "gitCommit" in digest:
        content = run("git", f"--git-dir={root / '.git'}", "cat-file", "commit", digest["gitCommit"])
        same("gitCommit", digest["gitCommit"], hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest())
        same("its tree", digest["gitTree"], content.decode().split("\n")[0].removeprefix("tree "))
    run("rm", "-rf", str(root / ".git"))
    same("gitTree", digest["gitTree"], tree(root))
    same("gitTreeSha256", notes["gitTreeSha256"], tree(root, "sha256"))
    if folder := notes.get("folder"): same("folder", folder["gitTree"], tree(root / folder["name"]))
    return root

def check_package(root, locked, entry):
    name, version = re.match(r"pkg:cargo/([^@]+)@([^?#]+)", entry["uri"]).groups()
    digest, what = entry["digest"], unquote(f"{name} {version}")
    if "#" in entry["uri"]: return same(what, digest, {"gitTree": tree(root / unquote(entry["uri"].split("#")[1]))})
    if "annotations" not in entry: return same(what, digest, {"sha256": next(sha256(c) for c in crates.rglob("*") if c.is_file() and sha256(c) == locked[what])})
    for manifest in root.rglob("Cargo.toml"):
        listing, text = manifest.parent / ".cargo-checksum.json", manifest.read_text()
        if not listing.exists() or f'name = "{name}"' not in text or f'version = "{unquote(version)}"' not in text: continue
        files = {str(f.relative_to(manifest.parent)): sha256(f) for f in manifest.parent.rglob("*") if f.is_file() and f != listing}
        listed = json.loads(listing.read_text())
        same(f"{what}, its files", listed["files"], files)
        return same(what, digest, {"sha256": locked[what], "gitTree": tree(manifest.parent)} if listed["package"] == locked[what] else None)
    sys.exit(f"{what} is nowhere in the source")

def tools():
    sysroot = Path(run("rustc", "--print", "sysroot", cwd="/").decode().strip()).resolve()
    found = {name: sha256(sysroot / "bin" / name) for name in ["rustc", "cargo"]}
    listed = sorted((str(f.relative_to(sysroot)) for f in sysroot.rglob("*") if f.is_file() and f.relative_to(sysroot).parts[0] != "share"), key=os.fsencode)
    found["rust-toolchain"] = sha256("".join(f"{sha256(sysroot / f)}  {f}\n" for f in listed).encode())
    found["cc"] = sha256(Path("/usr/bin/cc").resolve())
    for kind, names in {"prog": ["ld", "collect2"], "file": ["crt1.o", "crti.o", "libgcc.a", "libc.so.6"]}.items():
        for name in names: found[name] = sha256(Path("/usr/bin", run("cc", f"-print-{kind}-name={name}", cwd="/").decode().strip()).resolve())
    return found

def merkle(leaves):
    if len(leaves) == 1: return hashlib.sha256(b"\0" + leaves[0]).digest()
    middle = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + merkle(leaves[:middle]) + merkle(leaves[middle:])).digest()

inputs = definition["resolvedDependencies"]
root, lockfile = check_source(inputs[0]), bundle / "build-config" / inputs[1]["name"]
same(inputs[1]["name"], inputs[1]["digest"]["sha256"], sha256(lockfile))
packages = re.findall(r'name = "(.*)"\nversion = "(.*)"\nsource = ".*"\nchecksum = "(.*)"', lockfile.read_text())
locked, installed = {f"{name} {version}": checksum for name, version, checksum in packages}, tools()
for entry in inputs[2:]:
    if entry.get("uri", "").startswith("pkg:"): check_package(root, locked, entry)
    else: same(entry["name"], entry["digest"], {"sha256": installed[entry["name"]]})
for subject in statement["subject"]: same(subject["name"], subject["digest"], {"sha256": sha256(bundle / "artifacts" / subject["name"])})
canonical = [json.dumps(entry, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() for entry in inputs]
for entry in details["byproducts"]:
    same(entry["name"], entry["digest"]["sha256"], merkle(canonical).hex() if entry["name"] == "input_merkle_root" else sha256(bundle / entry["name"]))
evidence = json.loads((bundle / "evidence.json").read_bytes())["evidence"]
nonce = definition["externalParameters"].get("nonce", "0" * 32)
same("signed data", evidence["signed_data"], sha256(bundle / "provenance.json") + nonce)
for name in ["public_key", "signature"]: (scratch / name).write_bytes(base64.b64decode(evidence[name]))
signed = run("openssl", "dgst", "-sha256", "-verify", str(scratch / "public_key"), "-keyform", "DER", "-signature", str(scratch / "signature"), input=bytes.fromhex(evidence["signed_data"]))
same("signature", b"Verified OK\n", signed)
