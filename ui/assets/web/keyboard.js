// The kiosk's own keyboard. What is typed goes to the portal's page, letter by
// letter, and is forgotten as soon as it was sent: it is neither shown nor kept.
// A page of the kiosk's own that has fields takes it by typeInto.

import { post } from './post.js';

const board = document.querySelector('#keyboard');
const words = board.dataset;

const digits = '1234567890';
const accents = 'éèêëàâçùûôîï';

// What a kind of field needs at hand instead of the accents.
const instead = { email: ['@', '.', '-', '_', '.fr', '.com'], password: [...'@.-_!?*#&$'] };

// The rows of each layout, from left to right in every language, as on the
// keyboards that people know. A word of several letters is a key of its own.
const layouts = {
  fr: [[...digits], [...accents], [...'azertyuiop'], [...'qsdfghjklm'], ['shift', ...'wxcvbn', ',', '.', '\'', '-', 'erase']],
  en: [[...digits], [...'qwertyuiop'], [...'asdfghjkl', '\''], ['shift', ...'zxcvbnm', ',', '.', '-', 'erase']],
  ar: [[...digits], [...'ضصثقفغعهخحجد'], [...'شسيبلاتنمكطذ'], [...'ءئؤأإآرىةوزظ', 'erase']],
  signs: [[...digits], [...'éèêëàâçùôîœ'], [...'@&#€$%+=*/_'], [...'.,;:!?\'"()-'], [...'<>[]{}|\\~^°', 'erase']],
  number: [[...'123'], [...'456'], [...'789'], [',', '0', 'erase']],
  phone: [[...'123'], [...'456'], [...'789'], ['+', '0', 'erase']],
};

// What keys that are no letters send, and their pictures.
const presses = { erase: 'Backspace', enter: 'Enter', next: 'Tab', left: 'ArrowLeft', right: 'ArrowRight' };
const pictures = { erase: 'backspace', enter: 'arrow-elbow-down-left', next: 'arrow-line-right', left: 'arrow-left', right: 'arrow-right', shift: 'arrow-fat-up' };
const faces = { signs: '!?€', letters: 'abc', arabic: 'عربي', latin: 'abc' };
const named = new Set([...Object.keys(presses), ...Object.keys(faces), 'shift', 'space']);

let typing = ''; // the kind of field
let lang = '';
let open = false;
let alphabet = ''; // the visitor's choice: "ar" or "latin"
let layer = ''; // "signs", "letters" or "" for what the field asks for
let shift = 0; // 1 for one letter, 2 until it is touched again
let drawn = '';

let into = null; // takes what is typed instead of the portal's page

// typeInto gives what is typed, {text} or {key}, to a function.
export function typeInto(take) {
  into = take;
}

export function keyboardShown() {
  return open;
}

// followTyping opens the keyboard when the page's cursor comes into a field,
// and closes it when it leaves.
export function followTyping(kind, language, usable) {
  if (kind !== typing) {
    open = kind !== '';
    layer = '';
    shift = 0;
  }
  if (!usable) open = false;
  typing = kind;
  lang = language;
  draw();
}

export function toggleKeyboard() {
  open = !open;
  draw();
}

// stopTyping forgets what was not sent yet.
export function stopTyping() {
  queue.length = 0;
  endRepeat();
}

// ---- drawing

function latin() {
  return lang === 'en' ? 'en' : 'fr';
}

function layoutName() {
  if (layer === 'signs') return 'signs';
  if (layer === '' && (typing === 'number' || typing === 'phone')) return typing;
  // Addresses and passwords are in Latin letters nearly always.
  const natural = lang === 'ar' && typing !== 'email' && typing !== 'password' ? 'ar' : 'latin';
  return (alphabet || natural) === 'ar' && lang === 'ar' ? 'ar' : latin();
}

function rows(name) {
  const list = [...layouts[name]];
  if (instead[typing] && (name === 'fr' || name === 'en')) {
    const at = list.findIndex((row) => row.join('') === accents);
    list.splice(at < 0 ? 1 : at, at < 0 ? 0 : 1, instead[typing]);
  }
  const pad = name === 'number' || name === 'phone';
  const other = lang === 'ar' && !pad && name !== 'signs' ? [name === 'ar' ? 'latin' : 'arabic'] : [];
  const bottom = pad ? ['letters', 'left', 'right'] : [name === 'signs' ? 'letters' : 'signs', ...other, '@', 'left', 'space', 'right'];
  return [...list, [...bottom, 'next', 'enter']];
}

function draw() {
  board.hidden = !open;
  if (!open) {
    stopTyping();
    return;
  }
  // What a password is made of is not to be seen on the keys either.
  board.classList.toggle('quiet', typing === 'password');
  const name = layoutName();
  const wanted = `${name} ${typing} ${lang}`;
  if (wanted !== drawn) {
    drawn = wanted;
    board.dataset.layout = name;
    board.replaceChildren(...rows(name).map(drawRow));
  }
  for (const key of board.querySelectorAll('button')) dress(key);
}

function drawRow(keys) {
  const row = document.createElement('div');
  row.append(...keys.map((name) => {
    const key = document.createElement('button');
    key.type = 'button';
    key.dataset.key = name;
    if (named.has(name)) {
      key.classList.add('named');
      // The visible letters are a part of the name.
      key.setAttribute('aria-label', `${faces[name] ?? ''} ${words[name]}`.trim());
    }
    if (pictures[name]) key.append(document.querySelector(`#key-pictures [data-picture="${pictures[name]}"]`).firstElementChild.cloneNode(true));
    return key;
  }));
  return row;
}

// dress gives a key its face, which shift changes.
function dress(key) {
  const name = key.dataset.key;
  if (name === 'shift') {
    if (key.ariaPressed !== String(shift > 0)) key.ariaPressed = String(shift > 0);
    key.classList.toggle('locked', shift === 2);
  }
  if (pictures[name]) return;
  const face = named.has(name) ? faces[name] ?? '' : cased(name);
  if (key.textContent !== face) key.textContent = face;
}

function cased(letter) {
  return shift && letter.length === 1 ? letter.toLocaleUpperCase('fr') : letter;
}

// ---- typing

function hit(name) {
  if (presses[name]) send({ key: presses[name] });
  else if (name === 'space') send({ text: ' ' });
  else if (name === 'shift') shift = (shift + 1) % 3;
  else if (name === 'signs' || name === 'letters') layer = name;
  else if (name === 'arabic' || name === 'latin') alphabet = name === 'arabic' ? 'ar' : 'latin';
  else {
    send({ text: cased(name) });
    if (shift === 1) shift = 0;
  }
  draw();
}

const queue = [];
let sending = false;

// send posts in the order of the touches; what comes in while a post is under
// way goes together with the next.
async function send(item) {
  if (into) {
    into(item);
    return;
  }
  queue.push(item);
  if (sending) return;
  sending = true;
  while (queue.length > 0) {
    const { key, text } = queue.shift();
    let status;
    if (key) {
      status = await post('press', { key });
    } else {
      let more = text;
      while (queue[0]?.text && more.length < 200) more += queue.shift().text;
      status = await post('type', { text: more });
    }
    if (status !== 204) queue.length = 0; // the field is gone: so is what was for it
  }
  sending = false;
}

let held = 0;

function endRepeat() {
  clearInterval(held);
  clearTimeout(held);
  held = 0;
  for (const key of board.querySelectorAll('.pressed')) key.classList.remove('pressed');
}

// Keys work when the finger comes down: fast fingers overlap, and no click
// comes of two. Whoever has no finger on the screen (a switch, a screen
// reader) clicks without one.
board.addEventListener('pointerdown', (event) => {
  const key = event.target.closest('button');
  if (!key) return;
  event.preventDefault();
  endRepeat();
  if (typing !== 'password') key.classList.add('pressed');
  const name = key.dataset.key;
  hit(name);
  if (['erase', 'left', 'right'].includes(name)) {
    held = setTimeout(() => { held = setInterval(() => hit(name), 90); }, 500);
  }
});
for (const end of ['pointerup', 'pointercancel', 'pointerleave']) board.addEventListener(end, endRepeat);
board.addEventListener('click', (event) => {
  const key = event.target.closest('button');
  if (key && event.detail === 0) hit(key.dataset.key);
});
