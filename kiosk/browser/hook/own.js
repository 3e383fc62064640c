addEventListener('click', (e) => { globalThis.last = e.composedPath()[0]; }, true);
addEventListener('drop', (e) => { if (e.isTrusted) globalThis.dropped?.(e.dataTransfer?.files.length ?? 0); }, true);
