// A gzipped tar archive of plain headers, an end mark, and nothing behind it (POSIX.1-2017, pax, "ustar Interchange Format").

import { isZero, shownText, text } from "./bytes.js";
import { ArchiveFault, faults } from "./fault.js";
import { gunzip } from "./gzip.js";
import { composed } from "./text.js";

const block = 512;
// In UTF-16 units. Composing takes time by the square of the marks on one letter; a longer name is refused anyway.
const longestComposed = 2048;

// A name of the GNU form, in bytes, far beyond what a bundle's path may have.
const longestName = 4096;

// Octal digits between spaces and NULs. Base 256, for what is larger than 8 GiB, is not taken.
function octal(field) {
  const found = /^ *([0-7]+)[ \0]*$/.exec(String.fromCharCode(...field));
  if (found === null) throw faults.malformed();
  return parseInt(found[1], 8);
}

// What programs read in different ways, where they read it at all: fields that are no numbers, and other magics than those of POSIX,
// GNU and old archives. What is no length may be in base 256: times before 1970 are.
function checkHeader(header) {
  for (const [from, to] of [[100, 108], [108, 116], [116, 124], [124, 136], [136, 148], [329, 337], [337, 345]]) {
    const field = header.subarray(from, to);
    const isBinary = from !== 124 && (field[0] & 0x80) !== 0;
    if (!isZero(field) && !isBinary) octal(field);
  }
  if (!/^ *[0-7]+[ \0]*$/.test(String.fromCharCode(...header.subarray(148, 156)))) throw faults.malformed();
  const magic = String.fromCharCode(...header.subarray(257, 265));
  if (!["ustar\x0000", "ustar  \0", "\0".repeat(8)].includes(magic)) throw faults.malformed();
  if (magic !== "ustar\x0000" && !isZero(header.subarray(345, 500))) throw faults.malformed();
}

// Records `LENGTH KEY=VALUE\n`. A key that moves content or names elsewhere is refused.
function paxRecords(bytes) {
  const records = new Map();
  let rest = bytes;
  while (rest.length > 0) {
    const space = rest.indexOf(0x20);
    const digits = space < 0 ? "" : shownText(rest.subarray(0, space));
    const length = /^[+-]?[0-9]+$/.test(digits) ? Number(digits) : 0;
    if (length <= 0 || length > rest.length || rest[length - 1] !== 0x0a) throw faults.malformed();
    const record = rest.subarray(0, length);
    const equals = record.indexOf(0x3d, space + 1);
    if (space + 1 > length || equals < 0) throw faults.malformed();
    const key = shownText(record.subarray(space + 1, equals));
    const known = ["path", "mtime", "atime", "ctime", "uid", "gid", "uname", "gname", "comment"];
    if (!known.includes(key) && !/^(LIBARCHIVE|SCHILY)\./.test(key)) throw faults.malformed();
    // One moves the end of a file, the others are names.
    if (key === "SCHILY.realsize") throw faults.malformed();
    if (key === "path" && (record.includes(0) || equals + 2 >= length)) throw faults.malformed();
    if (text(record.subarray(equals + 1, length - 1)) === null && ["uname", "gname"].includes(key)) throw faults.malformed();
    records.set(key, record.subarray(equals + 1, length - 1));
    rest = rest.subarray(length);
  }
  return records;
}

// Whether the archive means the same to every program.
function checkForm(bytes, fault, limits) {
  const whole = Math.floor(bytes.length / block);
  // The command line looks at 256 KiB at a time, and at none of which a part cannot be inflated.
  const readable = fault === null ? whole : Math.floor(bytes.length / (256 << 10)) * 512;
  let content = 0;
  let pax = null;
  let zeroBlocks = 0;
  let isNaming = false;
  for (let index = 0; index < readable; index += 1) {
    const one = bytes.subarray(index * block, (index + 1) * block);
    if (content > 0) {
      content -= 1;
      if (content === 0 && pax !== null) {
        paxRecords(bytes.subarray(pax.start, pax.start + pax.size));
        pax = null;
      }
      continue;
    }
    if (isZero(one)) {
      if (isNaming) throw faults.malformed();
      zeroBlocks += 1;
      continue;
    }
    if (zeroBlocks > 0) throw faults.trailing();
    checkHeader(one);
    const size = octal(one.subarray(124, 136));
    const type = one[156] === 0 ? "0" : String.fromCharCode(one[156]);
    // Of two names for one entry programs take different ones.
    if (isNaming && (type === "x" || type === "L")) throw faults.malformed();
    isNaming = type === "x" || type === "L";
    if (type === "L" && size > longestName) throw limits.exceeded("bytes of a path", limits.path);
    if (type >= "1" && type <= "6") {
      if (size !== 0) throw faults.malformed();
    } else if (type === "x") {
      if (size <= 0 || size > 64 << 10) throw faults.malformed();
      pax = { start: (index + 1) * block, size };
    } else if (type !== "0" && type !== "L") throw faults.malformed();
    content = Math.ceil(size / block);
  }
  if (fault === "cut") throw faults.cut();
  if (fault === "bad") throw faults.malformed();
  if (fault === "trailing") throw faults.trailing();
  if (zeroBlocks < 2 || content !== 0) throw faults.cut();
  if (!isZero(bytes.subarray(whole * block))) throw faults.trailing();
}

const terminated = (field) => {
  const end = field.indexOf(0);
  return end < 0 ? field : field.subarray(0, end);
};

function headerName(header) {
  const magic = shownText(header.subarray(257, 265));
  const name = terminated(header.subarray(0, 100));
  const prefix = magic.startsWith("ustar\0") ? terminated(header.subarray(345, 500)) : header.subarray(0, 0);
  if (prefix.length === 0) return name;
  // What begins with a slash already is not joined by another.
  const slash = prefix.at(-1) === 0x2f ? [] : [0x2f];
  return Uint8Array.from([...prefix, ...slash, ...name]);
}

function isSummed(header) {
  let [plain, signed] = [0, 0];
  for (let index = 0; index < block; index += 1) {
    const byte = index >= 148 && index < 156 ? 0x20 : header[index];
    plain += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const found = /^[ \t]*([0-7]*)/.exec(String.fromCharCode(...header.subarray(148, 156)))[1];
  const sum = found === "" ? 0 : parseInt(found, 8);
  return sum === plain || sum === signed;
}

export function readTar(file, limits, take) {
  const { bytes, fault } = gunzip(file, limits.memory);
  checkForm(bytes, fault, limits);
  let position = 0;
  let longName = null;
  let records = null;
  while (position + block <= bytes.length) {
    const header = bytes.subarray(position, position + block);
    position += block;
    if (isZero(header)) break;
    if (!isSummed(header)) throw new ArchiveFault("Damaged tar archive");
    const size = octal(header.subarray(124, 136));
    const start = position;
    position += Math.ceil(size / block) * block;
    const type = header[156] === 0 ? "0" : String.fromCharCode(header[156]);
    const content = bytes.subarray(start, start + size);
    if (type === "x") {
      records = paxRecords(content);
      continue;
    }
    if (type === "L") {
      longName = terminated(content);
      continue;
    }
    const named = records?.get("path");
    const name = text(named ?? longName ?? headerName(header));
    [longName, records] = [null, null];
    if (name === null) throw limits.unreadableName();
    const isFolder = type === "5" || (type === "0" && name.endsWith("/"));
    if (isFolder && size > 0) throw new ArchiveFault("Damaged tar archive");
    // A pax header's name is UTF-8, and composed; another's is bytes.
    take(named && name.length <= longestComposed ? composed(name) : name, isFolder ? "folder" : type === "0" ? "file" : "link", () => content);
  }
}
