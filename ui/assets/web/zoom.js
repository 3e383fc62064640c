// One page, large enough to be read, with what the kiosk doubts about it. Bigger
// and smaller are buttons: a pinch needs two fingers (EN 301 549, 5.9).

const $ = (selector, root = document) => root.querySelector(selector);
const levels = [1, 1.6, 2.4, 3.4]; // 1 shows the whole page
let level = 0;
let drawn = ''; // what the canvas shows, or soon will
let current = null; // the page as it was last told of

// openZoom shows a page; it throws when the picture does not come.
export function openZoom(page) {
  clear();
  $('#zoom').dataset.id = page.id;
  $('#zoom').showModal();
  return showInZoom(page);
}

// showInZoom brings an open picture up to date with its page.
export async function showInZoom(page) {
  current = page;
  $('#zoom-title').textContent = page.view;
  notes(page);
  const wanted = `${page.picture} ${page.turn}`;
  if (wanted !== drawn) {
    drawn = wanted;
    marks([]);
    const image = new Image();
    image.src = `/picture/${encodeURIComponent(page.picture)}?large`;
    await image.decode();
    if (drawn !== wanted) return; // it was closed or changed meanwhile
    draw(image, page.turn);
    level = 0;
  }
  marks(current.hints); // news may have come while the picture was decoded
  zoomBy(0);
}

function draw(image, turn) {
  const canvas = $('#zoom canvas');
  const sideways = turn % 180 !== 0;
  canvas.width = sideways ? image.naturalHeight : image.naturalWidth;
  canvas.height = sideways ? image.naturalWidth : image.naturalHeight;
  const g = canvas.getContext('2d');
  g.translate(canvas.width / 2, canvas.height / 2);
  g.rotate((turn * Math.PI) / 180);
  g.drawImage(image, -image.naturalWidth / 2, -image.naturalHeight / 2);
}

// notes lists the hints below one another, and says what the kiosk did.
function notes(page) {
  stretch($('#hints'), $('#hint'), page.hints, (li, hint) => {
    setText($('span', li), hint.text);
    $('button', li).hidden = !hint.turn;
    $('button', li).setAttribute('aria-label', page.turnBy);
  });
  $('#hints').hidden = page.hints.length === 0;
  const change = $('#change');
  change.hidden = !page.change;
  change.classList.toggle('came', page.asIs);
  setText($('p span', change), page.change);
  setText($('button span', change), page.swap);
}

// marks frames what hints are about. Their places are the picture's, left to
// right in every language.
function marks(hints) {
  const places = hints.flatMap(({ areas, here }) => areas.map((area) => ({ area, here })));
  stretch($('#marks'), $('#mark'), places, (mark, { area, here }) => {
    mark.setAttribute('aria-label', here);
    for (const [side, value] of Object.entries(area)) mark.style[side] = `${value / 10}%`;
  });
}

// stretch gives a list as many children as there are items, and keeps those it
// has: what has the focus keeps it.
function stretch(list, template, items, fill) {
  while (list.children.length > items.length) list.lastElementChild.remove();
  while (list.children.length < items.length) list.append(template.content.firstElementChild.cloneNode(true));
  items.forEach((item, i) => fill(list.children[i], item));
}

function setText(e, text) {
  if (e.textContent !== text) e.textContent = text;
}

// zoomBy goes some levels up or down, around the middle of what is seen.
export function zoomBy(change) {
  level = Math.min(levels.length - 1, Math.max(0, level + change));
  const area = $('.reading');
  const canvas = $('.reading canvas');
  const middle = [area.scrollLeft / area.scrollWidth, area.scrollTop / area.scrollHeight];
  const edge = 2 * parseFloat(getComputedStyle(area).paddingTop);
  const fit = Math.min((area.clientWidth - edge) / canvas.width, (area.clientHeight - edge) / canvas.height);
  $('.sheet').style.inlineSize = `${Math.floor(canvas.width * fit * levels[level])}px`;
  [area.scrollLeft, area.scrollTop] = [middle[0] * area.scrollWidth, middle[1] * area.scrollHeight];
  $('[data-do="smaller"]').setAttribute('aria-disabled', String(level === 0));
  $('[data-do="bigger"]').setAttribute('aria-disabled', String(level === levels.length - 1));
}

// Nothing of a visitor's page stays in the dialog.
function clear() {
  const canvas = $('#zoom canvas');
  canvas.width = canvas.height = 1;
  drawn = '';
  current = null;
  for (const list of [$('#hints'), $('#marks')]) list.replaceChildren();
}

$('#zoom').addEventListener('close', () => {
  if (!$('#zoom').open) clear(); // else it was opened again meanwhile
});
