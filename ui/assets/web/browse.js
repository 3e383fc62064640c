// A portal in use. Its page is another program's window, which lies over the
// hole that this page leaves for it: the hole's place is posted whenever it
// changes, and "nowhere" while anything else is on the screen.

import { post } from './post.js';
import { followTyping, stopTyping, keyboardShown, toggleKeyboard } from './keyboard.js';

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => root.querySelectorAll(selector);

let browse = null; // as it was last told of
let shown = false; // the browse screen is

// renderBrowse shows what the bar and the questions say of a portal.
export function renderBrowse(view, before, section) {
  const was = before?.browse;
  browse = view.browse;
  shown = section === 'browse' && !!browse;
  $('#open-site').dataset.portal = view.result?.site ?? '';
  if (browse) {
    $('#to-papers').dataset.screen = browse.to;
    if (was && browse.attached > was.attached) tell('attached');
    if (was && browse.restarted > was.restarted) tell('restarted');
    if (browse.stopped !== was?.stopped) understoodStop = false;
    $('#as-image').dataset.format = browse.image;
    $('#go-there').dataset.portal = browse.elsewhere;
  } else {
    tell('');
  }
  followTyping(shown ? browse.typing : '', view.lang, shown);
  showStrips();
  place();
}

// ---- what the kiosk says above a page

let told = '';
let toldTimer = 0;
let understoodStop = false;

function tell(what) {
  told = what;
  clearTimeout(toldTimer);
  toldTimer = 0;
}

function showStrips() {
  $('#stopped').hidden = !browse?.stopped || understoodStop;
  $('#told').hidden = !told || !$('#stopped').hidden; // one line for both
  for (const p of all('[data-told]')) p.hidden = p.dataset.told !== told;
  $('#toggle-keys').setAttribute('aria-pressed', String(keyboardShown()));
  // Counted from when it can be read: tasks may lie over it at first.
  if (told && shown && !toldTimer) toldTimer = setTimeout(understood, 20000);
}

export function understood() {
  tell('');
  understoodStop = true;
  showStrips();
}

// ---- what the bar's buttons do beyond one action

export function showKeyboard() {
  toggleKeyboard();
  showStrips();
}

export function openMailbox(act, button) {
  if (browse.tabs > 1) act('browser', { command: 'mailbox' }, button);
  else act('ask', { ask: 'mailbox' }, button);
}

export function waitForCode(act, button) {
  const on = !browse.waiting;
  tell(on ? 'code' : '');
  showStrips();
  act('wait-for-code', { on }, button);
}

export async function makeLighter(act, button) {
  if (await act('lighter', { format: button.dataset.format }, button)) tell('again');
}

export async function keyForChoice(act, button) {
  if (await act('add-for-choice', {}, button)) act('list-key', {}, button);
}

// ---- the place of the portal's window

const nowhere = { x0: 0, y0: 0, x1: 0, y1: 0 };
let placed = ''; // what was posted last and taken
let placing = false;
let retry = 0;

function wanted() {
  if (!shown || $('dialog[open]')) return nowhere;
  const r = $('#hole').getBoundingClientRect();
  const [x0, y0] = [r.left, r.top].map((v) => Math.max(0, Math.ceil(v * devicePixelRatio)));
  const [x1, y1] = [r.right, r.bottom].map((v) => Math.floor(v * devicePixelRatio));
  return x1 > x0 && y1 > y0 ? { x0, y0, x1, y1 } : nowhere;
}

// place posts until the window is where it belongs, one post at a time: they
// arrive in order. A refusal is tried again: the visit may have been between
// two states.
async function place() {
  clearTimeout(retry);
  if (!browse) {
    placed = '';
    return;
  }
  if (placing) return;
  placing = true;
  while (browse) {
    const rect = wanted();
    const text = JSON.stringify(rect);
    if (text === placed) break;
    const status = await post('place', { rect });
    if (status !== 204) {
      placed = '';
      retry = setTimeout(place, 500);
      break;
    }
    placed = text;
  }
  placing = false;
}

new ResizeObserver(place).observe($('#hole'));
addEventListener('resize', place);
const dialogs = new MutationObserver(() => {
  if ($('dialog[open]')) stopTyping();
  place();
});
for (const dialog of all('dialog')) dialogs.observe(dialog, { attributeFilter: ['open'] });

// A page that goes leaves no window without its bar.
addEventListener('pagehide', () => {
  if (browse) post('place', { rect: nowhere }, true);
});
