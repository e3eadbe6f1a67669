// Submits a build: a git URL or an archive, as the form that a browser sends, and goes to its page.

import { withToken } from './access.js';
import { hex } from './bytes.js';

const byID = id => document.getElementById(id);
const form = byID('submit');
let request = null, key = null;

form.hidden = false;
form.addEventListener('change', showKind);
showKind();

/// Shows the fields of the kind of source that is chosen.
function showKind() {
  for (const kind of ['git', 'archive']) byID(`${kind}-fields`).hidden = form.elements.kind.value !== kind;
}

function say(text, isBad = false) {
  byID('say').textContent = text;
  byID('say').className = isBad ? 'bad' : '';
}

// MARK: Dropping

const drop = byID('drop');
for (const name of ['dragenter', 'dragover']) {
  document.addEventListener(name, event => {
    if (!event.dataTransfer?.types.includes('Files')) return;
    event.preventDefault();
    drop.classList.add('over');
  });
}
document.addEventListener('dragleave', event => { if (!event.relatedTarget) drop.classList.remove('over'); });
document.addEventListener('drop', event => {
  if (!event.dataTransfer?.files.length) return;
  event.preventDefault();
  drop.classList.remove('over');
  form.elements.kind.value = 'archive';
  byID('source').files = event.dataTransfer.files;
  showKind();
  key = null;
});

// MARK: Sending

form.addEventListener('input', () => { key = null; });
form.addEventListener('submit', event => {
  event.preventDefault();
  const isGit = form.elements.kind.value === 'git';
  const parts = new FormData();
  for (const name of ['path', 'toolchain', 'nonce']) {
    const value = form.elements[name].value.trim();
    if (value) parts.append(name, value);
  }
  if (isGit) {
    const url = form.elements.repo_url.value.trim();
    if (!url) return say('Name a git repository, such as https://github.com/owner/name.', true);
    parts.append('repo_url', url);
    if (form.elements.ref.value.trim()) parts.append('ref', form.elements.ref.value.trim());
  } else {
    const [file] = byID('source').files;
    if (!file) return say('Choose a ZIP or a tar.gz.', true);
    parts.append('source', file, file.name);
  }
  send(parts);
});

function send(parts) {
  // What is sent again because no answer came is the same build.
  key ??= hex(crypto.getRandomValues(new Uint8Array(16)));
  request = new XMLHttpRequest();
  request.open('POST', 'build/stream');
  for (const [name, value] of Object.entries(withToken({ 'Idempotency-Key': key }))) request.setRequestHeader(name, value);
  const progress = byID('progress');
  progress.hidden = false;
  progress.removeAttribute('value');
  request.upload.onprogress = event => {
    if (!event.lengthComputable) return;
    progress.max = event.total;
    progress.value = event.loaded;
    say(event.loaded < event.total ? `Uploading: ${Math.floor(100 * event.loaded / event.total)} %` : 'Uploaded');
  };
  request.onreadystatechange = () => {
    if (request.readyState !== XMLHttpRequest.HEADERS_RECEIVED || request.status !== 200) return;
    const id = request.getResponseHeader('Location')?.split('/').pop();
    key = null;
    // The build is the service's now; its events are read on its page.
    request.abort();
    location.assign(`builds/${encodeURIComponent(id)}`);
  };
  request.onload = () => {
    if (request.status === 200) return;
    let problem = {};
    try { problem = JSON.parse(request.responseText) ?? {}; } catch { /* No problem document: not the service's own answer. */ }
    end([problem.detail ?? problem.title ?? `The service answered ${request.status}.`, problem.hint].filter(Boolean).join(' – '));
  };
  request.onerror = () => end('The service does not answer. Send it again: it will not be built twice.');
  byID('send').disabled = true;
  byID('stop').hidden = false;
  say('Sending');
  request.send(parts);
}

// Back from the page of the build, by the browser's own memory of this one.
addEventListener('pageshow', event => {
  if (!event.persisted) return;
  end('');
});

function end(text) {
  byID('progress').hidden = true;
  byID('send').disabled = false;
  byID('stop').hidden = true;
  say(text, true);
}

byID('stop').addEventListener('click', () => {
  request?.abort();
  end('Not sent.');
});
