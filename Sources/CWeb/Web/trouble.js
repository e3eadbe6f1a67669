// A page that cannot be shown to a stranger is asked for again with the token, and put in this one's place.

import { askPage, prepare, token } from './access.js';

if (token()) {
  const { status, page } = await askPage(location.href);
  if (status === 401) {
    document.querySelector('form.access').insertAdjacentText('beforebegin', 'The service does not take this token.');
    document.querySelector('details.access').open = true;
  }
  if (status === 200) {
    document.title = page.title;
    document.getElementById('main').replaceWith(document.adoptNode(page.getElementById('main')));
    prepare();
    for (const script of page.querySelectorAll('script[src]')) await import(script.src);
  }
}
