// Small help for pages that work without it.
'use strict';
document.documentElement.classList.add('js');

for (const b of document.querySelectorAll('[data-print]')) b.addEventListener('click', () => print());

// What is typed or chosen is shown as the kiosk will show it.
for (const e of document.querySelectorAll('[data-shows]')) {
  const show = () => {
    const form = e.form;
    const own = form.elements.own.value.trim();
    document.getElementById(e.dataset.shows).textContent = own || form.elements.text.value;
  };
  e.addEventListener('input', show);
  if (e.type === 'radio') e.addEventListener('change', () => { e.form.elements.own.value = ''; show(); });
}

// A second touch must not do a thing twice.
for (const f of document.querySelectorAll('form[method="post"]:not([data-passkey])')) {
  f.addEventListener('submit', event => {
    if (f.dataset.sent) event.preventDefault();
    f.dataset.sent = '1';
    setTimeout(() => delete f.dataset.sent, 3000);
  });
}

document.getElementById('preview')?.focus();
