// A ZIP archive, on whose every field its directory and its entries agree. Layouts and numbers are those of PKWARE APPNOTE 6.3.10.

import { equal, isZero, shownText, text, uint16, uint32, uint64 } from "./bytes.js";
import { crc32 } from "./crc.js";
import { ArchiveFault, faults } from "./fault.js";
import { inflate } from "./inflate.js";
import { composed } from "./text.js";

// Exactly so many bytes; those that do not all lie in the file are a fault.
function slice(file, offset, count) {
  if (offset < 0 || count < 0 || offset > file.length || count > file.length - offset) throw faults.malformed();
  return file.subarray(offset, offset + count);
}

// Values of 64 bits that no file has are larger than it, however they are rounded.
const number = (value) => Number(value);
const limit64 = 1n << 63n;

// Where the directory lies. There is one record, it ends the file, and directory and record touch.
function endRecord(file) {
  if (file.length < 22) throw faults.cut();
  const first = Math.max(0, file.length - 22 - 0xffff);
  let offset = file.length - 22;
  while (offset >= first && uint32(file, offset) !== 0x06054b50) offset -= 1;
  if (offset < first) throw faults.cut();
  const end = offset + 22 + uint16(file, offset + 20);
  if (end < file.length) throw faults.trailing();
  if (end > file.length) throw faults.cut();
  if (uint32(file, offset + 4) !== 0 || uint16(file, offset + 8) !== uint16(file, offset + 10)) throw faults.malformed();
  let [entries, size, start] = [uint16(file, offset + 10), uint32(file, offset + 12), uint32(file, offset + 16)];
  let limit = offset;
  const zip64 = zip64Record(file, offset);
  if (zip64 !== null) {
    if ((entries !== 0xffff && entries !== zip64.entries) || (size !== 0xffffffff && size !== zip64.size)
      || (start !== 0xffffffff && start !== zip64.start)) throw faults.malformed();
    ({ entries, size, start, offset: limit } = zip64);
  }
  if (start > limit || size !== limit - start) throw faults.malformed();
  return { entries, size, start };
}

function zip64Record(file, end) {
  if (end < 20 || uint32(file, end - 20) !== 0x07064b50) return null;
  const offset = number(uint64(file, end - 12));
  if (uint32(file, end - 16) !== 0 || uint32(file, end - 4) > 1 || offset > end - 76) throw faults.malformed();
  const record = slice(file, offset, 56);
  if (uint32(record, 0) !== 0x06064b50) throw faults.malformed();
  if (uint64(record, 4) !== 44n) throw faults.directoryEncrypted();
  if (offset !== end - 76 || uint64(record, 16) !== 0n || uint64(record, 24) !== uint64(record, 32)) {
    throw faults.malformed();
  }
  return { offset, entries: number(uint64(record, 32)), size: number(uint64(record, 40)), start: number(uint64(record, 48)) };
}

// 4.5.1: a sequence of fields. The values of 64 bits that are among them.
function extraFields(bytes, name) {
  const zip64 = [];
  let position = 0;
  let isWide = false;
  while (bytes.length - position >= 4) {
    const kind = uint16(bytes, position);
    const size = uint16(bytes, position + 2);
    const start = position + 4;
    if (size > bytes.length - start) throw faults.malformed();
    position = start + size;
    // An empty time, another's encryption, and two sizes: what one program takes another calls damaged.
    if ((kind === 0x5455 && size === 0) || kind === 0x9901 || (kind === 0x0001 && isWide)) throw faults.malformed();
    if (kind === 0x0001) {
      isWide = true;
      for (let place = start; place <= position - 8; place += 8) zip64.push(uint64(bytes, place));
    } else if (kind === 0x7075) {
      if (!equal(bytes.subarray(Math.min(start + 5, position), position), name)) throw faults.ambiguous(shownText(name));
    } else if (kind === 0x6c78) throw faults.ambiguous(shownText(name));
  }
  // Up to three bytes of padding are common.
  if (!isZero(bytes.subarray(position))) throw faults.malformed();
  return zip64;
}

// 4.3.12: 46 bytes, then name, extra fields and a comment.
function centralHeader(file, position) {
  const fixed = slice(file, position, 46);
  if (uint32(fixed, 0) !== 0x02014b50) {
    throw uint32(fixed, 0) === 0x08064b50 ? faults.directoryEncrypted() : faults.malformed();
  }
  const [nameBytes, extraBytes] = [uint16(fixed, 28), uint16(fixed, 30)];
  const rest = slice(file, position + 46, nameBytes + extraBytes);
  const name = rest.subarray(0, nameBytes);
  const zip64 = extraFields(rest.subarray(nameBytes), name);
  const widen = (field) => {
    if (field !== 0xffffffff) return field;
    const value = zip64.shift();
    if (value === undefined || value >= limit64) throw faults.malformed();
    return number(value);
  };
  const size = widen(uint32(fixed, 24));
  const packedSize = widen(uint32(fixed, 20));
  const offset = widen(uint32(fixed, 42));
  if (uint16(fixed, 34) !== 0) throw faults.malformed();
  const header = {
    name, size, packedSize, offset, path: shownText(name.subarray(0, 4096)), madeBy: fixed[5],
    attributes: uint32(fixed, 38), flags: uint16(fixed, 8), method: uint16(fixed, 10), crc: uint32(fixed, 16),
    bytes: 46 + nameBytes + extraBytes + uint16(fixed, 32),
  };
  const { flags, path } = header;
  if (name.length === 0) throw faults.nameEmpty();
  if (name.includes(0)) throw faults.nameNUL(path);
  if (name.includes(0x5c)) throw faults.nameBackslash(path);
  if (flags & 0x0800 && text(name) === null) throw faults.nameUnreadable();
  if (flags & 0x2000) throw faults.directoryEncrypted();
  if (flags & 0x0041) throw faults.encrypted(path);
  if (header.method !== 0 && header.method !== 8) throw faults.compression(path);
  return header;
}

// 4.3.7: 30 bytes, then name and extra fields. Says the same as the directory, or nothing.
function localHeader(file, central) {
  const fixed = slice(file, central.offset, 30);
  if (uint32(fixed, 0) !== 0x04034b50) throw faults.malformed();
  const [nameBytes, extraBytes] = [uint16(fixed, 26), uint16(fixed, 28)];
  const rest = slice(file, central.offset + 30, nameBytes + extraBytes);
  if (uint16(fixed, 6) & 0x2041) throw faults.encrypted(central.path);
  const hasDescriptor = (uint16(fixed, 6) & 0x0008) !== 0;
  const zip64 = extraFields(rest.subarray(nameBytes), central.name);
  const isSame = (value, expected) => value === expected || (hasDescriptor && value === 0);
  let agrees = equal(rest.subarray(0, nameBytes), central.name) && uint16(fixed, 8) === central.method;
  agrees = agrees && isSame(uint32(fixed, 14), central.crc);
  for (const [place, expected] of [[22, central.size], [18, central.packedSize]]) {
    const field = uint32(fixed, place);
    const value = field === 0xffffffff ? number(zip64.shift() ?? field) : field;
    agrees = agrees && isSame(value, expected);
  }
  if (!agrees) throw faults.ambiguous(central.path);
  return { dataOffset: central.offset + 30 + nameBytes + extraBytes, hasDescriptor };
}

// 4.4.2.2 and 4.4.15: on Unix the mode is in the high half; on DOS 0x10 marks a folder. A slash ends a folder's name.
function kindOf(entry) {
  const type = (entry.madeBy === 3 ? entry.attributes >>> 16 : 0) & 0xf000;
  switch (type) {
    case 0xa000: return "link";
    case 0x2000:
    case 0x6000: throw faults.device(entry.path);
    case 0x1000: throw faults.pipe(entry.path);
    case 0xc000: throw faults.socket(entry.path);
    case 0:
    case 0x8000:
    case 0x4000: break;
    default: throw faults.type(entry.path);
  }
  const isFolder = type === 0x4000 || entry.name.at(-1) === 0x2f || (entry.madeBy === 0 && entry.attributes & 0x10);
  if (!isFolder) return "file";
  if (entry.size !== 0) throw faults.ambiguous(entry.path);
  return "folder";
}

function directory(file, limits) {
  const end = endRecord(file);
  if (end.entries === 0 && end.size === 0) throw end.start === 0 ? faults.empty() : faults.malformed();
  if (end.entries > limits.entries) throw limits.exceeded("entries", limits.entries);
  const entries = [];
  let position = end.start;
  let bytes = 0;
  for (let count = 0; count < end.entries; count += 1) {
    const central = centralHeader(file, position);
    const entry = { ...central, ...localHeader(file, central), kind: kindOf(central) };
    entry.end = entry.dataOffset + entry.packedSize;
    if (entry.packedSize > file.length - entry.dataOffset || (entry.method === 0 && entry.packedSize !== entry.size)) {
      throw faults.malformed();
    }
    position += entry.bytes;
    if (position > end.start + end.size) throw faults.malformed();
    if (entry.size > limits.bytes - bytes) throw limits.exceeded("bytes", limits.bytes);
    bytes += entry.size;
    if (entry.kind === "link" && (entry.method === 8 || entry.size > 4095)) throw faults.link(entry.path);
    entries.push(entry);
  }
  if (position !== end.start + end.size) throw faults.malformed();
  entries.sort((left, right) => left.offset - right.offset);
  checkPlaces(entries, end.start);
  return entries;
}

// Entries lie one behind the other from the file's first byte to the directory.
function checkPlaces(entries, directoryStart) {
  let end = 0;
  let slack = 0;
  for (const entry of entries) {
    if (entry.offset < end) throw faults.overlap();
    if (entry.offset > end + slack) throw faults.malformed();
    ({ end } = entry);
    slack = entry.hasDescriptor ? 24 : 0;
  }
  if (directoryStart < end || directoryStart > end + slack) throw faults.malformed();
}

// In the words of libarchive, which reads the content for the command line.
function content(file, entry, limits) {
  let data = file.subarray(entry.dataOffset, entry.end);
  if (entry.method === 8) {
    const { status, position, bytes } = inflate(data, 0, limits.memory);
    if (status === "bad") throw new ArchiveFault("ZIP decompression failed (-3)");
    if (status === "cut") throw new ArchiveFault("ZIP decompression failed (-5)");
    if (position !== data.length) {
      throw new ArchiveFault(`ZIP compressed data is wrong size (read ${position}, expected ${data.length})`);
    }
    data = bytes;
  }
  if (data.length !== entry.size) {
    throw new ArchiveFault(`ZIP uncompressed data is wrong size (read ${data.length}, expected ${entry.size})\n`);
  }
  const actual = crc32(data);
  if (actual === entry.crc) return data;
  throw new ArchiveFault(`ZIP bad CRC: 0x${actual.toString(16)} should be 0x${entry.crc.toString(16)}`);
}

export function readZIP(file, limits, take) {
  for (const entry of directory(file, limits)) {
    const path = text(entry.name);
    if (path === null) throw limits.unreadableName();
    const read = () => (entry.kind === "file" ? content(file, entry, limits) : null);
    // A name that the archive calls UTF-8 is composed.
    take(entry.flags & 0x0800 ? composed(path) : path, entry.kind, read);
  }
}
