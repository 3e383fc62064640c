// The screens. The socket brings the whole state as one view, render() shows
// it; what is touched is posted as an action. Nothing here remembers anything
// of the visit but which service was touched before the kind of paper, and
// which page was looked at before it is made again.
// browse.js and keyboard.js do what a portal in use needs.
// No innerHTML, no inline style: the page's policy refuses both.

import { keyForChoice, makeLighter, openMailbox, renderBrowse, showKeyboard, understood, waitForCode } from './browse.js';
import { renderPhone } from './phone.js';
import { post } from './post.js';
import { shownText } from './read.js';
import { openZoom, showInZoom, zoomBy } from './zoom.js';

const $ = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => root.querySelectorAll(selector);
const words = $('#words').dataset;
const live = $('#live');
const notice = $('#notice');

let view = null;
let section = 'loading';

// ---- from the view to the page

// look finds "a.b" in the view; "!a.b" is its contrary.
function look(path) {
  const not = path.startsWith('!');
  let value = view;
  for (const key of (not ? path.slice(1) : path).split('.')) value = value?.[key];
  return not ? !value : value;
}

function bind() {
  for (const e of all('[data-text]')) setText(e, look(e.dataset.text) ?? '');
  for (const e of all('[data-when]')) e.hidden = !look(e.dataset.when);
  for (const e of all('[data-off]')) e.setAttribute('aria-disabled', String(!!look(e.dataset.off)));
  for (const e of all('[data-pressed]')) e.setAttribute('aria-pressed', String(!!look(e.dataset.pressed)));
  for (const e of all('[data-mark]')) e.classList.toggle('marked', !!look(e.dataset.mark));
  for (const e of all('[data-use]')) {
    const href = look(e.dataset.use);
    if (href && e.getAttribute('href') !== href) e.setAttribute('href', href);
  }
}

function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

function render(v) {
  if (v.lang !== document.documentElement.lang && !saysGoodbye(v)) {
    location.reload();
    return;
  }
  // What this page has shown of a visit ends with its process.
  // The host changed what the page says; nobody reads it now.
  if (['welcome', 'shut'].includes(v.section) && v.page !== document.documentElement.dataset.page) {
    location.reload();
    return;
  }
  if (view?.section === 'goodbye' && v.section !== 'goodbye') {
    location.replace('/fresh');
    return;
  }
  const before = view;
  view = v;
  bind();
  renderSteps();
  renderPages();
  renderThumbs();
  renderFiles();
  renderPhone(v);
  renderPapers();
  renderProgress(before);
  if (v.notice && v.notice !== before?.notice) say(v.notice);
  show(v.section, before);
  // Who pressed the kiosk's own button sees that somebody was told.
  if (v.help && before && !before.help) openDialog($('#help'));
  renderIdle();
  renderBrowse(v, before, section);
  document.documentElement.dataset.seq = v.seq;
}

// saysGoodbye is true while the visitor who has just left reads the goodbye:
// the session has forgotten their language already, the page has not. That
// screen's texts are all in the page.
function saysGoodbye(v) {
  return v.section === 'goodbye' && view !== null && !languageAsked;
}

function show(name, before) {
  if (before && before.section === name && section === name) return;
  section = name;
  document.documentElement.dataset.section = name;
  for (const s of all('[data-section]')) s.hidden = s.dataset.section !== name;
  if (name === 'portal') stage('portal');
  leaveZoom(name);
  if (['welcome', 'goodbye', 'broken', 'shut'].includes(name)) for (const d of all('dialog[open]')) close(d);
  arrived();
}

// leaveZoom closes the large picture where it makes no sense. A task that was
// begun from it leads back to it.
let lookedAt = '';

function leaveZoom(name) {
  const zoom = $('#zoom');
  if (name === 'task') lookedAt = zoom.open ? zoom.dataset.id : '';
  if (name !== 'review') close(zoom);
  const page = view.review.pages.find((p) => p.id === lookedAt);
  if (name !== 'task') lookedAt = '';
  if (name === 'review' && page?.ready) zoomOn(page);
}

function zoomOn(page) {
  openZoom(page).catch(lost);
}

function lost() {
  close($('#zoom'));
  say(words.again);
}

// arrived is called when another screen is there: taps meant for the one
// before are ignored for a moment, and screen readers start at its heading.
function arrived() {
  deaf(350);
  const screen = $('[data-section]:not([hidden])');
  const heading = $('.stage:not([hidden]) h1', screen) ?? $('h1', screen);
  if (!$('dialog[open]')) heading?.focus({ preventScroll: true });
  for (const b of all('.body', screen)) b.scrollTop = 0;
  setText(live, '');
  requestAnimationFrame(watchScroll);
}

function renderSteps() {
  for (const li of all('[data-step]')) {
    const n = Number(li.dataset.step);
    li.classList.toggle('past', n < view.step);
    if (n === view.step) li.setAttribute('aria-current', 'step');
    else li.removeAttribute('aria-current');
  }
}

// keep makes a list's children follow the view's items, and reuses those that
// stay: a picture must not blink because another page came.
function keep(list, template, items, fill) {
  const old = new Map([...list.children].map((li) => [li.dataset.id, li]));
  let at = list.firstElementChild;
  for (const item of items) {
    let li = old.get(item.id);
    old.delete(item.id);
    if (!li) {
      li = template.content.firstElementChild.cloneNode(true);
      li.dataset.id = item.id;
    }
    fill(li, item);
    if (li === at) at = at.nextElementSibling;
    else list.insertBefore(li, at);
  }
  for (const li of old.values()) li.remove();
}

function picture(img, page) {
  const src = `/picture/${encodeURIComponent(page.picture)}`;
  if (page.ready && img.getAttribute('src') !== src) img.src = src;
  img.hidden = !page.ready;
  img.dataset.turn = page.turn;
}

function renderPages() {
  keep($('#pages'), $('#page'), view.review.pages, (li, p) => {
    const img = $('img', li);
    picture(img, p);
    img.alt = p.label;
    $('.coming', li).hidden = p.ready;
    setText($('.number', li), String(p.n));
    $('.hint', li).hidden = !p.hint;
    setText($('.hint span', li), p.hint);
    const label = { zoom: p.ready ? p.zoom : `${$('.coming', li).textContent} ${p.n}`, earlier: p.earlier, later: p.later, turn: p.turnBy, delete: p.delete };
    const off = { zoom: !p.ready, turn: !p.ready, earlier: p.n === 1, later: p.last };
    for (const b of all('[data-do]', li)) {
      b.setAttribute('aria-label', label[b.dataset.do]);
      b.setAttribute('aria-disabled', String(!!off[b.dataset.do]));
    }
  });
  renderZoom();
  requestAnimationFrame(watchScroll);
}

// renderZoom follows the page that is shown large, if it is still there.
function renderZoom() {
  const zoom = $('#zoom');
  if (!zoom.open || section !== 'review') return;
  const page = view.review.pages.find((p) => p.id === zoom.dataset.id);
  if (page) showInZoom(page).catch(lost);
  else close(zoom);
}

function renderThumbs() {
  const list = $('#thumbs');
  const shown = !!view.task?.pages && view.review.pages.length > 0;
  list.hidden = !shown;
  if (!shown) return;
  const count = list.children.length;
  keep(list, $('#thumb'), view.review.pages, (li, p) => {
    picture($('img', li), p);
    $('img', li).alt = p.label;
  });
  if (list.children.length > count) list.lastElementChild.scrollIntoView({ block: 'nearest' });
}

function renderFiles() {
  keep($('#files'), $('#file'), view.keys ?? [], (li, f) => {
    $('button', li).dataset.file = f.id;
    setText($('.name', li), f.name);
    setText($('.size', li), f.size);
    $('.added', li).hidden = !f.added;
    $('button', li).classList.toggle('marked', f.added);
  });
}

// renderPapers shows what a portal may be given, and what it gave.
function renderPapers() {
  keep($('#papers'), $('#paper'), view.browse?.tray?.papers ?? [], (li, p) => {
    const button = $('button', li);
    button.dataset.document = p.id;
    button.setAttribute('aria-disabled', String(!p.ready));
    button.classList.toggle('fits', p.fits);
    paper(li, p);
    setText($('.fit span', li), p.fit);
    setText($('.given', li), p.given);
  });
  const taken = view.browse?.taken?.paper;
  $('#taken').hidden = !taken;
  if (taken) picture($('#taken'), taken);
  else $('#taken').removeAttribute('src');
}

function paper(li, p) {
  picture($('img', li), p);
  setText($('.official', li), p.name);
  setText($('.sheets', li), p.pages);
}

function renderProgress(before) {
  const task = view.task;
  if (!task) return;
  const bar = $('#progress');
  if (task.percent < 0) bar.removeAttribute('value');
  else bar.value = task.percent;
  if (task.waiting && !before?.task?.waiting) setText(live, `${task.waiting.what} ${task.waiting.do}`);
  else if (task.count && task.count !== before?.task?.count) setText(live, task.count);
}

// ---- the end of a visit nobody answers

let idleEnd = 0;
let idleTimer = 0;

function renderIdle() {
  const dialog = $('#idle');
  if (!view.idle) {
    clearInterval(idleTimer);
    idleTimer = 0;
    close(dialog);
    return;
  }
  idleEnd = performance.now() + view.idle * 1000;
  countDown();
  if (!idleTimer) idleTimer = setInterval(countDown, 250);
  if (!dialog.open) {
    dialog.showModal();
    beep();
  }
}

function countDown() {
  const left = Math.max(0, Math.ceil((idleEnd - performance.now()) / 1000));
  setText($('#seconds'), String(left));
}

// beep alerts through a second sense (EN 301 549, 11.2.2.1). It stays quiet
// where the browser allows no sound.
let audio = null;

function beep() {
  try {
    audio ??= new AudioContext();
    if (audio.state !== 'running') return;
    const at = audio.currentTime;
    for (const [start, tone] of [[0, 660], [0.25, 880]]) {
      const note = audio.createOscillator();
      const volume = audio.createGain();
      note.frequency.value = tone;
      volume.gain.setValueAtTime(0.0001, at + start);
      volume.gain.exponentialRampToValueAtTime(0.2, at + start + 0.03);
      volume.gain.exponentialRampToValueAtTime(0.0001, at + start + 0.22);
      note.connect(volume).connect(audio.destination);
      note.start(at + start);
      note.stop(at + start + 0.25);
    }
  } catch {
    // No sound device: the picture and the words remain.
  }
}

// ---- from the page to the session

let pending = false;
let languageAsked = false; // since the page was loaded
let deafUntil = 0;
let deafTimer = 0;

// deaf ignores touches for a moment. The page says so, for tests.
function deaf(time) {
  deafUntil = Math.max(deafUntil, performance.now() + time);
  document.documentElement.dataset.deaf = '';
  clearTimeout(deafTimer);
  deafTimer = setTimeout(() => { delete document.documentElement.dataset.deaf; }, deafUntil - performance.now() + 1);
}

// These pass while another action is under way.
const always = new Set(['cancel', 'leave', 'still-here', 'call-help', 'end-help', 'language', 'read']);

// These may be asked for several times in a row. After any other, a second tap
// would hit what has come under the finger meanwhile.
const repeatable = new Set(['turn', 'move', 'undo', 'redo', 'browser', 'wait-for-code', 'read', ...always]);

// act is true when the action was taken.
async function act(name, args, button) {
  if (pending && !always.has(name)) return false;
  const single = !always.has(name);
  if (name === 'language') languageAsked = true;
  if (single) pending = true;
  if (!repeatable.has(name)) deaf(600);
  button?.classList.add('pressed');
  const status = await post(name, args);
  button?.classList.remove('pressed');
  if (single) pending = false;
  if (status === 409) say(words.changed);
  else if (status !== 204) say(words.again);
  return status === 204;
}

let noticeTimer = 0;

function say(text) {
  notice.hidden = false;
  setText(notice, text);
  clearTimeout(noticeTimer);
  noticeTimer = setTimeout(() => { notice.hidden = true; }, 6000);
}

const argNames = ['lang', 'screen', 'file', 'portal', 'kind', 'document', 'ask', 'command', 'mailbox', 'code'];

function args(data) {
  const out = {};
  for (const key of argNames) if (data[key]) out[key] = data[key];
  return out;
}

// What a button does by itself, without the session.
const local = {
  zoom: (b) => zoomOn(pageOf(b)),
  turn: (b) => act('turn', { page: pageOf(b).id }, b),
  'as-is': (b) => act('as-is', { page: pageOf(b).id, on: !pageOf(b).asIs }, b),
  delete: (b) => act('delete', { page: pageOf(b).id }, b),
  earlier: (b) => act('move', { page: pageOf(b).id, to: pageOf(b).n - 2 }, b),
  later: (b) => act('move', { page: pageOf(b).id, to: pageOf(b).n }, b),
  portal: (b) => { choice.portal = b.dataset.portal; chosen('portal', b); stage('kind'); },
  kind: (b) => {
    choice.kind = b.dataset.kind;
    chosen('kind', b);
    const checks = $(`[data-checks="${CSS.escape(choice.kind)}"]`);
    for (const list of all('[data-checks]')) list.hidden = list !== checks;
    if (checks) stage('checks');
    else act('choose', choice, b);
  },
  stage: (b) => stage(b.dataset.to),
  choose: (b) => act('choose', choice, b),
  bigger: () => zoomBy(1),
  smaller: () => zoomBy(-1),
  mailbox: (b) => openMailbox(act, b),
  code: (b) => waitForCode(act, b),
  keyboard: () => showKeyboard(),
  understood: () => understood(),
  read: (b) => act('read', { text: view.reads ? '' : shownText() }, b),
  lighter: (b) => makeLighter(act, b),
  'key-for-choice': (b) => keyForChoice(act, b),
};

document.addEventListener('click', (event) => {
  const button = event.target.closest('button');
  if (!button || !view || performance.now() < deafUntil) return;
  if (button.getAttribute('aria-disabled') === 'true') return;
  const { act: name, do: what, open } = button.dataset;
  if (open) openDialog($(`#${open}`));
  if (name) act(name, args(button.dataset), button);
  if (what) local[what](button);
  if ('close' in button.dataset) close(button.closest('dialog'));
});

function pageOf(button) {
  const id = button.closest('[data-id]').dataset.id;
  return view.review.pages.find((p) => p.id === id);
}

// Whoever holds the kiosk's name for five seconds, while nobody visits, is a
// technician: visitors do not meet what is behind it.
const door = $('[data-hold]');
const holdFor = 5000;
let holding = 0;

function free() {
  return ['welcome', 'shut', 'broken'].includes(section) && !view.visit;
}

function letGo() {
  clearTimeout(holding);
}

door?.addEventListener('pointerdown', (event) => {
  letGo();
  if (view && free() && event.isPrimary) holding = setTimeout(() => { if (free()) location.replace(door.dataset.hold); }, holdFor);
});
for (const end of ['pointerup', 'pointercancel', 'pointerleave']) door?.addEventListener(end, letGo);

function openDialog(dialog) {
  if (!dialog.open) dialog.showModal();
  requestAnimationFrame(watchScroll);
}

function close(dialog) {
  if (dialog?.open) dialog.close();
}

// Esc on a keyboard must not put the warning away without an answer.
$('#idle').addEventListener('cancel', (event) => event.preventDefault());
document.addEventListener('contextmenu', (event) => event.preventDefault());
document.addEventListener('dragstart', (event) => event.preventDefault());

// ---- service, kind of paper, questions

const choice = { portal: '', kind: '' };

function stage(name) {
  for (const s of all('.stage')) s.hidden = s.dataset.stage !== name;
  if (section === 'portal') arrived();
}

function chosen(what, button) {
  for (const e of all(`[data-chosen="${what}"]`)) setText(e, $('.official', button).textContent);
}

// ---- a list that is longer than the screen says so, with a button

function watchScroll() {
  for (const body of all('.body')) {
    if (body.offsetParent === null) continue;
    let more = $('.more', body.parentElement);
    if (!more) {
      more = $('#more').content.firstElementChild.cloneNode(true);
      more.addEventListener('click', () => body.scrollBy({ top: body.clientHeight * 0.8, behavior: 'smooth' }));
      body.after(more);
      body.addEventListener('scroll', () => requestAnimationFrame(watchScroll), { passive: true });
    }
    // Measured without the button: it takes room, and would stay for itself.
    more.hidden = true;
    more.hidden = body.scrollTop + body.clientHeight >= body.scrollHeight - 12;
  }
}

addEventListener('resize', watchScroll);
document.fonts.ready.then(watchScroll);

// ---- the socket

let socket = null;
let tries = 0;
let heard = performance.now();

// unheard leaves for the page of the fault, where there is one: the agent has
// been silent for a minute, and that page knows when it is back.
function unheard() {
  const { fault } = document.body.dataset;
  if (fault && performance.now() - heard > 60000) location.replace(fault);
}

function connect() {
  const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
  socket = new WebSocket(`${scheme}://${location.host}/socket`);
  socket.addEventListener('message', (event) => {
    tries = 0;
    heard = performance.now();
    if (notice.classList.contains('lost')) {
      notice.classList.remove('lost');
      notice.hidden = true;
    }
    render(JSON.parse(event.data));
  });
  socket.addEventListener('close', () => {
    if (tries === 0) heard = performance.now(); // a view comes only when something changes
    tries += 1;
    unheard();
    if (tries > 1) {
      notice.hidden = false;
      clearTimeout(noticeTimer);
      notice.classList.add('lost');
      setText(notice, tries > 8 ? words.waitLong : words.wait);
    }
    if (tries > 3) conceal();
    const wait = Math.min(200 * 2 ** tries, 5000) * (0.5 + Math.random() / 2);
    setTimeout(connect, wait);
  });
}

// conceal takes a visitor's papers off a screen whose program is gone: nobody
// is there to end the visit. The next view brings back what is still there.
function conceal() {
  if (!view || section === 'loading') return;
  for (const list of [$('#pages'), $('#thumbs'), $('#files'), $('#papers')]) list.replaceChildren();
  for (const dialog of all('dialog[open]')) close(dialog);
  show('loading', view);
}

// Touches that ask for nothing keep the visit open.
let touched = 0;

function touch() {
  const now = performance.now();
  if (now - touched < 2000 || socket?.readyState !== WebSocket.OPEN) return;
  touched = now;
  socket.send('touch');
}

addEventListener('pointerdown', touch, { passive: true });
addEventListener('keydown', touch, { passive: true });

connect();
