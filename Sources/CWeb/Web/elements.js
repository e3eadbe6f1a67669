// The only ways in which text comes into a page.

// An element with attributes of ours and children; a string becomes text and never HTML.
export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

// Saves bytes as a file, as following a link would.
export function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  // The browser reads it when it gets round to it.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

const limit = 4000;
// Control characters, line breaks, and characters that cannot be seen or turn the direction of text round.
const hidden = /[\0-\x1f\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]/gu;

// A stranger's text for a person: nothing in it hides, and what is very long is cut.
export function printable(text) {
  const letters = Array.from(text.slice(0, 2 * limit + 2));
  const shown = letters.length > limit ? `${letters.slice(0, limit).join("")}…` : text;
  return shown.replace(hidden, (letter) => `\\u{${letter.codePointAt(0).toString(16)}}`);
}
