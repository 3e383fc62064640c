function () {
  const most = 400, near = [], wide = [];
  const text = (n) => (n?.innerText ?? n?.textContent ?? '').replace(/\s+/g, ' ').trim();
  const put = (list, s) => { if (s && s.length <= most && list.length < 40 && !list.includes(s)) list.push(s); };
  const ids = (e, name) => { for (const id of (e.getAttribute(name) ?? '').split(/\s+/)) if (id) put(near, text(e.getRootNode().getElementById?.(id))); };
  const said = (e) => {
    for (const l of e.labels ?? []) put(near, text(l));
    ids(e, 'aria-describedby'); ids(e, 'aria-labelledby'); ids(e, 'aria-details');
    for (const a of e.attributes) {
      if (/^(aria-label|aria-description|title|placeholder)$/.test(a.name)) put(near, a.value);
      // FilePond, Dropzone and others keep their limits in attributes.
      else if (/max.*(size|weight)|size.*max/i.test(a.name) && /^\s*[\d.,]+\s*\p{L}*\s*$/u.test(a.value)) put(near, 'max ' + a.value + (/^\s*\d+\s*$/.test(a.value) && +a.value > 10000 ? ' octets' : ''));
      else if (/max.*files|files.*max/i.test(a.name) && /^\s*\d+\s*$/.test(a.value)) put(near, 'max ' + a.value + ' fichiers');
    }
  };
  said(this);
  // A field that nobody sees is opened by something that was touched: the
  // hints stand there.
  let from = this;
  const box = this.getBoundingClientRect();
  const hidden = !this.isConnected || box.width * box.height < 4;
  const last = globalThis.last;
  if (hidden && last instanceof Element && last.isConnected && !this.parentElement?.contains(last)) { from = last; said(from); }
  const fields = (e) => [...e.querySelectorAll('input[type=file]')].filter((f) => f !== this).length;
  for (let e = from, up = 0; e && up < 9; up++) {
    let parent = e.parentNode;
    if (parent instanceof ShadowRoot) parent = parent.host;
    if (!(parent instanceof Element) || parent === document.documentElement) break;
    const several = fields(parent) > 0;
    const list = several ? wide : near;
    if (parent.tagName === 'FIELDSET') put(list, text(parent.querySelector('legend')));
    if (!several) put(near, text(parent));
    for (const s of parent.childNodes) {
      if (s === e) continue;
      if (s.nodeType === Node.TEXT_NODE) put(list, text(s));
      else if (s instanceof Element && !/^(SCRIPT|STYLE|NOSCRIPT|SELECT)$/.test(s.tagName) && s.querySelector('input[type=file]') === null) put(list, text(s));
    }
    if (parent.tagName === 'FORM' || parent.tagName === 'BODY') break;
    e = parent;
  }
  return { accept: this.accept, multiple: this.multiple, folder: this.webkitdirectory, near, wide };
}
