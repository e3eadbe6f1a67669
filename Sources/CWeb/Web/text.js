// Text as the command line compares it. Swift takes two spellings of one accent for the same, sorts by that, and counts a letter
// with its accents as one; JavaScript counts UTF-16. Where a verdict depends on it, these functions are used.

// Canonical equivalence.
export const normal = (text) => text.normalize("NFC");
export const same = (left, right) =>
  left === right || (typeof left === "string" && typeof right === "string" && normal(left) === normal(right));

// Letters with their accents in one, and nothing else of the normal form: what the command line's reader makes of names in archives.
export const composed = (text) => text.replace(/\P{M}\p{M}+|[\u1100-\u1112][\u1161-\u1175][\u11a8-\u11c2]?/gu, (letters) => letters.normalize("NFC"));

// By code points, which is the order of the bytes of UTF-8 too. Halves of a pair stand for what lies behind all other code units.
export function compareBytes(left, right) {
  const count = Math.min(left.length, right.length);
  for (let index = 0; index < count; index += 1) {
    const [one, other] = [left.charCodeAt(index), right.charCodeAt(index)];
    if (one === other) continue;
    const [isHalf, isOtherHalf] = [one, other].map((unit) => unit >= 0xd800 && unit <= 0xdfff);
    return isHalf === isOtherHalf ? one - other : isHalf ? 1 : -1;
  }
  return left.length - right.length;
}

// By the code points of the normal form, as Swift's `<`.
export const compare = (left, right) => compareBytes(normal(left), normal(right));

// What may make one character with its neighbour, beyond the accents of Latin, and what stands for it in a package's URL: the command
// line takes text apart by characters, by rules that grow with Unicode, and a browser by rules of another year.
export const doubtfulText = new RegExp(
  "(?![\\u0300-\\u036f])\\p{M}|[\\p{Cf}\\p{Cn}\\p{Co}\\u0d4e\\u0e33\\u0eb3\\u{111c2}\\u{111c3}\\u{113d1}\\u{1193f}\\u{11941}"
  + "\\u{11a84}-\\u{11a89}\\u{11d46}\\u{11f02}\\u{1f3fb}-\\u{1f3ff}]|%(?:[cC][c-fC-F]|[d-fD-F])", "u");

export const sorted = (texts) => [...texts].sort(compare);

export function byteCount(text) {
  let count = 0;
  for (const letter of text) {
    const value = letter.codePointAt(0);
    count += value < 0x80 ? 1 : value < 0x800 ? 2 : value < 0x10000 ? 3 : 4;
  }
  return count;
}

// What makes one character with the letter before it (UAX #29, GB9 and GB9a).
const extending = /^[\p{Grapheme_Extend}\p{Mc}\u200d]/u;

export const hasPrefix = (text, prefix) => {
  const whole = normal(text);
  return whole.startsWith(prefix) && !extending.test(whole.slice(prefix.length));
};

// The parts between slashes that are characters of their own.
export const split = (text) => text.split(/\/(?![\p{Grapheme_Extend}\p{Mc}\u200d])/u);

// A dictionary with texts for keys, as Swift has it: two spellings of one accent are one key.
export class Table {
  #entries = new Map();

  get size() {
    return this.#entries.size;
  }

  has(key) {
    return this.#entries.has(normal(key));
  }

  get(key) {
    return this.#entries.get(normal(key))?.[1];
  }

  // The key as it was written first.
  spelling(key) {
    return this.#entries.get(normal(key))?.[0];
  }

  set(key, value) {
    const spelled = normal(key);
    this.#entries.set(spelled, [this.#entries.get(spelled)?.[0] ?? key, value]);
  }

  keys() {
    return [...this.#entries.values()].map((entry) => entry[0]);
  }

  entries() {
    return [...this.#entries.values()];
  }
}
