(() => {
  'use strict';
  const bound = window.__pointnum;
  delete window.__pointnum;
  if (!bound) return;
  // What the page may replace later is kept now.
  const json = JSON.stringify, apply = Reflect.apply, timeout = window.setTimeout.bind(window);
  const say = (m) => { try { bound(json(m)); } catch { /* the kiosk is gone */ } };

  for (const name of ['showOpenFilePicker', 'showSaveFilePicker', 'showDirectoryPicker', 'EyeDropper',
    'documentPictureInPicture', 'DocumentPictureInPicture']) delete window[name];
  // Nothing of a page lies over the kiosk's bar.
  for (const name of ['requestFullscreen', 'webkitRequestFullscreen', 'webkitRequestFullScreen', 'requestPointerLock']) delete Element.prototype[name];
  for (const name of ['requestPictureInPicture', 'webkitEnterFullscreen', 'webkitEnterFullScreen']) delete HTMLVideoElement.prototype[name];

  // Printing is the kiosk's.
  const print = () => say({ t: 'print' });
  Object.defineProperty(window, 'print', { value: print, writable: false, configurable: false });
  const exec = Document.prototype.execCommand;
  Document.prototype.execCommand = function (command, ...rest) {
    if (String(command).toLowerCase() === 'print') { print(); return true; }
    return apply(exec, this, [command, ...rest]);
  };

  // A window of a size of its own would have a toolbar; as a tab it has none.
  const open = window.open;
  window.open = function (url, target, features) {
    const kept = /\bno(opener|referrer)\b/.exec(String(features ?? ''));
    return apply(open, this, [url === undefined ? '' : url, target === undefined ? '_blank' : target, kept ? kept[0] : '']);
  };

  // Which kind of field has the cursor.
  const kinds = { text: 'text', search: 'text', url: 'text', '': 'text', email: 'email', tel: 'phone',
    number: 'number', date: 'number', 'datetime-local': 'number', month: 'number', time: 'number',
    week: 'number', password: 'password' };
  const modes = { numeric: 'number', decimal: 'number', tel: 'phone', email: 'email', none: '' };
  const kindOf = (e) => {
    if (!(e instanceof Element)) return '';
    if (e instanceof HTMLInputElement) {
      if (e.readOnly || e.disabled) return '';
      const kind = kinds[e.type] ?? '';
      return kind === 'text' ? modes[e.inputMode] ?? 'text' : kind;
    }
    if (e instanceof HTMLTextAreaElement) return e.readOnly || e.disabled ? '' : 'text';
    return e.isContentEditable ? 'text' : '';
  };
  // Told when the finger is off: the keyboard makes room or takes it, the page
  // moves, and the finger would come up beside what it was put on.
  let told = '', kind = '', down = false;
  const settle = () => { if (!down && kind !== told) { told = kind; say({ t: 'focus', f: kind }); } };
  const tell = (k) => { kind = k; settle(); };
  window.addEventListener('pointerdown', (e) => { if (e.isTrusted) down = true; }, true);
  for (const type of ['pointerup', 'pointercancel']) {
    window.addEventListener(type, (e) => { if (e.isTrusted) { down = false; timeout(settle, 0); } }, true);
  }
  const watchFocus = (root) => {
    root.addEventListener('focusin', (e) => { if (e.isTrusted) { const k = kindOf(e.composedPath()[0]); timeout(() => tell(k), 0); } }, true);
    root.addEventListener('focusout', (e) => { if (e.isTrusted && !e.relatedTarget) timeout(() => { if (!document.hasFocus() || document.activeElement === document.body || !document.activeElement) tell(''); }, 0); }, true);
  };
  watchFocus(window);

  // A closed shadow tree hides its fields from the window's listeners.
  const attach = Element.prototype.attachShadow;
  Element.prototype.attachShadow = function (init) {
    const root = apply(attach, this, [init]);
    if (root.mode === 'closed') watchFocus(root);
    return root;
  };

  // Somebody is there, who reads and scrolls perhaps: told every few seconds.
  // Scrolling itself is no sign of it, since pages scroll by themselves.
  let here = -Infinity;
  const now = performance.now.bind(performance);
  const touch = (e) => { if (e.isTrusted && now() - here > 3000) { here = now(); say({ t: 'touch' }); } };

  // Zones to drop files on. A touch on one that opens no chooser by itself is
  // told to the kiosk; own.js keeps which it was.
  const zones = new WeakSet(), isZone = WeakSet.prototype.has.bind(zones), markZone = WeakSet.prototype.add.bind(zones);
  let delegated = false; // by a listener around everything, as some libraries do
  const listen = EventTarget.prototype.addEventListener;
  const own = (root, type, f) => apply(listen, root, [type, f, true]);
  for (const type of ['pointerdown', 'wheel', 'keydown']) apply(listen, window, [type, touch, { capture: true, passive: true }]);
  EventTarget.prototype.addEventListener = function (type, ...rest) {
    if (type === 'drop') {
      if (this instanceof Element && this !== document.body && this !== document.documentElement) markZone(this); else delegated = true;
    }
    return apply(listen, this ?? window, [type, ...rest]);
  };
  const busy = 'a[href],button,input,select,textarea,label,option,summary,video,audio,[role=button],[role=link],[contenteditable]';
  // Would the page take files here? It is asked as a file held above would.
  const takes = (e) => {
    const data = new DataTransfer();
    data.items.add(new File([''], 'a.pdf', { type: 'application/pdf' }));
    const init = { bubbles: true, cancelable: true, composed: true, dataTransfer: data };
    const over = new DragEvent('dragover', init);
    e.dispatchEvent(new DragEvent('dragenter', init));
    const yes = !e.dispatchEvent(over);
    e.dispatchEvent(new DragEvent('dragleave', init));
    return yes;
  };
  let touched = 0;
  const chosen = () => { touched++; };
  own(window, 'click', (e) => {
    if (e.target instanceof HTMLInputElement && e.target.type === 'file') { chosen(); return; }
    if (!e.isTrusted) return;
    const path = e.composedPath(), target = path[0];
    if (!(target instanceof Element) || target.closest(busy)) return;
    let zone = null;
    for (const p of path) if (p instanceof Element && p !== document.body && p !== document.documentElement && (isZone(p) || p.ondrop)) { zone = p; break; }
    if (!zone && !delegated) return;
    if (zone && zone.querySelector('input[type=file]:not([disabled])') === null && zone.clientWidth * zone.clientHeight > 0.8 * innerWidth * innerHeight && path.length < 5) return;
    const mine = ++touched;
    // With the spaces that are seen: "here" and "PDF" of two lines are two words.
    const near = ((zone ?? target).innerText ?? '').slice(0, 600);
    timeout(() => { if (mine === touched && target.isConnected && takes(target)) say({ t: 'drop', near: [near] }); }, 450);
  });
  // Another programme's address (mailto:, tel:) makes Chromium ask, and a page
  // that it asks about takes no touch any more. The kiosk says it instead.
  apply(listen, window, ['click', (e) => {
    if (e.defaultPrevented) return;
    for (const a of e.composedPath()) {
      if (!(a instanceof HTMLAnchorElement || a instanceof HTMLAreaElement) || !a.href) continue;
      if (!/^(https?|about|blob|data|javascript):/i.test(a.href)) { e.preventDefault(); say({ t: 'scheme' }); }
      return;
    }
  }, false]);
  own(window, 'beforeunload', chosen);
  // A file dropped beside a zone would be opened as a page: what nobody takes
  // is not dropped at all. A page that keeps these events from coming this far
  // decides that itself.
  for (const type of ['dragenter', 'dragover', 'drop']) apply(listen, window, [type, (e) => {
    if (!e.isTrusted || e.defaultPrevented) return;
    e.preventDefault();
    if (e.dataTransfer) e.dataTransfer.dropEffect = 'none';
  }, false]);
  const click = HTMLInputElement.prototype.click, picker = HTMLInputElement.prototype.showPicker;
  // A field that is in no document is clicked without the window seeing it.
  Object.defineProperty(HTMLInputElement.prototype, 'click', { configurable: true, writable: true, enumerable: true,
    value: function click_() { if (this.type === 'file') chosen(); return apply(click, this, []); } });
  HTMLInputElement.prototype.showPicker = function () { if (this.type === 'file') chosen(); return apply(picker, this, []); };
})();
