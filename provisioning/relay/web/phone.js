// The phone's side; package kiosk/phone says how it is sealed and what is said.
// No library, nothing of other hosts, nothing kept: what is here is gone with
// the page. Written for browsers from 2018 on.
'use strict';

var $ = function (id) { return document.getElementById(id); };
var BODY = 256 * 1024; // the longest body
var HEAD = 9;
var PAD = 16 * 1024;
var CONTENT = BODY - HEAD;
var MAX_TOTAL = 100e6; // bytes to the kiosk
var MAX_FILES = 60;
var PATIENCE = 8000; // before the visitor is told what to touch, in ms

var part = location.hash.slice(1).split('.');
var words = texts[part[2]] || texts[(navigator.language || 'fr').slice(0, 2)] || texts.fr;
var lang = part[2] in texts ? part[2] : Object.keys(texts).filter(function (k) { return texts[k] === words; })[0];
// The key leaves the address bar and the history.
history.replaceState(null, '', location.pathname);

var session = part[0];
var token = '';
var keys = null; // up, down
var ended = false;
var accepted = false;

// ---- the screen

function show(id) {
  ['wait', 'code', 'ready', 'end'].forEach(function (s) { $(s).hidden = s !== id; });
}

function finish(code) {
  if (ended) return;
  ended = true;
  keys = null;
  $('offline').hidden = true;
  $('end-title').textContent = words['end_' + code];
  $('end-do').textContent = words['end_' + code + '_do'];
  if (code === 'done' && document.querySelector('#docs a')) $('end-do').textContent = words.end_keep;
  $('good').style.display = code === 'done' ? '' : 'none';
  $('bad').style.display = code === 'done' ? 'none' : '';
  $('kept').appendChild($('docs')); // what arrived can still be opened
  Object.keys(docs).forEach(function (id) {
    if (!docs[id].whole) docs[id].view.box.hidden = true;
  });
  document.documentElement.setAttribute('data-ended', code);
  show('end');
  $('end-title').focus();
}

function offline(is) {
  $('offline').textContent = words.offline;
  $('offline').hidden = !is || ended;
}

function item(list, name) {
  var li = document.createElement('li');
  li.className = 'item';
  var a = document.createElement('span');
  a.className = 'name';
  a.textContent = name;
  var b = document.createElement('span');
  b.className = 'how';
  var bar = document.createElement('progress');
  bar.max = 100;
  bar.hidden = true;
  li.appendChild(a);
  li.appendChild(b);
  li.appendChild(bar);
  $(list).appendChild(li);
  return { box: li, how: b, bar: bar };
}

function tell(v, state, text, percent) {
  v.box.className = 'item ' + state;
  v.how.textContent = text;
  v.bar.hidden = percent === undefined;
  if (percent !== undefined) {
    v.bar.value = percent;
    v.bar.setAttribute('aria-label', text);
  }
}

// ---- bytes

function unb64(s) {
  return Uint8Array.from(atob(s.replace(/-/g, '+').replace(/_/g, '/')), function (c) { return c.charCodeAt(0); });
}

function concat() {
  var size = 0;
  var i;
  for (i = 0; i < arguments.length; i++) size += arguments[i].length;
  var out = new Uint8Array(size);
  for (i = 0, size = 0; i < arguments.length; i++) {
    out.set(arguments[i], size);
    size += arguments[i].length;
  }
  return out;
}

function utf8(s) { return new TextEncoder().encode(s); }

function bytesOf(blob) {
  return new Promise(function (ok, fail) {
    var r = new FileReader();
    r.onload = function () { ok(new Uint8Array(r.result)); };
    r.onerror = function () { fail(r.error); };
    r.readAsArrayBuffer(blob);
  });
}

function pause(ms) {
  return new Promise(function (ok) { setTimeout(ok, ms); });
}

// ---- sealing

var KIND_HELLO = 1;
var KIND_MESSAGE = 2;
var KIND_DATA = 3;

function nonce(n, mark) {
  var iv = new Uint8Array(12);
  new DataView(iv.buffer).setUint32(7, n);
  iv[11] = mark;
  return iv;
}

async function seal(n, last, kind, file, content) {
  var body = new Uint8Array(Math.ceil((HEAD + content.length) / PAD) * PAD);
  var head = new DataView(body.buffer);
  body[0] = kind;
  head.setUint32(1, file);
  head.setUint32(5, content.length);
  body.set(content, HEAD);
  var mark = last ? 1 : 0;
  var sealed = await crypto.subtle.encrypt({ name: 'AES-GCM', iv: nonce(n, mark) }, keys.up, body);
  return concat([mark], new Uint8Array(sealed));
}

// open throws when a frame is not the kiosk's frame n.
async function open(n, frame) {
  var mark = frame[0];
  var body = new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: nonce(n, mark) }, keys.down, frame.subarray(1)));
  var head = new DataView(body.buffer);
  var size = head.getUint32(5);
  if (mark > 1 || size > body.length - HEAD) throw new Error('frame');
  return { kind: body[0], file: head.getUint32(1), last: mark === 1, content: body.subarray(HEAD, HEAD + size) };
}

async function derive(ours, peer, salt) {
  var bits = await crypto.subtle.deriveBits({ name: 'ECDH', public: peer }, ours.privateKey, 256);
  var secret = await crypto.subtle.importKey('raw', bits, 'HKDF', false, ['deriveBits']);
  var expand = function (what, s, n) {
    return crypto.subtle.deriveBits({ name: 'HKDF', hash: 'SHA-256', salt: s, info: utf8('pointnum phone 1 ' + what + ' ' + session) }, secret, n);
  };
  var aes = async function (what, use) {
    return crypto.subtle.importKey('raw', await expand(what, salt, 256), 'AES-GCM', false, [use]);
  };
  keys = { up: await aes('up', 'encrypt'), down: await aes('down', 'decrypt') };
  return async function (random) {
    var four = new DataView(await expand('code', concat(salt, random), 32)).getUint32(0) % 10000;
    return ('000' + four).slice(-4);
  };
}

// ---- the relay

async function call(method, path, body) {
  for (;;) {
    try {
      var o = { method: method, cache: 'no-store', headers: {} };
      if (token) o.headers.Authorization = 'Bearer ' + token;
      if (body) o.body = body;
      var r = await fetch('/s/' + session + path, o);
      var content = r.status === 200 || r.status === 201 ? new Uint8Array(await r.arrayBuffer()) : null;
      offline(false);
      return { status: r.status, content: content };
    } catch (e) {
      if (ended) return { status: 0 };
      offline(true);
      await pause(2000);
    }
  }
}

// put hands one frame after the other over.
var sent = 0;
var line = Promise.resolve(true);

function put(last, kind, file, content) {
  line = line.then(function (ok) { return ok && putNow(last, kind, file, content); }).catch(function () { return false; });
  return line;
}

async function putNow(last, kind, file, content) {
  if (ended) return false;
  var frame = await seal(sent, last, kind, file, content);
  for (;;) {
    var r = await call('POST', '/up/' + sent, frame);
    if (r.status === 204) {
      sent++;
      return true;
    }
    if (ended) return false;
    if (r.status !== 429 && r.status !== 503) {
      finish(r.status === 410 ? 'done' : 'lost');
      return false;
    }
    await pause(300); // the kiosk has to fetch first
  }
}

function say(file, m) { return put(false, KIND_MESSAGE, file, utf8(JSON.stringify(m))); }

// ---- files to the kiosk

var files = {};
var count = 0;
var total = 0;

function offer(list) {
  Array.prototype.forEach.call(list, function (f) {
    var v = item('list', f.name);
    if (count >= MAX_FILES) return tell(v, 'bad', words.refuse_too_many);
    if (total + f.size > MAX_TOTAL) return tell(v, 'bad', words.refuse_file_too_big);
    count++;
    total += f.size;
    files[count] = { file: f, view: v, state: 'waiting', since: Date.now() };
    tell(v, '', words.waiting);
    say(count, { say: 'offer', name: shorten(f.name), size: f.size });
  });
}

// shorten keeps the end of a name, which says its kind, within 255 bytes.
function shorten(name) {
  while (utf8(name).length > 255) name = name.slice(Math.ceil(name.length / 10));
  return name.replace(/^[\uDC00-\uDFFF]/, '');
}

async function send(id) {
  var f = files[id];
  if (!f || f.state !== 'waiting') return;
  f.state = 'sending';
  tell(f.view, '', words.sending, 0);
  for (var at = 0; ;) {
    var piece;
    try {
      piece = await bytesOf(f.file.slice(at, at + CONTENT));
    } catch (e) {
      f.state = 'refused';
      tell(f.view, 'bad', words.refuse_unreadable);
      say(id, { say: 'drop' });
      return;
    }
    if (f.state !== 'sending') return;
    at += piece.length;
    var last = at >= f.file.size;
    if (!(await put(last, KIND_DATA, id, piece))) return;
    if (f.state !== 'sending') return;
    tell(f.view, '', words.sending, f.file.size ? Math.round(100 * at / f.file.size) : 100);
    if (last) break;
  }
  f.state = 'sent';
  tell(f.view, '', words.sent);
}

function settle(id, ok, code) {
  var f = files[id];
  if (!f) return;
  f.state = ok ? 'taken' : 'refused';
  f.file = null;
  if (ok) tell(f.view, 'good', '✓ ' + words.taken);
  else if (code === 'canceled') tell(f.view, 'bad', words.canceled);
  else tell(f.view, 'bad', words['refuse_' + code] || words.refuse_other);
}

// hint says what to touch on the kiosk when it does not ask for what waits.
setInterval(function () {
  $('hint').hidden = !Object.keys(files).some(function (id) {
    return files[id].state === 'waiting' && Date.now() - files[id].since > PATIENCE;
  }) || Object.keys(files).some(function (id) { return files[id].state === 'sending' || files[id].state === 'sent'; });
}, 1000);

// ---- files from the kiosk

var docs = {};
var media = { pdf: 'application/pdf', jpg: 'image/jpeg', png: 'image/png', tif: 'image/tiff' };

function piece(b) {
  var d = docs[b.file];
  if (!d || d.whole) return;
  d.parts.push(b.content.slice());
  d.have += b.content.length;
  if (d.have > d.size || b.last && d.have !== d.size) throw new Error('size');
  tell(d.view, '', words.doc, d.size ? Math.round(100 * d.have / d.size) : 100);
  if (!b.last) return;
  d.whole = true;
  var kind = media[d.name.split('.').pop().toLowerCase()] || 'application/octet-stream';
  var a = document.createElement('a');
  a.className = 'big';
  a.href = URL.createObjectURL(new Blob(d.parts, { type: kind }));
  a.download = d.name;
  a.textContent = words.open;
  d.parts = null;
  tell(d.view, 'good', '');
  d.view.box.appendChild(a);
  d.view.box.scrollIntoView();
  say(b.file, { say: 'got' });
}

// ---- what the kiosk says

function take(b) {
  if (b.kind === KIND_DATA) return piece(b);
  if (b.kind !== KIND_MESSAGE) throw new Error('kind');
  var m = JSON.parse(new TextDecoder().decode(b.content));
  switch (m.say) {
    case 'accept':
      accepted = true;
      show('ready');
      break;
    case 'go': send(b.file); break;
    case 'taken': settle(b.file, true); break;
    case 'refuse': settle(b.file, false, m.code); break;
    case 'doc':
      docs[b.file] = { name: m.name, size: m.size || 0, have: 0, parts: [], view: item('docs', m.name) };
      tell(docs[b.file].view, '', words.doc, 0);
      break;
    case 'stop':
      if (docs[b.file]) {
        docs[b.file].parts = null;
        docs[b.file].whole = true;
        tell(docs[b.file].view, 'bad', words.canceled);
      }
      break;
    case 'end': finish(m.code); break;
    default: throw new Error('word');
  }
}

async function listen(code) {
  for (var n = 0; !ended;) {
    var r = await call('GET', '/down/' + n);
    if (ended || r.status === 204) continue;
    if (r.status !== 200) {
      // 410: the kiosk has erased it, at the end of the visit or because nobody
      // accepted this phone.
      if (accepted) finish(r.status === 410 ? 'done' : 'lost');
      else finish('old');
      return;
    }
    try {
      var b = await open(n, r.content);
      if (n === 0) {
        if (b.kind !== KIND_HELLO) throw new Error('hello');
        $('digits').textContent = await code(b.content);
        show('code');
      } else {
        take(b);
      }
    } catch (e) {
      finish('broken');
      return;
    }
    n++;
  }
}

async function begin() {
  document.documentElement.lang = lang;
  document.documentElement.dir = words.dir;
  Array.prototype.forEach.call(document.querySelectorAll('[data-t]'), function (e) {
    e.textContent = words[e.getAttribute('data-t')];
  });
  $('main').hidden = false;
  if (part.length < 2 || !/^[\w-]{22}$/.test(session)) return finish('none');
  if (!window.crypto || !crypto.subtle || !window.fetch || !window.TextEncoder) return finish('unable');
  show('wait');
  var code;
  var mine;
  try {
    var theirs = unb64(part[1]);
    var ours = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, false, ['deriveBits']);
    var peer = await crypto.subtle.importKey('raw', theirs, { name: 'ECDH', namedCurve: 'P-256' }, false, []);
    mine = new Uint8Array(await crypto.subtle.exportKey('raw', ours.publicKey));
    code = await derive(ours, peer, concat(mine, theirs));
  } catch (e) {
    return finish('unable');
  }
  var r = await call('POST', '/phone', mine);
  if (r.status !== 201) return finish(r.status === 409 ? 'used' : 'old');
  token = new TextDecoder().decode(r.content);
  return listen(code);
}

['photo', 'files'].forEach(function (id) {
  $(id).addEventListener('change', function () {
    offer(this.files);
    // The same photo may be chosen again.
    this.value = '';
  });
});

begin();
