// DER (X.690, section 10), read strictly: one spelling of each value, and nothing behind it.

import { hex } from "./bytes.js";
import { timestamp } from "./statement.js";

export class DERFault extends Error {}

export const tags = {
  boolean: 0x01, integer: 0x02, bits: 0x03, octets: 0x04, identifier: 0x06, utf8: 0x0c, printable: 0x13, ia5: 0x16,
  utcTime: 0x17, generalizedTime: 0x18, sequence: 0x30, set: 0x31,
};

function read(bytes, start, end, depth) {
  if (depth > 50 || end - start < 2) throw new DERFault();
  const tag = bytes[start];
  // Tags of several bytes, and the tag that is reserved.
  if ((tag & 0x1f) === 0x1f || (tag & 0xdf) === 0) throw new DERFault();
  let position = start + 1;
  let length = bytes[position];
  position += 1;
  if (length >= 0x80) {
    const count = length & 0x7f;
    if (count === 0 || count > 4 || position + count > end) throw new DERFault();
    length = 0;
    for (let index = 0; index < count; index += 1) length = length * 256 + bytes[position + index];
    // No longer than needed.
    if (length < 0x80 || length < 256 ** (count - 1)) throw new DERFault();
    position += count;
  }
  if (length > end - position) throw new DERFault();
  const stop = position + length;
  const node = new Node(tag, bytes.subarray(position, stop), bytes.subarray(start, stop));
  if (tag & 0x20) {
    node.children = [];
    while (position < stop) {
      const child = read(bytes, position, stop, depth + 1);
      node.children.push(child);
      position += child.encoded.length;
    }
  }
  return node;
}

// Reads one value. Throws `DERFault`.
export function parseDER(bytes) {
  const node = read(bytes, 0, bytes.length, 1);
  if (node.encoded.length !== bytes.length) throw new DERFault();
  return node;
}

class Node {
  children = null;

  constructor(tag, content, encoded) {
    this.tag = tag;
    this.content = content;
    this.encoded = encoded;
  }

  // The elements of a constructed value, to be taken one after the other.
  elements(tag) {
    if (this.tag !== tag || this.children === null) throw new DERFault();
    return new Elements(this.children);
  }

  // The one element of an explicit tag.
  inside(number) {
    const elements = this.elements(0xa0 | number);
    const inner = elements.next();
    elements.end();
    return inner;
  }

  primitive(tag) {
    if (this.tag !== tag) throw new DERFault();
    return this.content;
  }

  // As hexadecimal digits of its content, which has one spelling.
  identifier() {
    const content = this.primitive(tags.identifier);
    let isStart = true;
    for (const byte of content) {
      if (isStart && byte === 0x80) throw new DERFault();
      isStart = byte < 0x80;
    }
    if (!isStart || content.length === 0) throw new DERFault();
    return hex(content);
  }

  // An INTEGER's bytes, no more than needed.
  integerBytes() {
    const content = this.primitive(tags.integer);
    const [first, second] = content;
    if (content.length === 0) throw new DERFault();
    if (content.length > 1 && ((first === 0 && second < 0x80) || (first === 0xff && second >= 0x80))) throw new DERFault();
    return content;
  }

  // The bytes of an INTEGER that is not negative.
  unsignedBytes() {
    const content = this.integerBytes();
    if (content[0] >= 0x80) throw new DERFault();
    return content;
  }

  // An INTEGER from 0 to `most`.
  integer(most = 65_535) {
    const content = this.integerBytes();
    if (content.length > 8 || content[0] >= 0x80) throw new DERFault();
    const value = content.reduce((sum, byte) => sum * 256 + byte, 0);
    if (value > most) throw new DERFault();
    return value;
  }

  boolean() {
    const content = this.primitive(tags.boolean);
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff)) throw new DERFault();
    return content[0] === 0xff;
  }

  // A BIT STRING of whole bytes.
  bits() {
    const content = this.primitive(tags.bits);
    if (content[0] !== 0) throw new DERFault();
    return content.subarray(1);
  }

  // UTCTime or GeneralizedTime in the form of RFC 5280, section 4.1.2.5: seconds and a Z. In seconds since 1970.
  time() {
    const content = this.primitive(this.tag === tags.utcTime ? tags.utcTime : tags.generalizedTime);
    if (content.length > 15) throw new DERFault();
    let digits = String.fromCharCode(...content);
    if (this.tag === tags.utcTime) {
      if (digits.length !== 13) throw new DERFault();
      digits = (digits >= "5" ? "19" : "20") + digits;
    }
    const parts = /^(.{4})(..)(..)(..)(..)(..)(.)$/s.exec(digits);
    if (parts === null) throw new DERFault();
    const [, year, month, day, hour, minute, second, zone] = parts;
    const seconds = timestamp(`${year}-${month}-${day}T${hour}:${minute}:${second}${zone}`);
    if (seconds === null) throw new DERFault();
    return seconds;
  }
}

class Elements {
  constructor(nodes) {
    this.nodes = nodes;
    this.position = 0;
  }

  nextIfAny() {
    const node = this.nodes[this.position] ?? null;
    this.position += 1;
    return node;
  }

  next() {
    const node = this.nextIfAny();
    if (node === null) throw new DERFault();
    return node;
  }

  // Those that were not read yet.
  *[Symbol.iterator]() {
    for (let node = this.nextIfAny(); node !== null; node = this.nextIfAny()) yield node;
  }

  // Refuses more elements than were read.
  end() {
    if (this.position < this.nodes.length) throw new DERFault();
  }
}
