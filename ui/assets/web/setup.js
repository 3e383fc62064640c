// The technician's screens: the kiosk's own keyboard types into the page's
// fields, and the page is loaded again when the setup made another one of it.
// Those of the menu are below an address of their own (data-base), which ends
// on the visitor's screen.

import { followTyping, typeInto, stopTyping } from './keyboard.js';

const root = document.documentElement;
const body = document.querySelector('.screen .body');
const { base = '' } = root.dataset;

// ---- typing

let field = null;
let typed = false;

function edit({ key, text }) {
  if (!field) return;
  const from = field.selectionStart;
  const to = field.selectionEnd;
  if (text) field.setRangeText(text, from, to, 'end');
  else if (key === 'Backspace' && (from !== to || from > 0)) field.setRangeText('', from === to ? from - 1 : from, to, 'end');
  else if (key === 'ArrowLeft') field.setSelectionRange(Math.max(0, from - 1), Math.max(0, from - 1));
  else if (key === 'ArrowRight') field.setSelectionRange(to + 1, to + 1);
  else if (key === 'Tab' || key === 'Enter') {
    const all = [...document.querySelectorAll('input[data-typing]')];
    const next = all[all.indexOf(field) + 1];
    if (next) next.focus();
    else if (key === 'Enter') field.form.requestSubmit();
    return;
  }
  typed = true;
}

typeInto(edit);
document.addEventListener('focusin', ({ target }) => {
  if (target.matches('input[data-typing]')) follow(target);
});

function follow(input) {
  field = input;
  field.setSelectionRange(field.value.length, field.value.length);
  followTyping(field.dataset.typing, root.lang, true);
  field.scrollIntoView({ block: 'nearest' });
}

// The browser may have given it the cursor before this script came.
const first = document.querySelector('input[autofocus]');
if (first) {
  first.focus();
  if (first.dataset.typing) follow(first);
}

// The pad of the technician's code.
const pin = document.querySelector('input.pin');
const hit = (key) => {
  pin.value = key.dataset.digit ? (pin.value + key.dataset.digit).slice(0, pin.maxLength) : pin.value.slice(0, -1);
  typed = true;
};
for (const key of document.querySelectorAll('[data-digit]')) {
  // As on the keyboard: fast fingers overlap, a switch clicks.
  key.addEventListener('pointerdown', (event) => { event.preventDefault(); hit(key); });
  key.addEventListener('click', (event) => { if (event.detail === 0) hit(key); });
}

// ---- touching

for (const form of document.forms) {
  form.addEventListener('submit', (event) => {
    if ('deaf' in root.dataset) event.preventDefault(); // the answer to another touch is awaited
    else root.dataset.deaf = '';
  });
}
// Coming back to a page that the browser kept.
addEventListener('pageshow', () => { delete root.dataset.deaf; });
addEventListener('pagehide', stopTyping);
document.addEventListener('contextmenu', (event) => event.preventDefault());

for (const target of document.querySelectorAll('.target')) {
  target.addEventListener('click', () => {
    target.ariaPressed = 'true';
    if (!document.querySelector('.target[aria-pressed="false"]')) document.querySelector('#touched').requestSubmit();
  });
}

// ---- following

const here = location.pathname + location.search;
const { step } = document.querySelector('main').dataset;
const pause = (ms) => new Promise((ok) => { setTimeout(ok, ms); });

// A page that is loaded again stands where it stood.
const place = `scroll ${here} ${step}`;
if (body) {
  body.scrollTop = Number(sessionStorage.getItem(place) ?? 0);
  addEventListener('pagehide', () => sessionStorage.setItem(place, String(body.scrollTop)));
}

async function ask(address) {
  try {
    const answer = await fetch(address, { cache: 'no-store' });
    return answer.ok ? answer : null;
  } catch {
    return null;
  }
}

// Who touches nothing has gone.
let touched = false;
let idle = 0;

function stay() {
  touched = true;
  if (!root.dataset.idle) return;
  clearTimeout(idle);
  idle = setTimeout(() => location.replace('/fresh'), Number(root.dataset.idle) * 1000);
}

for (const sign of ['pointerdown', 'keydown']) addEventListener(sign, stay, { passive: true });
stay();

// arrive waits for the kiosk that starts now, on the same address.
async function arrive() {
  for (;;) {
    await pause(400);
    const page = await ask('/');
    if (page && !(await page.text()).includes('class="setup"')) break;
  }
  location.replace('/');
}

function show({ percent, now }) {
  const bar = document.querySelector('#progress');
  if (bar) {
    if (percent < 0) bar.removeAttribute('value');
    else bar.value = percent;
  }
  const what = document.querySelector('#now');
  if (what) what.textContent = now;
}

async function watch() {
  let seq = root.dataset.seq;
  let lost = 0;
  for (;;) {
    const answer = await ask(`${base}/seen?seq=${seq}&at=${encodeURIComponent(here)}${touched ? '&touched' : ''}`);
    touched = false;
    const state = answer?.headers.get('Content-Type') === 'application/json' ? await answer.json() : null;
    if (state?.ended) {
      if (base) location.replace('/fresh');
      else await arrive();
      return;
    }
    if (!state) {
      lost += 1;
      await pause(400);
      // Another program answers here: the kiosk itself.
      if (lost > 1 && (await ask('/'))) break;
      continue;
    }
    lost = 0;
    seq = state.seq;
    // Nobody who types is disturbed by what the step does by itself.
    if (state.key !== root.dataset.key && !(typed && state.step === step)) {
      if ('deaf' in root.dataset) await pause(300); // what was touched leads on by itself
      if (!state.key) break; // the step that asks this was left
      location.reload();
      return;
    }
    show(state);
    await pause(150);
  }
  location.replace('/');
}

watch();
