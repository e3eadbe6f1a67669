// The list of builds: what it says is kept up to date, and narrowed down to what is looked for.

import { askPage, prepare, token } from './access.js';

const pause = 2000;
const byID = id => document.getElementById(id);

function narrow() {
  const wanted = byID('filter').value.toLowerCase();
  const state = document.querySelector('input[name="state"]:checked')?.value ?? '';
  let count = 0;
  const rows = [...document.querySelectorAll('#builds tbody tr')];
  for (const row of rows) {
    row.hidden = !row.textContent.toLowerCase().includes(wanted) || (state !== '' && row.dataset.state !== state);
    if (!row.hidden) count += 1;
  }
  byID('filtered').value = count === rows.length ? '' : `${count} of ${rows.length} on this page`;
}

/// Puts what the service says now in the place of what it said: the rows alone, so that nobody loses what is typed; or, where there
/// was no table, as for a stranger who has a token, the whole of it.
function takeOver(page) {
  const [fresh, old] = [page.querySelector('#builds tbody'), document.querySelector('#builds tbody')];
  if (fresh && !old) {
    byID('main').replaceWith(document.adoptNode(page.getElementById('main')));
    prepare();
    wire();
    return;
  }
  // Whoever stands in the table with the keyboard is not thrown out of it.
  if (!fresh || fresh.innerHTML === old.innerHTML || old.contains(document.activeElement)) return;
  old.replaceWith(fresh);
  const [pages, before] = [page.querySelector('nav.pages'), document.querySelector('nav.pages')];
  if (pages && before && !before.contains(document.activeElement)) before.replaceWith(pages);
  narrow();
}

async function refresh() {
  if (!document.hidden) {
    try {
      const { status, page } = await askPage(location.href);
      if (status === 200) takeOver(page);
    } catch { /* The service is not there: what is shown stays. */ }
  }
  setTimeout(refresh, pause);
}

function wire() {
  if (!byID('narrow')) return;
  byID('narrow').hidden = false;
  byID('narrow').addEventListener('input', narrow);
  byID('narrow').addEventListener('submit', event => event.preventDefault());
}

wire();
// With a token the first answer, which was made for a stranger, is not the right one.
if (token()) refresh();
else setTimeout(refresh, pause);
