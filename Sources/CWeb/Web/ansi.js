// The colours of a terminal's output (ECMA-48, 8.3.117 SGR), as classes of the style sheet. Whatever else a control sequence asks for
// is not done, and no sequence is shown.

// CSI sequences; OSC and other strings up to their end; single escapes; other control characters but the tab.
const sequence = /\x1b\[([0-?]*)([ -/]*[@-~])|\x1b[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]?|[\x00-\x08\x0b-\x1f\x7f-\x9f]/g;
// What turns the direction of text round, with which one line can pose as another.
const turning = /[\u202a-\u202e\u2066-\u2069\u200e\u200f\u061c\u2028\u2029]/g;

const none = { colour: null, ground: null, bold: false, faint: false, italic: false, underlined: false };

/// Splits one line into runs of the same look; `state` is the look that the line before ended with.
export function runs(line, state = none) {
  const result = [];
  let look = state, from = 0;
  const add = text => {
    if (text) result.push({ text: text.replace(turning, '\ufffd'), classes: classes(look) });
  };
  for (const match of line.matchAll(sequence)) {
    add(line.slice(from, match.index));
    from = match.index + match[0].length;
    if (match[2] === 'm' && /^[0-9;:]*$/.test(match[1])) look = after(look, match[1]);
  }
  add(line.slice(from));
  return { runs: result, state: look };
}

function after(before, parameters) {
  const look = { ...before };
  const codes = parameters === '' ? [0] : parameters.split(/[;:]/).map(Number);
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i];
    if (code === 0) Object.assign(look, none);
    else if (code === 1) look.bold = true;
    else if (code === 2) look.faint = true;
    else if (code === 3) look.italic = true;
    else if (code === 4) look.underlined = true;
    else if (code === 22) look.bold = look.faint = false;
    else if (code === 23) look.italic = false;
    else if (code === 24) look.underlined = false;
    else if (code >= 30 && code <= 37) look.colour = code - 30;
    else if (code >= 90 && code <= 97) look.colour = code - 90 + 8;
    else if (code === 39) look.colour = null;
    else if (code >= 40 && code <= 47) look.ground = code - 40;
    else if (code >= 100 && code <= 107) look.ground = code - 100 + 8;
    else if (code === 49) look.ground = null;
    else if (code === 38 || code === 48) {
      // 5;N of 256 colours, of which the first 16 are known; 2;R;G;B of all: neither is a class of ours, and both are skipped whole.
      const field = code === 38 ? 'colour' : 'ground';
      look[field] = codes[i + 1] === 5 && codes[i + 2] < 16 ? codes[i + 2] : null;
      i += codes[i + 1] === 5 ? 2 : codes[i + 1] === 2 ? 4 : 0;
    }
  }
  return look;
}

function classes(look) {
  const names = [];
  if (look.colour !== null) names.push(`ansi-${look.colour}`);
  if (look.ground !== null) names.push(`ansi-on-${look.ground}`);
  for (const name of ['bold', 'faint', 'italic', 'underlined']) {
    if (look[name]) names.push(`ansi-${name}`);
  }
  return names.join(' ');
}
