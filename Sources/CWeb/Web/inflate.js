// Deflate (RFC 1951), read as zlib reads it. The browser's own DecompressionStream does not tell where a stream ends, which tells
// a cut archive from a damaged one, and bytes that belong to an entry from those that belong to none.

const lengthBase = [3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258];
const lengthExtra = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const distanceBase = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289,
  16385, 24577,
];
const distanceExtra = [0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13];
const codeOrder = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

class Cut extends Error {}
class Bad extends Error {}
export class TooLarge extends Error {}

// What is inflated, in one piece that grows.
export class Output {
  constructor(limit) {
    this.bytes = new Uint8Array(Math.min(limit, 1 << 16));
    this.count = 0;
    this.limit = limit;
  }

  room(more) {
    const wanted = this.count + more;
    if (wanted <= this.bytes.length) return;
    if (wanted > this.limit) throw new TooLarge();
    const grown = new Uint8Array(Math.min(this.limit, Math.max(wanted, this.bytes.length * 2)));
    grown.set(this.bytes.subarray(0, this.count));
    this.bytes = grown;
  }
}

class Inflater {
  constructor(input, position, output) {
    this.input = input;
    this.position = position;
    this.output = output;
    this.start = output.count;
    this.bits = 0;
    this.held = 0;
  }

  need(count) {
    while (this.held < count) {
      if (this.position >= this.input.length) throw new Cut();
      this.bits |= this.input[this.position] << this.held;
      this.position += 1;
      this.held += 8;
    }
  }

  take(count) {
    if (count === 0) return 0;
    this.need(count);
    const value = this.bits & ((1 << count) - 1);
    this.bits >>>= count;
    this.held -= count;
    return value;
  }

  symbol(code) {
    for (;;) {
      const entry = code.entries[this.bits & code.mask];
      const length = entry & 15;
      if (length !== 0 && length <= this.held) {
        this.bits >>>= length;
        this.held -= length;
        return entry >> 4;
      }
      if (length === 0 && this.held >= code.longest) throw new Bad();
      if (this.held >= 16) throw new Bad();
      this.need(this.held + 1);
    }
  }

  run() {
    let isLast = false;
    while (!isLast) {
      isLast = this.take(1) === 1;
      const kind = this.take(2);
      if (kind === 0) this.stored();
      else if (kind === 1) this.block(fixed.lengths, fixed.distances);
      else if (kind === 2) this.dynamic();
      else throw new Bad();
    }
    // Whole bytes that were looked at and not used are the next one's.
    this.position -= this.held >> 3;
  }

  stored() {
    this.take(this.held & 7);
    const length = this.take(16);
    if (length !== (this.take(16) ^ 0xffff)) throw new Bad();
    this.position -= this.held >> 3;
    this.bits = 0;
    this.held = 0;
    const there = Math.min(length, this.input.length - this.position);
    this.output.room(there);
    this.output.bytes.set(this.input.subarray(this.position, this.position + there), this.output.count);
    this.output.count += there;
    this.position += there;
    if (there < length) throw new Cut();
  }

  dynamic() {
    const lengths = this.take(5) + 257;
    const distances = this.take(5) + 1;
    const codes = this.take(4) + 4;
    if (lengths > 286 || distances > 30) throw new Bad();
    const sizes = new Uint8Array(19);
    for (let index = 0; index < codes; index += 1) sizes[codeOrder[index]] = this.take(3);
    const code = table(sizes, true);
    const all = new Uint8Array(lengths + distances);
    let count = 0;
    while (count < all.length) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        all[count] = symbol;
        count += 1;
        continue;
      }
      if (symbol === 16 && count === 0) throw new Bad();
      const value = symbol === 16 ? all[count - 1] : 0;
      const repeat = symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (count + repeat > all.length) throw new Bad();
      all.fill(value, count, count + repeat);
      count += repeat;
    }
    if (all[256] === 0) throw new Bad();
    this.block(table(all.subarray(0, lengths), false), table(all.subarray(lengths), false));
  }

  block(lengths, distances) {
    const { output } = this;
    for (;;) {
      const symbol = this.symbol(lengths);
      if (symbol === 256) return;
      if (symbol < 256) {
        output.room(1);
        output.bytes[output.count] = symbol;
        output.count += 1;
        continue;
      }
      if (symbol > 285) throw new Bad();
      const length = lengthBase[symbol - 257] + this.take(lengthExtra[symbol - 257]);
      const place = this.symbol(distances);
      if (place > 29) throw new Bad();
      const distance = distanceBase[place] + this.take(distanceExtra[place]);
      if (distance > output.count - this.start) throw new Bad();
      output.room(length);
      const { bytes } = output;
      let to = output.count;
      for (let from = to - distance; to < output.count + length; from += 1, to += 1) bytes[to] = bytes[from];
      output.count = to;
    }
  }
}

// A table from the next bits to a symbol and its length: entry = symbol << 4 | length.
function table(sizes, isCodes) {
  const counts = new Uint16Array(16);
  for (const size of sizes) counts[size] += 1;
  let longest = 15;
  while (longest > 0 && counts[longest] === 0) longest -= 1;
  if (longest === 0) return { entries: new Uint16Array(1), mask: 0, longest: 0 };
  let left = 1;
  const next = new Uint16Array(16);
  for (let size = 1; size <= 15; size += 1) {
    left = left * 2 - counts[size];
    if (left < 0) throw new Bad();
    next[size] = size === 1 ? 0 : (next[size - 1] + counts[size - 1]) << 1;
  }
  // zlib takes an incomplete code only where there is one code of one bit.
  if (left > 0 && (isCodes || longest !== 1)) throw new Bad();
  const entries = new Uint16Array(1 << longest);
  sizes.forEach((size, symbol) => {
    if (size === 0) return;
    let code = next[size];
    next[size] += 1;
    let reversed = 0;
    for (let bit = 0; bit < size; bit += 1, code >>= 1) reversed = (reversed << 1) | (code & 1);
    for (let index = reversed; index < entries.length; index += 1 << size) entries[index] = (symbol << 4) | size;
  });
  return { entries, mask: entries.length - 1, longest };
}

const fixed = {
  lengths: table(Uint8Array.from({ length: 288 }, (_, symbol) => (symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : 8)), false),
  distances: table(new Uint8Array(32).fill(5), false),
};

// Inflates from `position` on. `status` is "end", "cut" where the input ends before, or "bad"; `position` is behind the stream's end.
export function inflateInto(output, input, position) {
  const inflater = new Inflater(input, position, output);
  try {
    inflater.run();
    return { status: "end", position: inflater.position };
  } catch (fault) {
    if (fault instanceof Cut) return { status: "cut", position: inflater.position };
    if (fault instanceof Bad) return { status: "bad", position: inflater.position };
    throw fault;
  }
}

export function inflate(input, position, limit) {
  const output = new Output(limit);
  const result = inflateInto(output, input, position);
  return { ...result, bytes: output.bytes.subarray(0, output.count) };
}
