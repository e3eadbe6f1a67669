// A bundle, read within limits and not yet believed.

import { ArchiveFault, Undetermined } from "./fault.js";
import { readArchive } from "./archive.js";
import { TooLarge } from "./inflate.js";
import { byteCount, doubtfulText, hasPrefix, normal, split, Table } from "./text.js";
import { sha256 } from "./crypto.js";

export const intelFiles = [
  "tcb_info.json", "tcb_signing_chain.pem", "qe_identity.json", "qe_identity_signing_chain.pem", "root_ca_crl.der", "pck_crl.der",
];
export const collateralFiles = [...intelFiles, "amd_crl.der", "vek.der"];

const limit = {
  entries: 10_000, bytes: 8 * 2 ** 30, statement: 16 * 2 ** 20, evidence: 10 * 2 ** 20, collateral: 4 * 2 ** 20, path: 1024,
};

// The browser keeps everything in memory, so it takes less than the command line.
export const memoryLimit = 2 ** 30;

// Why a bundle is rejected before anything in it is looked at.
export class BundleFault extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const exceeded = (name, value) =>
  new BundleFault("bundle.limit_exceeded", `the bundle exceeds the limit of ${value} for ${name}`);
const entryName = (name) =>
  new BundleFault("bundle.entry_name", `the bundle has an entry with the unusable name "${name}"`);
const duplicate = (name) =>
  new BundleFault("bundle.duplicate_entry", `the bundle has two entries named "${name}"`);

// Takes in a bundle's entries one after the other.
class Collector {
  files = new Table();
  oddities = new Table();
  folders = new Table();
  entries = 0;
  bytes = 0;
  keptBytes = 0;

  addFolder(path) {
    this.count(path);
    if (this.files.has(path) || this.oddities.has(path)) throw duplicate(path);
    this.folders.set(path, true);
  }

  addOddity(path, kind) {
    this.admit(path);
    this.oddities.set(path, kind);
  }

  addFile(path, read) {
    this.admit(path);
    const most = keptLimit(path);
    const bytes = read();
    if (bytes.length > limit.bytes - this.bytes) throw exceeded("bytes", limit.bytes);
    this.bytes += bytes.length;
    if (this.bytes > memoryLimit) throw new TooLarge();
    if (most !== null) {
      this.keptBytes += bytes.length;
      if (bytes.length > most || this.keptBytes > limit.statement + limit.evidence) {
        throw exceeded(`bytes of ${path}`, most);
      }
    }
    this.files.set(path, { path, bytes });
  }

  admit(path) {
    this.count(path);
    if (this.files.has(path) || this.oddities.has(path) || this.folders.has(path)) throw duplicate(path);
  }

  count(path) {
    this.entries += 1;
    if (this.entries > limit.entries) throw exceeded("entries", limit.entries);
    if (byteCount(path) > limit.path) throw exceeded("bytes of a path", limit.path);
    if (split(path).some((part) => ["", ".", ".."].includes(part)) || path.includes("\0")) throw entryName(path);
  }

  // Forges' archives and the result tarball put everything into one folder.
  get outerFolder() {
    const first = this.files.size > 0 ? split(this.files.keys()[0])[0] : null;
    if (this.files.has("provenance.json") || first === null || !this.files.has(`${first}/provenance.json`)) return "";
    const isWithin = (path) => {
      const parts = split(path);
      return parts.length > 1 && normal(parts[0]) === normal(first);
    };
    return [...this.files.keys(), ...this.oddities.keys()].every(isWithin) ? `${first}/` : "";
  }

  // A folder that holds something is judged by what it holds; one that holds nothing has to be expected.
  noteFolders(prefix) {
    const used = new Table();
    for (const name of ["artifacts", "build-config", "collateral"]) used.set(prefix + name, true);
    for (const path of this.files.keys()) {
      const parts = split(path);
      for (let count = this.folders.size > 0 ? parts.length - 1 : 0; count > 0; count -= 1) {
        const folder = parts.slice(0, count).join("/");
        used.set(folder, true);
      }
    }
    for (const folder of this.folders.keys()) if (!used.has(folder)) this.oddities.set(folder, "empty folder");
  }
}

// How many bytes a file may have that is read whole; null for one of which only the digest counts.
function keptLimit(path) {
  const parts = split(path);
  const name = parts.at(-1);
  if (collateralFiles.includes(name)) return parts.at(-2) === "collateral" ? limit.collateral : null;
  if (name !== "provenance.json" && name !== "evidence.json") return null;
  const isOuter = path.split("/").length <= 2 && !hasPrefix(path, "artifacts/");
  return isOuter ? (name === "provenance.json" ? limit.statement : limit.evidence) : null;
}

class Bundle {
  constructor(files, oddities) {
    this.files = files;
    this.oddities = oddities;
    this.statement = this.file("provenance.json")?.bytes ?? null;
    this.evidence = this.file("evidence.json")?.bytes ?? null;
    this.collateral = new Map();
    for (const name of collateralFiles) {
      const file = this.file(`collateral/${name}`);
      if (file) this.collateral.set(name, file.bytes);
    }
  }

  // The file of exactly this path, byte for byte.
  file(path) {
    const file = this.files.get(path);
    return file !== undefined && file.path === path ? file : null;
  }

  // The files below a folder, the folder left off.
  names(folder) {
    return this.files.keys().filter((path) => path.startsWith(`${folder}/`)).map((path) => path.slice(folder.length + 1));
  }
}

// Reads a bundle from the bytes of a ZIP or a tar.gz. Throws `BundleFault` or `Undetermined`.
export async function readBundle(bytes) {
  const collector = new Collector();
  const limits = {
    entries: limit.entries, bytes: limit.bytes, path: limit.path, exceeded, unreadableName: () => entryName("(not UTF-8)"),
    memory: memoryLimit,
  };
  try {
    const isArchive = readArchive(bytes, limits, (name, kind, read) => {
      // Before anything that takes longer than a name is long.
      if (byteCount(name) > limit.path + 2) throw exceeded("bytes of a path", limit.path);
      let path = hasPrefix(name, "./") ? name.slice(2) : name;
      if (kind === "folder") {
        if (path.endsWith("/")) path = path.slice(0, -1);
        if (path !== "" && path !== ".") collector.addFolder(path);
      } else if (kind === "file") collector.addFile(path, read);
      else collector.addOddity(path, "link or device");
    });
    if (!isArchive) {
      throw new BundleFault("bundle.format", "the bundle is neither a folder nor a ZIP or tar.gz archive");
    }
  } catch (fault) {
    if (fault instanceof ArchiveFault) {
      throw new BundleFault("bundle.damaged", `the bundle's archive is damaged: ${fault.message}`);
    }
    if (fault instanceof TooLarge || fault instanceof RangeError) throw tooLarge();
    throw fault;
  }
  const prefix = collector.outerFolder;
  collector.noteFolders(prefix);
  const [files, oddities] = [new Table(), new Table()];
  // Each path by its own first part: the same folder may be spelt with more or fewer units.
  const within = (path) => (prefix === "" ? path : path.slice(split(path)[0].length + 1));
  for (const [path, file] of collector.files.entries()) {
    const inner = within(path);
    if (files.has(inner)) throw duplicate(inner);
    files.set(inner, { path: inner, size: file.bytes.length, bytes: file.bytes, digest: await sha256(file.bytes) });
  }
  for (const [path, kind] of collector.oddities.entries()) {
    const inner = within(path);
    if (files.has(inner) || oddities.has(inner)) throw duplicate(inner);
    oddities.set(inner, kind);
  }
  const bundle = new Bundle(files, oddities);
  bundle.isTextDoubtful = [...collector.files.keys(), decoded(bundle.statement)].some((words) => doubtfulText.test(words));
  return bundle;
}

const decoded = (bytes) => (bytes === null ? "" : new TextDecoder().decode(bytes));

export function tooLarge() {
  return new Undetermined(
    "browser.too_large", `the bundle has more than ${memoryLimit} bytes, which is too much for a browser; kettle verify takes it`);
}
