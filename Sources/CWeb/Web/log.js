// A pane with a build's output. However many lines there are, only those in sight are elements.

import { runs } from './ansi.js';
import { element } from './elements.js';

/// Lines above and below the sight that are elements too, so that scrolling shows no gap.
const margin = 30;
/// What of one line is shown, in UTF-16 units: the rest is in the log's file.
const lineLimit = 4000;

export class Log {
  #pane; #height; #list; #lines = []; #kinds = []; #follows = true; #isDrawing = false;
  #lastTop = 0; #drawn = ''; #replaced = 0; #lineHeight = 0; #needle = ''; #matches = []; #current = -1; #onFollow = () => {}; #onFind = () => {};

  /// - pane: a scrolling element with `.log-height > .log-lines` in it.
  constructor(pane, { onFollow, onFind } = {}) {
    this.#pane = pane;
    this.#height = pane.querySelector('.log-height');
    this.#list = pane.querySelector('.log-lines');
    this.#onFollow = onFollow ?? this.#onFollow;
    this.#onFind = onFind ?? this.#onFind;
    pane.addEventListener('scroll', () => this.#scrolled());
    new ResizeObserver(() => {
      this.#lineHeight = 0;
      this.#draw();
    }).observe(pane);
  }

  get count() { return this.#lines.length; }
  get follows() { return this.#follows; }

  /// - kind: a class of the line: `kettle`, `stdout`, `stderr`.
  append(lines) {
    for (const { text, kind } of lines) {
      this.#lines.push(text.length > lineLimit ? `${text.slice(0, lineLimit)}…` : text);
      this.#kinds.push(kind);
      if (this.#needle && this.#isMatch(this.#lines.length - 1)) this.#matches.push(this.#lines.length - 1);
    }
    if (this.#needle) this.#tellFound();
    this.#draw();
  }

  /// Puts other lines in the place of all.
  replace(lines) {
    this.#lines = [];
    this.#kinds = [];
    this.#matches = [];
    this.#lastTop = 0;
    this.#replaced += 1;
    this.append(lines);
  }

  follow(follows) {
    this.#follows = follows;
    this.#onFollow(follows);
    this.#draw();
  }

  // MARK: Finding

  /// Looks for a text in all lines, whatever its case, and goes to the first from the top of the sight.
  find(text) {
    this.#needle = text.toLowerCase();
    this.#matches = [];
    this.#current = -1;
    if (this.#needle) {
      for (let i = 0; i < this.#lines.length; i++) if (this.#isMatch(i)) this.#matches.push(i);
      const top = Math.floor(this.#pane.scrollTop / this.#measured());
      this.#current = Math.max(0, this.#matches.findIndex(line => line >= top));
      this.#goToMatch();
    }
    this.#tellFound();
    this.#draw();
  }

  /// Goes to the next match, or with -1 to the one before.
  findNext(step = 1) {
    if (this.#matches.length === 0) return;
    this.#current = (this.#current + step + this.#matches.length) % this.#matches.length;
    this.#goToMatch();
    this.#tellFound();
    this.#draw();
  }

  #isMatch(line) { return this.#lines[line].toLowerCase().includes(this.#needle); }

  #tellFound() { this.#onFind(this.#matches.length === 0 ? 0 : Math.max(this.#current, 0) + 1, this.#matches.length); }

  #goToMatch() {
    const line = this.#matches[this.#current];
    if (line === undefined) return;
    this.follow(false);
    this.#pane.scrollTop = Math.max(0, line * this.#measured() - this.#pane.clientHeight / 2);
  }

  // MARK: Drawing

  #scrolled() {
    const top = this.#pane.scrollTop;
    const isAtEnd = top + this.#pane.clientHeight >= this.#pane.scrollHeight - this.#measured();
    // Following only ever scrolls down, so that who scrolls up is a person.
    const follows = top < this.#lastTop - 1 ? false : isAtEnd || this.#follows;
    this.#lastTop = top;
    if (follows !== this.#follows) {
      this.#follows = follows;
      this.#onFollow(follows);
    }
    this.#draw();
  }

  #measured() {
    if (this.#lineHeight === 0) {
      const probe = element('li', {}, 'M');
      this.#list.replaceChildren(probe);
      this.#drawn = '';
      this.#lineHeight = probe.getBoundingClientRect().height || 20;
    }
    return this.#lineHeight;
  }

  /// Draws once before the next picture, however often it is asked for.
  #draw() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#drawNow();
      this.#isDrawing = false;
    });
  }

  #drawNow() {
    const height = this.#measured();
    this.#height.style.height = `${this.#lines.length * height}px`;
    if (this.#follows) this.#pane.scrollTop = this.#pane.scrollHeight;
    const first = Math.max(0, Math.floor(this.#pane.scrollTop / height) - margin);
    const last = Math.min(this.#lines.length, Math.ceil((this.#pane.scrollTop + this.#pane.clientHeight) / height) + margin);
    // What is drawn already stays, with whatever of it is selected.
    const drawn = [first, last, this.#replaced, this.#needle, this.#matches[this.#current]].join(' ');
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const items = [];
    for (let i = first; i < last; i++) items.push(this.#item(i));
    this.#list.style.transform = `translateY(${first * height}px)`;
    this.#list.start = first + 1;
    this.#list.replaceChildren(...items);
  }

  #item(index) {
    const item = element('li', { class: this.#kinds[index] },
      element('span', { class: 'number', 'aria-hidden': 'true' }, String(index + 1)));
    if (this.#needle && this.#matches[this.#current] === index) item.classList.add('current');
    for (const { text, classes } of runs(this.#lines[index]).runs) this.#addRun(item, text, classes);
    return item;
  }

  #addRun(item, text, classes) {
    const parts = this.#needle ? splitAtMatches(text, this.#needle) : [{ text, isMatch: false }];
    for (const part of parts) {
      item.append(element(part.isMatch ? 'mark' : 'span', { class: classes }, part.text));
    }
  }
}

function splitAtMatches(text, needle) {
  const lower = text.toLowerCase();
  // In some languages lower case is longer, and places in it are not places in the text.
  if (lower.length !== text.length) return [{ text, isMatch: false }];
  const parts = [];
  let from = 0;
  for (let at = lower.indexOf(needle); at >= 0; at = lower.indexOf(needle, from)) {
    if (at > from) parts.push({ text: text.slice(from, at), isMatch: false });
    parts.push({ text: text.slice(at, at + needle.length), isMatch: true });
    from = at + needle.length;
  }
  if (from < text.length) parts.push({ text: text.slice(from), isMatch: false });
  return parts;
}
