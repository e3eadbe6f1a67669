// A package URL (ECMA-427, "purl") in its one form: whether a text is that.

import { fromHex, text, utf8 } from "./bytes.js";
import { compare, split, Table } from "./text.js";

const code = (letter) => letter.charCodeAt(0);

// Escapes undone; null where they are not UTF-8.
function decoded(value) {
  const input = utf8(value);
  const bytes = [];
  for (let index = 0; index < input.length; index += 1) {
    if (input[index] !== code("%")) {
      bytes.push(input[index]);
      continue;
    }
    const pair = fromHex(String.fromCharCode(...input.subarray(index + 1, index + 3)).toLowerCase());
    if (pair === null || pair.length !== 1) return null;
    bytes.push(pair[0]);
    index += 2;
  }
  return text(Uint8Array.from(bytes));
}

function decodedSegments(segments) {
  let result = "";
  for (const segment of segments) {
    const value = decoded(segment);
    if (value === null) return null;
    result += result === "" ? value : `/${value}`;
  }
  return result;
}

// Percent-encodes all but letters, digits, `.`, `-`, `_`, `~` and `:`.
function encoded(value) {
  let result = "";
  for (const byte of utf8(value)) {
    const letter = String.fromCharCode(byte);
    result += /[A-Za-z0-9._~:-]/.test(letter) ? letter : `%${byte.toString(16).padStart(2, "0").toUpperCase()}`;
  }
  return result;
}

const parts = (value) => value.split("/").filter((part) => part !== "");

// The URL in its one form; null for what is no package URL.
export function canonicalPackageURL(value) {
  if (!value.startsWith("pkg:")) return null;
  let rest = value.slice(4).replace(/^\/+/, "");
  let subpath = "";
  const qualifiers = new Table();
  let version = null;
  const hash = rest.lastIndexOf("#");
  if (hash >= 0) {
    subpath = decodedSegments(parts(rest.slice(hash + 1)).filter((part) => part !== "." && part !== ".."));
    if (subpath === null) return null;
    rest = rest.slice(0, hash);
  }
  const mark = rest.lastIndexOf("?");
  if (mark >= 0) {
    for (const pair of rest.slice(mark + 1).split("&").filter((one) => one !== "")) {
      // Leading signs are passed over, as by a split that leaves out what is empty.
      const [, name, content] = /^=*([^=]+)=(.+)$/s.exec(pair) ?? [];
      const decodedValue = content === undefined ? null : decoded(content);
      if (decodedValue === null) continue;
      const key = name.toLowerCase();
      if (qualifiers.has(key)) return null;
      qualifiers.set(key, decodedValue);
    }
    rest = rest.slice(0, mark);
  }
  const slash = rest.indexOf("/");
  if (slash < 0) return null;
  const type = rest.slice(0, slash).toLowerCase();
  rest = rest.slice(slash + 1);
  const at = rest.lastIndexOf("@");
  if (at >= 0) {
    version = decoded(rest.slice(at + 1));
    if (version === null) return null;
    rest = rest.slice(0, at);
  }
  const segments = parts(rest);
  const name = segments.length > 0 ? decoded(segments.at(-1)) : null;
  const namespace = decodedSegments(segments.slice(0, -1));
  if (name === null || namespace === null || name === "" || !/^[A-Za-z0-9._~+-]+$/.test(type)) return null;

  const pieces = (path) => split(path).filter((part) => part !== "");
  let url = `pkg:${type}/`;
  for (const segment of pieces(namespace)) url += `${encoded(segment)}/`;
  url += encoded(name);
  if (version) url += `@${encoded(version)}`;
  let separator = "?";
  for (const [key, content] of qualifiers.entries().sort((left, right) => compare(left[0], right[0]))) {
    if (content === "") continue;
    url += `${separator}${key}=${encoded(content)}`;
    separator = "&";
  }
  const folders = pieces(subpath).filter((part) => part !== "." && part !== "..");
  return folders.length > 0 ? `${url}#${folders.map(encoded).join("/")}` : url;
}
