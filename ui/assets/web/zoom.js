// One page, large enough to be read. Bigger and smaller are buttons: a pinch
// needs two fingers (EN 301 549, 5.9).

const $ = (selector) => document.querySelector(selector);
const levels = [1, 1.6, 2.4, 3.4]; // 1 shows the whole page
let level = 0;

// openZoom shows a page; it throws when the picture does not come.
export async function openZoom(page) {
  $('#zoom-title').textContent = page.view;
  const canvas = $('#zoom canvas');
  canvas.width = canvas.height = 1;
  $('#zoom').showModal();
  const image = new Image();
  image.src = `/picture/${encodeURIComponent(page.id)}?large`;
  await image.decode();
  if (!$('#zoom').open) return; // it was closed meanwhile
  const sideways = page.turn % 180 !== 0;
  canvas.width = sideways ? image.naturalHeight : image.naturalWidth;
  canvas.height = sideways ? image.naturalWidth : image.naturalHeight;
  const g = canvas.getContext('2d');
  g.translate(canvas.width / 2, canvas.height / 2);
  g.rotate((page.turn * Math.PI) / 180);
  g.drawImage(image, -image.naturalWidth / 2, -image.naturalHeight / 2);
  level = 0;
  zoomBy(0);
}

// zoomBy goes some levels up or down, around the middle of what is seen.
export function zoomBy(change) {
  level = Math.min(levels.length - 1, Math.max(0, level + change));
  const area = $('.reading');
  const canvas = $('.reading canvas');
  const middle = [area.scrollLeft / area.scrollWidth, area.scrollTop / area.scrollHeight];
  const fit = Math.min(area.clientWidth / canvas.width, area.clientHeight / canvas.height);
  canvas.style.inlineSize = `${Math.floor(canvas.width * fit * levels[level])}px`;
  [area.scrollLeft, area.scrollTop] = [middle[0] * area.scrollWidth, middle[1] * area.scrollHeight];
  $('[data-do="smaller"]').setAttribute('aria-disabled', String(level === 0));
  $('[data-do="bigger"]').setAttribute('aria-disabled', String(level === levels.length - 1));
}

// Nothing of a visitor's page stays in the canvas.
$('#zoom').addEventListener('close', () => {
  const canvas = $('#zoom canvas');
  canvas.width = canvas.height = 1;
});
