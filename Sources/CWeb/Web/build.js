// The page of one build: its way through the phases and its output, live.

import { ask, askPage } from './access.js';
import { follow } from './events.js';
import { Log } from './log.js';

const byID = id => document.getElementById(id);
const address = byID('build').dataset.address;

// MARK: Output

const log = new Log(byID('log'), {
  onFollow: follows => byID('follow').setAttribute('aria-pressed', String(follows)),
  onFind: (number, count) => { byID('found').value = byID('find').value ? `${number} of ${count}` : ''; },
});

byID('follow').addEventListener('click', () => log.follow(!log.follows));
byID('find').addEventListener('input', event => log.find(event.target.value));
byID('find').addEventListener('keydown', event => {
  if (event.key === 'Enter') log.findNext(event.shiftKey ? -1 : 1);
});
byID('find-next').addEventListener('click', () => log.findNext(1));
byID('find-previous').addEventListener('click', () => log.findNext(-1));

// MARK: Phases

const steps = [...byID('path').children].map(element => ({
  element, phases: element.dataset.phases.split(' '), time: element.querySelector('.time'), state: element.querySelector('.state'),
}));
let current = null, began = 0, startedAt = null, counter = null;

function seconds(milliseconds) {
  if (milliseconds < 10_000) return `${(Math.max(0, milliseconds) / 1000).toFixed(1)} s`;
  const whole = Math.round(milliseconds / 1000);
  return whole < 60 ? `${whole} s` : `${Math.floor(whole / 60)} min ${whole % 60} s`;
}

function mark(step, state, word) {
  step.element.className = state;
  step.state.textContent = word;
  if (state === 'now') step.element.setAttribute('aria-current', 'step');
  else step.element.removeAttribute('aria-current');
}

/// Ends the step that is under way, at a time of the service in milliseconds.
function leave(time, state, word) {
  if (!current) return;
  clearInterval(counter);
  current.spent = (current.spent ?? 0) + (time === null ? performance.now() - began : time - startedAt);
  current.time.textContent = seconds(current.spent);
  mark(current, state, word);
}

function enter(phase, time) {
  const step = steps.find(step => step.phases.includes(phase));
  if (!step || step === current) return;
  leave(time, 'done', 'done');
  current = step;
  startedAt = time;
  began = performance.now();
  mark(step, 'now', 'under way');
  const before = step.spent ?? 0;
  counter = setInterval(() => { step.time.textContent = seconds(before + performance.now() - began); }, 1000);
  byID('live').textContent = step.element.querySelector('.name').textContent;
}

function takeIn(events) {
  const lines = [];
  for (const event of events) {
    if (event.type === 'complete') {
      const isSuccess = event.result?.status === 'success';
      const finished = byID('state').dataset.finished;
      leave(finished ? Number(finished) : null, isSuccess ? 'done' : 'failed', isSuccess ? 'done' : 'failed here');
      for (const step of steps) if (step.spent === undefined) mark(step, '', isSuccess ? 'not needed' : 'not reached');
      continue;
    }
    if (typeof event.message !== 'string') continue;
    // A build that is begun again starts from the first step.
    if (event.phase === 'init' && steps.some(step => step.spent)) for (const step of steps) forget(step);
    if (event.time_ms !== undefined) enter(event.phase, event.time_ms);
    const text = event.position === undefined ? event.message : `${event.message}: place ${event.position}`;
    lines.push({ text, kind: event.stream ?? 'kettle' });
  }
  log.append(lines);
}

function forget(step) {
  step.spent = 0;
  step.time.textContent = '';
  mark(step, '', 'to come');
  if (step === current) current = null;
}

// MARK: The build's end

/// Takes over what the service now says of the build.
async function refresh() {
  const { status, page } = await askPage(location.href);
  if (status !== 200) return;
  for (const id of ['state', 'facts', 'outcome']) {
    const fresh = page.getElementById(id);
    if (fresh) byID(id).replaceWith(fresh);
  }
  document.title = page.title;
  byID('cancel-dialog').close();
  prepareOutcome();
}

/// Makes what the page says of an ended build searchable, and its commands easy to copy.
function prepareOutcome() {
  byID('cancel').hidden = byID('state').dataset.state !== 'queued' && byID('state').dataset.state !== 'running';
  byID('raw').hidden = byID('state').dataset.log === undefined;
  const filter = byID('filter');
  if (filter) {
    filter.closest('[hidden]')?.removeAttribute('hidden');
    const items = [...document.querySelectorAll('#packages > li')];
    const texts = items.map(item => item.textContent.toLowerCase());
    filter.addEventListener('input', () => {
      const wanted = filter.value.toLowerCase();
      let count = 0;
      items.forEach((item, i) => {
        item.hidden = !texts[i].includes(wanted);
        if (!item.hidden) count += 1;
      });
      byID('filtered').value = `${count} of ${items.length}`;
    });
  }
  // Without TLS a browser gives no page the clipboard.
  for (const button of navigator.clipboard ? document.querySelectorAll('button.copy') : []) {
    button.hidden = false;
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(byID(button.dataset.of).textContent);
      byID('live').textContent = 'Copied';
    });
  }
}

byID('raw').addEventListener('click', async () => {
  try {
    const response = await ask(`${address}/build.log`);
    const text = await response.text();
    const lines = text.split('\n');
    if (lines.at(-1) === '') lines.pop();
    log.replace(lines.map(line => ({ text: line.replace(/\r$/, ''), kind: 'stdout' })));
    byID('raw').disabled = true;
  } catch (error) {
    byID('live').textContent = error.message;
  }
});

// MARK: Cancelling

byID('cancel').addEventListener('click', () => byID('cancel-dialog').showModal());
byID('cancel-dialog').addEventListener('close', async event => {
  if (event.target.returnValue !== 'cancel') return;
  try {
    // An ended build would be forgotten, and that is not what was asked for.
    await ask(`${address}?unfinished=true`, { method: 'DELETE' });
  } catch (error) {
    byID('trouble').textContent = error.message;
  }
});

// MARK: -

for (const id of ['path', 'log-tools', 'log']) byID(id).hidden = false;
prepareOutcome();
const isLive = !byID('cancel').hidden;
try {
  const onConnection = isThere => {
    byID('trouble').textContent = isThere ? '' : 'The connection is lost. Trying again; nothing of the output gets lost.';
  };
  for await (const events of follow(`${address}/events`, { onConnection })) takeIn(events);
  if (isLive) {
    await refresh();
    byID('live').textContent = byID('state').textContent;
  }
} catch (error) {
  // Of a build whose files are gone the output is gone too, as the page says already.
  if (error.status !== 410) byID('trouble').textContent = error.message;
}
byID('build').dataset.followed = 'true';
