addEventListener('click', (e) => { globalThis.last = e.composedPath()[0]; }, true);
