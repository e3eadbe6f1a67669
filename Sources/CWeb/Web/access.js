// The token of whoever uses the pages, kept for this tab alone.

import { save } from './elements.js';

const name = 'kettle-token';

export function token() {
  try {
    return sessionStorage.getItem(name) ?? '';
  } catch {
    return '';  // Storage is switched off: a page without a token.
  }
}

function keep(text) {
  try {
    if (text) sessionStorage.setItem(name, text);
    else sessionStorage.removeItem(name);
  } catch { /* As above. */ }
}

/// The given headers, and the token where there is one.
export function withToken(headers = {}) {
  return token() ? { ...headers, Authorization: `Bearer ${token()}` } : headers;
}

/// What went wrong, in the words of a problem document (RFC 9457).
export class Refused extends Error {
  constructor(status, problem) {
    super([problem.detail ?? problem.title ?? `The service answered ${status}.`, problem.hint].filter(Boolean).join(' – '));
    this.status = status;
  }

  static async from(response) {
    const problem = await response.json().catch(() => null);
    return new Refused(response.status, problem && typeof problem === 'object' ? problem : {});
  }
}

/// Fetches with the token; anything but success is thrown as Refused.
export async function ask(address, { headers, ...options } = {}) {
  const response = await fetch(address, { ...options, headers: withToken(headers), cache: 'no-store' });
  if (!response.ok) throw await Refused.from(response);
  return response;
}

/// The page at this address as the service shows it to this caller, as a document whose parts can be taken over.
export async function askPage(address) {
  const response = await fetch(address, { headers: withToken({ Accept: 'text/html' }), cache: 'no-store' });
  return { status: response.status, page: new DOMParser().parseFromString(await response.text(), 'text/html') };
}

/// Saves what a link leads to under its name, with the token, which a link alone cannot send.
async function follow(link) {
  const response = await ask(link.href);
  save(await response.blob(), link.download || link.pathname.split('/').pop());
}

document.addEventListener('click', event => {
  const link = event.target instanceof Element ? event.target.closest('a[download]') : null;
  if (!link || !token() || link.origin !== location.origin) return;
  event.preventDefault();
  follow(link).catch(error => alert(error.message));
});

/// Has the page's form for a token work.
export function prepare() {
  for (const form of document.querySelectorAll('form.access')) {
    const input = form.elements.token;
    form.hidden = false;
    input.value = token();
    form.addEventListener('submit', event => {
      event.preventDefault();
      const text = input.value.trim();
      // What a header cannot hold would look like a service that is not there.
      input.setCustomValidity(/^[\x21-\x7e]*$/.test(text) ? '' : 'A token has letters, digits and punctuation only.');
      if (!input.reportValidity()) return;
      keep(text);
      location.reload();
    });
  }
}

prepare();
