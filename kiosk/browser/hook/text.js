function () {
  // What somebody who looks at the frame reads, from top to bottom, a block a
  // line. Nothing that was typed is read: it may be a password or a name.
  const most = 12000;
  const chosen = String(getSelection() ?? '').trim();
  if (chosen) return { text: chosen.slice(0, most), lang: document.documentElement.lang, selected: true };
  const out = [];
  let size = 0, line = '', left = 60000;
  const end = () => {
    const s = line.replace(/\s+/g, ' ').trim();
    line = '';
    if (s && out[out.length - 1] !== s) { out.push(s); size += s.length + 1; }
  };
  const seen = (rects) => [...rects].some((r) => r.width > 1 && r.height > 1 && r.bottom > 0 && r.right > 0 && r.top < innerHeight && r.left < innerWidth);
  const silent = /^(SCRIPT|STYLE|NOSCRIPT|TEMPLATE|TEXTAREA|SELECT|OBJECT|EMBED|VIDEO|AUDIO|CANVAS|IFRAME|FRAME|svg|MATH)$/;
  const range = document.createRange();
  const read = (n) => {
    if (size > most || --left < 0) return;
    if (n.nodeType === Node.TEXT_NODE) {
      range.selectNodeContents(n);
      if (n.data.trim() && seen(range.getClientRects())) line += n.data;
      else if (n.data.trim() === '') line += ' ';
      return;
    }
    if (!(n instanceof Element) || silent.test(n.tagName) || n.getAttribute('aria-hidden') === 'true') return;
    if (!n.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true }) && getComputedStyle(n).display !== 'contents') return;
    if (n.tagName === 'INPUT') {
      if (/^(submit|button|reset)$/.test(n.type) && seen(n.getClientRects())) { end(); line += n.value; end(); }
      return;
    }
    if (n.tagName === 'IMG') {
      if (n.alt && seen(n.getClientRects())) line += ' ' + n.alt + ' ';
      return;
    }
    const block = n.tagName === 'BR' || n.tagName === 'BUTTON' || !/^(inline|contents|ruby)/.test(getComputedStyle(n).display);
    if (block) end();
    for (const c of (n.shadowRoot ?? n).childNodes) read(c);
    if (n.tagName === 'SLOT') for (const c of n.assignedNodes()) read(c);
    if (block) end();
  };
  if (document.body && innerWidth > 40 && innerHeight > 10) read(document.body);
  end();
  return { text: out.join('\n').slice(0, most), lang: document.documentElement.lang, selected: false };
}
