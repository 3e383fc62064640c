// In a world of the kiosk's own, before the page's scripts and out of their
// reach: what the page does to its own functions changes nothing here.
(() => {
  'use strict';
  const on = (type, f) => addEventListener(type, (e) => { if (e.isTrusted) f(e); }, true);
  on('click', (e) => { globalThis.last = e.composedPath()[0]; });
  on('drop', (e) => globalThis.dropped?.(e.dataTransfer?.files.length ?? 0));

  // Keys of a plugged-in keyboard that do something in Chromium itself, all but
  // those that write. In a window of --kiosk each comes here first.
  const named = /^(F\d+|Browser\w+|Launch\w+|Mail\w+|Media\w+|Zoom\w+|ContextMenu|Help|Open|New|Save|Close|Find|Exit|Print|Props|Cancel|Go\w+)$/;
  const writes = /^([acvxyz]|[-+=_0]|Insert|Delete|Backspace|Arrow\w+|Home|End|Enter|Control|Shift|Alt|Meta|AltGraph)$/i;
  const shifted = /^([vz]|[-+=_0]|Insert|Backspace|Arrow\w+|Home|End|Enter|Control|Shift|Alt|Meta|AltGraph)$/i;
  const commands = (e) => {
    // Where a letter is not Latin, its place on the keyboard counts.
    const key = e.key.length > 1 || e.key < '\x80' ? e.key : e.code.replace(/^Key/, '');
    if (named.test(key) || (key === 'Escape' && (e.shiftKey || e.ctrlKey || e.altKey))) return true;
    if (e.getModifierState('AltGraph')) return false; // it writes
    if (e.ctrlKey || e.metaKey) return e.altKey || !(e.shiftKey ? shifted : writes).test(key);
    // A page's own access keys stay.
    return e.altKey && (e.shiftKey || !/^([a-ce-z]|Control|Shift|Alt|Meta|AltGraph)$/i.test(key) || /^[ef]$/i.test(key));
  };
  on('keydown', (e) => {
    if (!commands(e)) return;
    e.preventDefault();
    if (e.key === 'Print' || ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === 'p')) globalThis.__pointnum?.('{"t":"print"}');
  });

  // Other buttons, and clicks with a key held, open windows or move through
  // the history.
  on('auxclick', (e) => { if (e.button !== 2) e.preventDefault(); });
  for (const type of ['mousedown', 'mouseup']) on(type, (e) => { if (e.button > 2) e.preventDefault(); });
  on('click', (e) => { if (e.ctrlKey || e.shiftKey || e.metaKey || e.altKey) e.preventDefault(); });
  on('contextmenu', (e) => e.preventDefault());

  // Links, pictures and words that are dropped somewhere would be opened.
  on('dragstart', (e) => {
    const from = e.composedPath()[0];
    if (!(from instanceof Element) || !from.closest('[draggable=true]')) e.preventDefault();
  });

  // Players have buttons of their own for what the page's scripts can't do.
  on('fullscreenchange', () => { if (document.fullscreenElement) document.exitFullscreen().catch(() => {}); });
  on('enterpictureinpicture', () => document.exitPictureInPicture().catch(() => {}));
})();
