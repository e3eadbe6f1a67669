// Strict JSON (RFC 8259), read as the command line reads it.
//
// Values are null, booleans, strings, arrays, `JSONObject`, bigint for integers that fit 64 bits, and number for other numbers.
// Objects are tables and not JavaScript objects: a member named __proto__ is a member like any other.

import { text } from "./bytes.js";
import { isCombining } from "./combining.js";
import { Table } from "./text.js";

export class JSONObject extends Table {
  // From a JavaScript object of Kettle's own, without what is undefined. Integers become bigint.
  static of(members) {
    const object = new JSONObject();
    for (const [name, value] of Object.entries(members)) {
      if (value !== undefined) object.set(name, Number.isInteger(value) ? BigInt(value) : value);
    }
    return object;
  }
}

export const member = (value, ...names) =>
  names.reduce((inner, name) => (inner instanceof JSONObject ? inner.get(name) : undefined), value);

export const string = (value) => (typeof value === "string" ? value : null);

export class JSONFault extends Error {
  constructor(message, isDuplicate = false) {
    super(message);
    this.isDuplicate = isDuplicate;
  }
}

const digit = (byte) => byte >= 0x30 && byte <= 0x39;
const code = (letter) => letter.charCodeAt(0);

class JSONReader {
  constructor(bytes, note) {
    this.bytes = bytes;
    this.position = 0;
    this.note = note;
  }

  document() {
    this.space();
    const value = this.value(0);
    this.end();
    return value;
  }

  end() {
    this.space();
    if (this.position !== this.bytes.length) throw new JSONFault(`something follows the JSON at byte ${this.position}`);
  }

  value(depth) {
    const byte = this.current();
    if (byte === 0x7b) return this.object(depth + 1);
    if (byte === 0x5b) return this.array(depth + 1);
    if (byte === 0x22) return this.string();
    if (byte === 0x2d || digit(byte)) return this.number();
    if (byte === 0x74) return this.expect("true"), true;
    if (byte === 0x66) return this.expect("false"), false;
    if (byte === 0x6e) return this.expect("null"), null;
    throw this.unexpected(byte);
  }

  array(depth) {
    this.enter(depth);
    if (this.current() === 0x5d) return (this.position += 1), [];
    const elements = [];
    do elements.push(this.value(depth));
    while (!this.isLast(0x5d));
    return elements;
  }

  object(depth) {
    this.enter(depth);
    const members = new JSONObject();
    if (this.current() === 0x7d) return (this.position += 1), members;
    do {
      const start = this.position;
      if (this.current() !== 0x22) throw this.unexpected(this.current());
      const name = this.string();
      this.space();
      this.expect(":");
      this.space();
      const from = this.position;
      const value = this.value(depth);
      if (depth === 1) this.note?.(name, from, this.position);
      if (members.has(name)) {
        throw new JSONFault(`the JSON names the member "${name}" twice, again at byte ${start}`, true);
      }
      members.set(name, value);
    } while (!this.isLast(0x7d));
    return members;
  }

  enter(depth) {
    if (depth > 64) throw new JSONFault(`the JSON nests deeper than 64 levels at byte ${this.position}`);
    this.position += 1;
    this.space();
  }

  // Passes a comma, or the closing bracket: true for the bracket.
  isLast(closing) {
    this.space();
    const byte = this.current();
    if (byte !== closing && byte !== 0x2c) throw this.unexpected(byte);
    this.position += 1;
    if (byte === closing) return true;
    this.space();
    return false;
  }

  string() {
    this.position += 1;
    const start = this.position;
    let decoded = null;
    let piece = start;
    for (;;) {
      const byte = this.current();
      if (byte === 0x22) break;
      if (byte < 0x20) {
        throw new JSONFault(`the JSON has an unescaped control character at byte ${this.position}`);
      }
      if (byte === 0x5c) {
        decoded ??= [];
        decoded.push(this.bytes.subarray(piece, this.position));
        this.position += 1;
        decoded.push(new TextEncoder().encode(this.escape()));
        piece = this.position;
      } else this.position += 1;
    }
    let content = this.bytes.subarray(piece, this.position);
    this.position += 1;
    if (decoded !== null) {
      decoded.push(content);
      content = new Uint8Array(decoded.reduce((sum, part) => sum + part.length, 0));
      let place = 0;
      for (const part of decoded) {
        content.set(part, place);
        place += part.length;
      }
    }
    const value = text(content);
    if (value === null) throw new JSONFault(`the JSON is not UTF-8 at byte ${start}`);
    checkMarks(value, start);
    return value;
  }

  escape() {
    const letter = this.current();
    this.position += 1;
    const plain = { 0x22: '"', 0x5c: "\\", 0x2f: "/", 0x62: "\b", 0x66: "\f", 0x6e: "\n", 0x72: "\r", 0x74: "\t" };
    if (letter in plain) return plain[letter];
    if (letter !== code("u")) throw new JSONFault(`the JSON has an unknown escape at byte ${this.position - 1}`);
    const start = this.position - 2;
    const lone = () => new JSONFault(`the JSON has half of a surrogate pair at byte ${start}`);
    const first = this.unit();
    if (first < 0xd800 || first > 0xdfff) return String.fromCharCode(first);
    const { bytes, position } = this;
    if (first > 0xdbff || position + 1 >= bytes.length || bytes[position] !== 0x5c || bytes[position + 1] !== 0x75) {
      throw lone();
    }
    this.position += 2;
    const second = this.unit();
    if (second < 0xdc00 || second > 0xdfff) throw lone();
    return String.fromCharCode(first, second);
  }

  unit() {
    let unit = 0;
    for (let count = 0; count < 4; count += 1) {
      const letter = String.fromCharCode(this.current());
      if (!/[0-9A-Fa-f]/.test(letter)) throw new JSONFault(`the JSON has an unknown escape at byte ${this.position}`);
      unit = unit * 16 + parseInt(letter, 16);
      this.position += 1;
    }
    return unit;
  }

  number() {
    const { bytes } = this;
    const start = this.position;
    if (bytes[this.position] === 0x2d) this.position += 1;
    if (this.current() === 0x30) this.position += 1;
    else this.digits();
    let isInteger = true;
    if (bytes[this.position] === 0x2e) {
      isInteger = false;
      this.position += 1;
      this.digits();
    }
    if (bytes[this.position] === 0x65 || bytes[this.position] === 0x45) {
      isInteger = false;
      this.position += 1;
      const sign = this.current();
      if (sign === 0x2b || sign === 0x2d) this.position += 1;
      this.digits();
    }
    const digits = text(bytes.subarray(start, this.position));
    // A number of a million digits is no integer of 64 bits, and BigInt would take its time.
    if (isInteger && digits.length <= 20) {
      const value = BigInt(digits);
      if (BigInt.asIntN(64, value) === value) return value;
    }
    const value = Number(digits);
    if (!Number.isFinite(value)) throw new JSONFault(`the JSON has a number beyond all doubles at byte ${start}`);
    return value;
  }

  digits() {
    const first = this.current();
    if (!digit(first)) throw this.unexpected(first);
    while (this.position < this.bytes.length && digit(this.bytes[this.position])) this.position += 1;
  }

  current() {
    if (this.position >= this.bytes.length) throw new JSONFault("the JSON ends in the middle of a value");
    return this.bytes[this.position];
  }

  unexpected(byte) {
    const shown = byte.toString(16).padStart(2, "0");
    return new JSONFault(`the JSON has an unexpected byte 0x${shown} at ${this.position}`);
  }

  expect(word) {
    for (const letter of word) {
      const byte = this.current();
      if (byte !== code(letter)) throw this.unexpected(byte);
      this.position += 1;
    }
  }

  space() {
    const { bytes } = this;
    while (this.position < bytes.length && [0x20, 0x09, 0x0a, 0x0d].includes(bytes[this.position])) this.position += 1;
  }
}

// Reads a document. Throws `JSONFault` at the first thing that is wrong.
export function parse(bytes, limit = 16 * 1024 * 1024) {
  if (bytes.length > limit) throw new JSONFault(`the JSON is longer than ${limit} bytes`);
  return new JSONReader(bytes).document();
}

// Reads an object, and where the value of each member stands: signatures over a part cover its bytes.
export function parseMembers(bytes, limit = 16 * 1024 * 1024) {
  if (bytes.length > limit) throw new JSONFault(`the JSON is longer than ${limit} bytes`);
  const ranges = new Table();
  const reader = new JSONReader(bytes, (name, from, to) => ranges.set(name, bytes.subarray(from, to)));
  reader.space();
  if (reader.current() !== 0x7b) throw reader.unexpected(reader.current());
  const object = reader.object(1);
  reader.end();
  return { object, ranges };
}

// UAX #15, Stream-Safe Text Format: Swift takes an hour over four million accents on one letter, and so refuses more than 30.
function checkMarks(value, offset) {
  if (/^[\u0000-\u02ff]*$/.test(value)) return;
  let marks = 0;
  for (const letter of value) {
    // What is a mark by the browser's newer tables is one too: in doubt the JSON is refused.
    if (!isCombining(letter.codePointAt(0)) && !/^\p{M}/u.test(letter)) marks = 0;
    else if ((marks += 1) > 30) {
      throw new JSONFault(
        `the JSON has more than 30 combining marks on one character in the string at byte ${offset}`);
    }
  }
}
