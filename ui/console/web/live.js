// What is live: the server says that something has changed, the page asks what
// and puts the new pieces where the old ones were. Calls ring until somebody
// takes them.
'use strict';
(() => {
  const body = document.body;
  const lost = document.getElementById('lost');
  const ring = document.getElementById('ring');
  const heard = document.getElementById('heard');
  const from = 'live' in body.dataset ? location.pathname + location.search : body.dataset.calls;
  if (!from || !lost) return;
  const own = 'live' in body.dataset;
  const title = document.title;

  // An XMLHttpRequest gives a document, which the page's policy lets us take
  // pieces of; it would refuse to make one from a string.
  const ask = () => new Promise((ok, no) => {
    const x = new XMLHttpRequest();
    x.open('GET', from);
    x.responseType = 'document';
    x.timeout = 20000;
    x.onload = () => (x.status === 200 && x.response && x.response.body.dataset.csrf === body.dataset.csrf) ? ok(x.response) : no(new Error(String(x.status)));
    x.onerror = x.ontimeout = () => no(new Error('no answer'));
    x.send();
  });

  const pieces = doc => new Map([...doc.querySelectorAll('main [data-live]')].map(e => [e.id, e]));

  const swap = (old, now) => {
    now = document.adoptNode(now);
    // Forms of a piece come back to the page that is shown.
    for (const i of now.querySelectorAll('input[name="page"]')) i.value = body.dataset.page;
    if (old.isEqualNode(now)) return;
    const at = old.contains(document.activeElement) ? document.activeElement.id : '';
    old.replaceWith(now);
    if (at) (document.getElementById(at) ?? now.querySelector('button, a') ?? document.getElementById('main')).focus();
  };

  const show = doc => {
    const fresh = pieces(doc);
    if (!own) {
      const calls = fresh.get('calls');
      if (calls) swap(document.getElementById('calls'), calls);
    } else {
      const list = document.getElementById('cards') ?? document.getElementById('structures');
      const other = list && doc.getElementById(list.id);
      // Another order or number of cards: the whole list.
      if (list && other && [...list.children].map(e => e.id).join() !== [...other.children].map(e => e.id).join()) swap(list, other);
      else for (const [id, e] of pieces(document)) if (fresh.has(id)) swap(e, fresh.get(id));
      document.title = doc.title;
    }
    calls();
  };

  // ---- the sound: three notes, made here, until somebody takes the call
  let audio = null;
  let ringing = 0;
  let told = new Set();
  const note = (at, hertz) => {
    const o = audio.createOscillator();
    const g = audio.createGain();
    o.type = 'triangle';
    o.frequency.value = hertz;
    g.gain.setValueAtTime(0, at);
    g.gain.linearRampToValueAtTime(0.3, at + 0.02);
    g.gain.exponentialRampToValueAtTime(0.001, at + 0.5);
    o.connect(g).connect(audio.destination);
    o.start(at);
    o.stop(at + 0.55);
  };
  const sound = () => {
    if (audio?.state !== 'running') return;
    [880, 1109, 1319].forEach((h, i) => note(audio.currentTime + i * 0.22, h));
    ring.dataset.rung = String(Number(ring.dataset.rung ?? 0) + 1);
  };
  const calls = () => {
    const open = [...document.querySelectorAll('[data-ringing]')];
    const keys = new Set(open.map(e => e.dataset.call));
    const fresh = open.filter(e => !told.has(e.dataset.call));
    if (fresh.length > 0) {
      const labels = [...new Set(fresh.map(e => e.dataset.label))].join(', ');
      heard.textContent = ring.dataset.new.replace('{label}', labels);
      sound();
    }
    if (open.length === 0) heard.textContent = '';
    told = keys;
    if (open.length > 0 && !ringing) ringing = setInterval(sound, 5000);
    if (open.length === 0 && ringing) { clearInterval(ringing); ringing = 0; }
    if (!own) document.title = open.length > 0 ? ring.dataset.new.replace('{label}', open[0].dataset.label) : title;
    // On pages that are not about calls, only when there is something to hear.
    ring.hidden = audio?.state === 'running' || !document.getElementById('calls') || !own && open.length === 0;
  };
  const wake = () => {
    audio ??= new AudioContext();
    audio.resume().then(() => { calls(); if (ringing) sound(); }, () => {});
  };
  document.getElementById('sound').addEventListener('click', wake);
  // Browsers let a page sound only after it was touched.
  addEventListener('pointerdown', wake, { once: true });
  addEventListener('keydown', wake, { once: true });

  // ---- news
  let busy = false;
  let again = false;
  let gone = 0;
  const bad = () => { gone ||= setTimeout(() => { lost.hidden = false; }, 5000); };
  const well = () => { clearTimeout(gone); gone = 0; lost.hidden = true; };
  const refresh = async () => {
    if (busy) { again = true; return; }
    busy = true;
    try {
      show(await ask());
      well();
      body.dataset.seen = String(Number(body.dataset.seen ?? 0) + 1);
    } catch (e) {
      // Another session, or none: the page is of no use any more.
      if (/^(200|401|403)$/.test(e.message)) location.reload();
      else bad();
    }
    busy = false;
    if (again) { again = false; refresh(); }
  };
  const listen = () => {
    const source = new EventSource('/live');
    source.onmessage = () => refresh();
    source.onerror = () => {
      bad();
      if (source.readyState === EventSource.CLOSED) setTimeout(() => { listen(); refresh(); }, 10000);
    };
  };
  listen();
  calls();
  setInterval(refresh, 60000); // "since when" grows by itself
})();
