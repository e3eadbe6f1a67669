// Bytes and text. Errors name what is wrong; nothing here trusts its input.

export const utf8 = (text) => new TextEncoder().encode(text);

const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const lenient = new TextDecoder("utf-8", { ignoreBOM: true });

// Null for what is not UTF-8.
export function text(bytes) {
  try {
    return strict.decode(bytes);
  } catch {
    return null;
  }
}

// Any bytes, for messages.
export const shownText = (bytes) => lenient.decode(bytes);

const digits = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function hex(bytes) {
  let result = "";
  for (const byte of bytes) result += digits[byte];
  return result;
}

// Reads what `hex` writes; null for upper case, an odd number of digits or anything else.
export function fromHex(text) {
  if (typeof text !== "string" || text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  const bytes = new Uint8Array(text.length / 2);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = parseInt(text.substr(index * 2, 2), 16);
  return bytes;
}

// The base64 of RFC 4648, section 4, in its one form: padded, without white space, no unused bit set. Null for any other.
export function fromBase64(text) {
  if (typeof text !== "string" || text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return null;
  let binary;
  try {
    binary = atob(text);
  } catch {
    return null;
  }
  const bytes = new Uint8Array(binary.length);
  for (let index = 0; index < bytes.length; index += 1) bytes[index] = binary.charCodeAt(index);
  // Bits that stand for nothing are zero, or two texts would mean the same.
  const spare = text.endsWith("==") ? 15 : text.endsWith("=") ? 3 : 0;
  if (spare !== 0) {
    const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const last = letters.indexOf(text.replace(/=+$/, "").slice(-1));
    if ((last & spare) !== 0) return null;
  }
  return bytes;
}

// The alphabet of section 5, whose padding may be left off.
export function fromBase64URL(text) {
  if (typeof text !== "string" || /[+/]/.test(text)) return null;
  let letters = text.replaceAll("-", "+").replaceAll("_", "/");
  if (!letters.endsWith("=")) letters += "=".repeat((4 - (letters.length % 4)) % 4);
  return fromBase64(letters);
}

export function toBase64URL(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

export function equal(left, right) {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

export function concat(...parts) {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let position = 0;
  for (const part of parts) {
    result.set(part, position);
    position += part.length;
  }
  return result;
}

export const isZero = (bytes) => bytes.every((byte) => byte === 0);

export const masked = (bytes, mask) => bytes.map((byte, index) => byte & mask[index]);

// Bytes of unknown length, read from front to back. Every read is checked against the end: null where there are fewer.
export class Reader {
  constructor(bytes) {
    this.bytes = bytes;
    this.position = 0;
  }

  get remaining() {
    return this.bytes.length - this.position;
  }

  get rest() {
    return this.bytes.subarray(this.position);
  }

  take(count) {
    if (!Number.isInteger(count) || count < 0 || count > this.remaining) return null;
    this.position += count;
    return this.bytes.subarray(this.position - count, this.position);
  }

  number(count, isLittleEndian) {
    const bytes = this.take(count);
    if (bytes === null) return null;
    const ordered = isLittleEndian ? bytes.slice().reverse() : bytes;
    return ordered.reduce((value, byte) => value * 256 + byte, 0);
  }

  little(count) {
    return this.number(count, true);
  }

  big(count) {
    return this.number(count, false);
  }

  // A TPM2B structure: its length in two bytes, then that many.
  sized() {
    const count = this.big(2);
    return count === null ? null : this.take(count);
  }
}

// Little-endian integers at an offset that is known to lie inside.
export const uint16 = (bytes, offset) => bytes[offset] | (bytes[offset + 1] << 8);
export const uint32 = (bytes, offset) => (uint16(bytes, offset) | (uint16(bytes, offset + 2) << 16)) >>> 0;
export const uint64 = (bytes, offset) => (BigInt(uint32(bytes, offset + 4)) << 32n) | BigInt(uint32(bytes, offset));
