// Gzip files, one member or several, one behind the other (RFC 1952, section 2.2), as zlib reads them.

import { crc32 } from "./crc.js";
import { inflateInto, Output } from "./inflate.js";

// What the file holds. `fault` is "cut", "bad" or "trailing"; null where all is well.
export function gunzip(input, limit) {
  const output = new Output(limit);
  let position = 0;
  let fault = null;
  while (fault === null) {
    if (position === input.length) {
      if (position === 0) fault = "cut";
      break;
    }
    if (input[position] !== 0x1f) {
      fault = "trailing";
      break;
    }
    const header = gzipHeader(input, position);
    if (header.fault !== null) {
      fault = header.fault;
      break;
    }
    const start = output.count;
    const member = inflateInto(output, input, header.position);
    ({ position } = member);
    if (member.status !== "end") fault = member.status;
    else if (input.length - position < 8) fault = trailerFault(input, position, output, start);
    else {
      const view = new DataView(input.buffer, input.byteOffset + position, 8);
      const content = output.bytes.subarray(start, output.count);
      if (view.getUint32(0, true) !== crc32(content) || view.getUint32(4, true) !== content.length % 2 ** 32) fault = "bad";
      position += 8;
    }
  }
  return { bytes: output.bytes.subarray(0, output.count), fault };
}

// A trailer that is cut off may be wrong already in its checksum.
function trailerFault(input, position, output, start) {
  if (input.length - position < 4) return "cut";
  const view = new DataView(input.buffer, input.byteOffset + position, 4);
  return view.getUint32(0, true) === crc32(output.bytes.subarray(start, output.count)) ? "cut" : "bad";
}

function gzipHeader(input, start) {
  const cut = { fault: "cut" };
  const bad = { fault: "bad" };
  if (start + 2 > input.length) return cut;
  if (input[start + 1] !== 0x8b) return bad;
  if (start + 4 > input.length) return cut;
  const flags = input[start + 3];
  if (input[start + 2] !== 8 || (flags & 0xe0) !== 0) return bad;
  let position = start + 10;
  if (flags & 0x04) {
    if (position + 2 > input.length) return cut;
    position += 2 + (input[position] | (input[position + 1] << 8));
  }
  for (const flag of [0x08, 0x10]) {
    if ((flags & flag) === 0) continue;
    const end = input.indexOf(0, position);
    if (position > input.length || end < 0) return cut;
    position = end + 1;
  }
  if (flags & 0x02) {
    if (position + 2 > input.length) return cut;
    const sum = crc32(input.subarray(start, position)) & 0xffff;
    if (sum !== (input[position] | (input[position + 1] << 8))) return bad;
    position += 2;
  }
  return position > input.length ? cut : { fault: null, position };
}
