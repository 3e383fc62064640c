// The visitor's phone: its QR code, and the digits that are accepted.

const qr = document.querySelector('#phone-qr');
const accept = document.querySelector('#accept-phone');

// renderPhone shows the code of the moment. One that is over leaves no picture.
export function renderPhone(view) {
  const src = view.phone?.qr ?? '';
  if (src && qr.getAttribute('src') !== src) qr.src = src;
  if (!src) qr.removeAttribute('src');
  qr.hidden = !src;
  // What is accepted is what was on the screen.
  accept.dataset.code = view.phone?.code ?? '';
}
