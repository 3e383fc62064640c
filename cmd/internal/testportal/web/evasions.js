// Tries to leave the portal. Each function is one escape; what it returns is
// written beside its button: "réussi…" when the page saw that it worked.
"use strict";
const setup = document.getElementById("essais").dataset;
const there = "https://" + setup.foreign;
const agent = setup.agent.replace(/\/$/, "");
const agentPort = agent.split(":").pop();
const place = document.getElementById("place");

const wait = ms => new Promise(ok => setTimeout(ok, ms));
const add = (tag, set, to = place) => to.appendChild(Object.assign(document.createElement(tag), set));
// An element that loads or fails.
const loads = (tag, set) => new Promise(ok => add(tag, {
  onload: () => ok("réussi : chargé"), onerror: () => ok("échec"), ...set,
}));
const asks = (url, set) => fetch(url, set).then(r => "réussi : réponse " + (r.status || r.type), e => "échec : " + e.name);
const socket = url => new Promise(ok => {
  const s = new WebSocket(url);
  s.onopen = () => ok("réussi : ouvert");
  s.onerror = () => ok("échec");
});
const opens = (url, ...more) => {
  const w = window.open(url, ...more);
  return w ? "réussi : fenêtre ouverte" : "refusé";
};
const posts = (url, method, target) => {
  const f = add("form", { method, action: url, target: target || "" });
  add("input", { type: "hidden", name: "essai", value: "1" }, f);
  f.submit();
  return "envoyé";
};
const events = url => new Promise(ok => {
  const s = new EventSource(url);
  s.onmessage = s.onopen = () => { s.close(); ok("réussi : ouvert"); };
  s.onerror = () => { s.close(); ok("échec"); };
});
const rtc = async server => {
  const c = new RTCPeerConnection({ iceServers: [server] });
  c.createDataChannel("x");
  const seen = [];
  c.onicecandidate = e => { if (e.candidate) seen.push(e.candidate.type + " " + e.candidate.address); };
  await c.setLocalDescription(await c.createOffer());
  await wait(1500);
  c.close();
  return "adresses : " + (seen.join(", ") || "aucune");
};
// A frame whose functions nobody replaced, as far as the page can tell.
const fresh = () => add("iframe", { title: "Cadre neuf" }).contentWindow;
const has = (what, use) => what ? use() : "absent";
const worked = p => Promise.resolve(p).then(v => "réussi" + (typeof v === "string" ? " : " + v : ""));
const permission = async () => "droit : " + await Notification.requestPermission();

const escapes = {
  "host-script": () => { location.href = there + "/"; return "parti"; },
  "host-get": () => posts(there + "/", "get"),
  "host-post": () => posts(there + "/", "post"),
  "host-popup": () => opens(there + "/"),
  "host-popup-later": async () => {
    const w = window.open("about:blank");
    if (!w) return "refusé";
    await wait(300);
    w.location = there + "/";
    return "fenêtre menée ailleurs";
  },
  "host-frame": () => loads("iframe", { title: "Ailleurs", src: there + "/" }),
  "host-frame-post": () => {
    add("iframe", { title: "Ailleurs", name: "cadre-post" });
    return posts(there + "/", "post", "cadre-post");
  },
  "host-object": () => Promise.any([loads("object", { data: there + "/" }), loads("embed", { src: there + "/" })]),
  "host-frame-top": () => loads("iframe", { title: "Sortir", src: "/evasions/sortir" }),

  "scheme-blob": () => { location.href = URL.createObjectURL(new Blob(["<h1>blob</h1>"], { type: "text/html" })); return "parti"; },
  "scheme-javascript": () => { location.href = "javascript:void (document.body.dataset.url = 'oui')"; return "parti"; },
  "scheme-open-file": () => opens("file:///etc/passwd"),
  "scheme-open-chrome": () => opens("chrome://settings"),
  "scheme-open-data": () => opens("data:text/html,<h1>data</h1>"),
  "scheme-frame-file": () => loads("iframe", { title: "Fichier", src: "file:///etc/passwd" }),
  "scheme-handler": () => { navigator.registerProtocolHandler("mailto", location.origin + "/?a=%s"); return "demandé"; },

  "net-fetch": () => asks(there + "/"),
  "net-xhr": () => new Promise(ok => {
    const x = new XMLHttpRequest();
    x.onload = () => ok("réussi : réponse " + x.status);
    x.onerror = () => ok("échec");
    x.open("GET", there + "/");
    x.send();
  }),
  "net-post": () => asks(there + "/", { method: "POST", mode: "no-cors", body: "essai" }),
  "net-keepalive": () => asks(there + "/", { keepalive: true, mode: "no-cors" }),
  "net-image": () => loads("img", { alt: "", src: there + "/image.svg" }),
  "net-css-image": async () => { add("div", { textContent: "fond" }).style.background = `url(${there}/fond.svg)`; await wait(500); return "demandé"; },
  "net-script": () => loads("script", { src: there + "/script.js" }),
  "net-module": () => import(there + "/module.js").then(() => "réussi : chargé", e => "échec : " + e.name),
  "net-style": () => loads("link", { rel: "stylesheet", href: there + "/style.css" }),
  "net-css-import": async () => { add("style", { textContent: `@import url("${there}/import.css");` }); await wait(500); return "demandé"; },
  "net-font": () => new FontFace("ailleurs", `url(${there}/police.woff2)`).load().then(() => "réussi : chargée", e => "échec : " + e.name),
  "net-video": () => new Promise(ok => {
    const v = add("video", { onloadeddata: () => ok("réussi"), onerror: () => ok("échec"), src: there + "/video.mp4" });
    v.load();
  }),
  "net-icon": async () => { add("link", { rel: "icon", href: there + "/icone.svg" }, document.head); await wait(500); return "demandé"; },
  "net-manifest": async () => { add("link", { rel: "manifest", href: there + "/app.json" }, document.head); await wait(500); return "demandé"; },
  "net-websocket": () => socket("wss://" + setup.foreign + "/"),
  "net-plain-websocket": () => socket("ws://" + setup.foreign + "/"),
  "net-webrtc": () => rtc({ urls: `stun:${setup.foreign}:${setup.port}` }),
  "net-turn": () => rtc({ urls: `turn:${setup.foreign}:${setup.port}?transport=tcp`, username: "x", credential: "x" }),
  "net-transport": () => has(window.WebTransport, () => new WebTransport(`https://${setup.foreign}:${setup.port}/`).ready.then(() => "réussi", e => "échec : " + e.name)),
  "net-beacon": () => navigator.sendBeacon(there + "/", "essai") ? "accepté" : "refusé",
  "net-ping": () => { add("a", { href: "#essais", ping: there + "/", textContent: "ping" }).click(); return "envoyé"; },
  "net-prefetch": () => loads("link", { rel: "prefetch", href: there + "/" }),
  "net-preload": () => loads("link", { rel: "preload", as: "image", href: there + "/preload.svg" }),
  "net-preconnect": async () => { add("link", { rel: "preconnect", href: there }, document.head); await wait(500); return "demandé"; },
  "net-dns": async () => { add("link", { rel: "dns-prefetch", href: there }, document.head); await wait(500); return "demandé"; },
  "net-speculation": async () => {
    add("script", { type: "speculationrules", textContent: JSON.stringify({ prefetch: [{ urls: [there + "/"], eagerness: "immediate" }], prerender: [{ urls: [there + "/"], eagerness: "immediate" }] }) }, document.head);
    await wait(1000);
    return "demandé";
  },
  "net-eventsource": () => events(there + "/"),
  "net-worker": () => new Promise(ok => {
    const code = `try { importScripts("${there}/worker.js"); postMessage("réussi : chargé") } catch (e) { postMessage("échec : " + e.name) }`;
    const w = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    w.onmessage = e => { w.terminate(); ok(e.data); };
    w.onerror = () => ok("échec");
  }),
  "net-service": async () => {
    await navigator.serviceWorker.register("/service.js");
    const r = await navigator.serviceWorker.ready;
    const answer = new Promise(ok => navigator.serviceWorker.addEventListener("message", e => ok(e.data), { once: true }));
    r.active.postMessage(there + "/");
    return answer;
  },
  "net-report": async () => { const r = await loads("iframe", { title: "Rapport", src: "/evasions/rapport" }); await wait(500); return r; },
  "net-svg": async () => {
    const svg = place.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "svg"));
    const use = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "use"));
    use.setAttribute("href", there + "/dessin.svg#x");
    const image = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "image"));
    image.setAttribute("href", there + "/dessin.svg");
    await wait(500);
    return "demandé";
  },

  "agent-fetch": () => asks(agent + "/"),
  "agent-nocors": () => asks(agent + "/", { mode: "no-cors" }),
  "agent-post": () => asks(agent + "/", { mode: "no-cors", method: "POST", body: "essai" }),
  "agent-localhost": () => asks(`http://localhost:${agentPort}/`, { mode: "no-cors" }),
  "agent-zero": () => asks(`http://0.0.0.0:${agentPort}/`, { mode: "no-cors" }),
  "agent-image": () => loads("img", { alt: "", src: agent + "/image" }),
  "agent-script": () => loads("script", { src: agent + "/script" }),
  "agent-websocket": () => socket(agent.replace("http", "ws") + "/"),
  "agent-eventsource": () => events(agent + "/"),
  "agent-frame": () => loads("iframe", { title: "Borne", src: agent + "/" }),
  "agent-form": () => {
    add("iframe", { title: "Borne", name: "cadre-borne" });
    return posts(agent + "/", "post", "cadre-borne");
  },
  "agent-popup": () => opens(agent + "/"),
  "agent-navigate": () => { location.href = agent + "/"; return "parti"; },
  "agent-redirect": () => { location.href = "/evasions/borne?agent=" + encodeURIComponent(agent); return "parti"; },
  "agent-scan": async () => {
    const near = [...Array(20).keys()].map(i => Number(agentPort) - 10 + i);
    const open = [];
    await Promise.all(near.map(n => fetch(`http://127.0.0.1:${n}/`, { mode: "no-cors" }).then(() => open.push(n), () => {})));
    return open.length ? "réussi : " + open.join(", ") : "aucun";
  },

  "device-fullscreen": () => worked(document.documentElement.requestFullscreen()),
  "device-pip": () => has(window.documentPictureInPicture, () => worked(documentPictureInPicture.requestWindow())),
  "device-video-pip": async () => {
    const c = add("canvas", {});
    c.getContext("2d").fillRect(0, 0, 9, 9);
    const v = add("video", { muted: true, srcObject: c.captureStream(10) });
    await v.play();
    return worked(v.requestPictureInPicture());
  },
  "device-camera": () => worked(navigator.mediaDevices.getUserMedia({ video: true })),
  "device-microphone": () => worked(navigator.mediaDevices.getUserMedia({ audio: true })),
  "device-screen": () => worked(navigator.mediaDevices.getDisplayMedia()),
  "device-location": () => new Promise((ok, no) => navigator.geolocation.getCurrentPosition(() => ok("réussi"), no)),
  "device-notification": permission,
  "device-clipboard-read": () => worked(navigator.clipboard.readText()),
  "device-clipboard-write": () => worked(navigator.clipboard.writeText("essai")),
  "device-usb": () => has(navigator.usb, () => worked(navigator.usb.requestDevice({ filters: [] }))),
  "device-serial": () => has(navigator.serial, () => worked(navigator.serial.requestPort())),
  "device-hid": () => has(navigator.hid, async () => (await navigator.hid.requestDevice({ filters: [] })).length ? "réussi" : "liste vide"),
  "device-bluetooth": () => has(navigator.bluetooth, () => worked(navigator.bluetooth.requestDevice({ acceptAllDevices: true }))),
  "device-midi": () => has(navigator.requestMIDIAccess, () => worked(navigator.requestMIDIAccess({ sysex: true }))),
  "device-nfc": () => has(window.NDEFReader, () => worked(new NDEFReader().scan())),
  "device-fonts": () => has(window.queryLocalFonts, async () => "réussi : " + (await queryLocalFonts()).length),
  "device-screens": () => has(window.getScreenDetails, async () => "réussi : " + (await getScreenDetails()).screens.length),
  "device-idle": () => has(window.IdleDetector, async () => "droit : " + await IdleDetector.requestPermission()),
  "device-wake": () => has(navigator.wakeLock, () => worked(navigator.wakeLock.request("screen"))),
  "device-pointer": () => worked(document.body.requestPointerLock()),
  "device-keyboard": () => has(navigator.keyboard, () => worked(navigator.keyboard.lock())),
  "device-share": () => has(navigator.share, () => worked(navigator.share({ text: "essai" }))),
  "device-payment": () => has(window.PaymentRequest, () => worked(new PaymentRequest([{ supportedMethods: there + "/payer" }], { total: { label: "essai", amount: { currency: "EUR", value: "1" } } }).show())),
  "device-passkey": () => has(navigator.credentials, () => worked(navigator.credentials.create({ publicKey: {
    challenge: new Uint8Array(16), rp: { name: "essai" }, user: { id: new Uint8Array(8), name: "essai", displayName: "essai" },
    pubKeyCredParams: [{ type: "public-key", alg: -7 }], timeout: 2000,
  } }))),
  "device-password": () => has(window.PasswordCredential, () => worked(navigator.credentials.store(new PasswordCredential({ id: "essai", password: "essai" })))),
  "device-eyedropper": () => has(window.EyeDropper, () => worked(new EyeDropper().open())),
  "device-save": () => has(window.showSaveFilePicker, () => worked(showSaveFilePicker())),
  "device-directory": () => has(window.showDirectoryPicker, () => worked(showDirectoryPicker())),
  "device-persist": async () => await navigator.storage.persist() ? "réussi" : "refusé",
  "device-service": () => worked(navigator.serviceWorker.register("/service.js").then(() => undefined)),
  "device-push": async () => {
    await navigator.serviceWorker.register("/service.js");
    const r = await navigator.serviceWorker.ready;
    return worked(r.pushManager.subscribe({ userVisibleOnly: true }));
  },
  "device-speech": () => has(window.webkitSpeechRecognition, () => new Promise(ok => {
    const s = new webkitSpeechRecognition();
    s.onstart = () => { s.abort(); ok("réussi"); };
    s.onerror = e => ok("échec : " + e.error);
    s.start();
  })),
  "device-contacts": () => has(navigator.contacts, () => worked(navigator.contacts.select(["name"]))),
  "device-model": () => has(window.LanguageModel, async () => "état : " + await LanguageModel.availability()),

  "window-storm": () => {
    let n = 0;
    for (let i = 0; i < 20; i++) if (window.open("/documents", "storm" + i)) n++;
    return n ? `réussi : ${n} fenêtres` : "refusé";
  },
  "window-chain": () => opens("/evasions/chaine", "_blank", "width=300,height=200"),
  "window-alert": () => { let n = 0; while (n < 1000) { alert("Message " + ++n); } return n + " messages"; },
  "window-confirm": () => { let n = 0; while (n < 1000 && !confirm("Question " + ++n)) { /* ask again */ } return n + " questions"; },
  "window-prompt": () => { let n = 0; while (n < 1000 && !prompt("Saisie " + ++n)) { /* ask again */ } return n + " saisies"; },
  "window-beforeunload": () => {
    addEventListener("beforeunload", e => e.preventDefault());
    location.href = "/";
    return "retenue";
  },
  "window-print": async () => { for (let i = 0; i < 50; i++) { window.print(); await wait(20); } return "50 impressions demandées"; },
  "window-move": () => { moveTo(0, 0); resizeTo(3000, 3000); return `${outerWidth} × ${outerHeight}`; },
  "window-close": async () => { window.close(); await wait(500); return "encore là"; },
  "window-history": () => {
    for (let i = 0; i < 200; i++) history.pushState(null, "", "/evasions?" + i);
    addEventListener("popstate", () => history.pushState(null, "", "/evasions?retour"));
    return history.length + " pages";
  },
  "window-reload": () => { location.hash = "recharger"; location.reload(); return "parti"; },
  "window-download": async () => {
    for (let i = 0; i < 20; i++) {
      add("a", { href: URL.createObjectURL(new Blob(["essai " + i])), download: `essai-${i}.txt` }).click();
      await wait(20);
    }
    return "20 téléchargements demandés";
  },
  "window-cover": () => {
    const d = add("div", { textContent: "J’ai terminé" });
    d.style.cssText = "position: fixed; inset: 0 0 auto; z-index: 2147483647; padding: 2rem; background: #fff";
    d.popover = "manual";
    d.showPopover();
    return "dessinée";
  },
  "window-focus": () => { setInterval(() => { window.focus(); document.querySelector("button").focus(); }, 50); return "en cours"; },

  "hang-loop": () => { for (;;) { /* the renderer hangs */ } },
  "hang-memory": async () => {
    const kept = [];
    for (let i = 0; i < 64; i++) {
      kept.push(new Uint8Array(64 << 20).fill(i + 1)); // 4 GiB in all
      await wait(1);
    }
    window.kept = kept;
    return "réussi : 4 Gio";
  },
  "hang-page": () => {
    const f = document.createDocumentFragment();
    for (let i = 0; i < 1_000_000; i++) f.append(document.createElement("b"));
    place.append(f);
    return "réussi";
  },
  "hang-workers": () => {
    const url = URL.createObjectURL(new Blob(["for (;;) {}"], { type: "text/javascript" }));
    for (let i = 0; i < 100; i++) new Worker(url);
    return "en cours";
  },
  "hang-store": async () => {
    const c = await caches.open("plein");
    let n = 0;
    try {
      for (; n < 64; n++) await c.put("/plein/" + n, new Response(new Uint8Array(32 << 20).fill(n + 1)));
    } catch (e) {
      return `arrêté à ${n * 32} Mio : ${e.name}`;
    }
    return "réussi : 2 Gio";
  },
  "hang-console": () => { for (let i = 0; i < 100_000; i++) console.log("message", i); return "réussi"; },
  "hang-pattern": () => "résultat : " + /^(a+)+$/.test("a".repeat(40) + "!"),
  "hang-request": () => { location.href = "/panne/attente"; return "parti"; },
  "hang-requests": async () => { await Promise.all([...Array(2000).keys()].map(i => fetch("/style.css?" + i))); return "réussi"; },
  "hang-frames": () => { for (let i = 0; i < 200; i++) add("iframe", { title: "Cadre " + i, src: "/imprimer/feuille" }); return "réussi"; },

  "hook-print": () => { fresh().print.call(window); return "appelée"; },
  "hook-popup-print": () => {
    const w = window.open("about:blank");
    return has(w, () => { w.print.call(window); return "appelée"; });
  },
  "hook-delete": () => { delete window.print; delete Window.prototype.print; window.print(); return "appelée"; },
  "hook-command": () => "réponse : " + fresh().Document.prototype.execCommand.call(document, "print"),
  "hook-picker": () => has(fresh().showOpenFilePicker, () => worked(fresh().showOpenFilePicker.call(window))),
  "hook-pip": () => has(fresh().documentPictureInPicture, () => worked(fresh().documentPictureInPicture.requestWindow())),
  "hook-fullscreen": () => has(fresh().Element.prototype.requestFullscreen, () => worked(fresh().Element.prototype.requestFullscreen.call(document.documentElement))),
  "hook-video-pip": async () => {
    const c = add("canvas", {});
    c.getContext("2d").fillRect(0, 0, 9, 9);
    const v = add("video", { muted: true, srcObject: c.captureStream(10) });
    await v.play();
    return has(fresh().HTMLVideoElement.prototype.requestPictureInPicture, () => worked(fresh().HTMLVideoElement.prototype.requestPictureInPicture.call(v)));
  },
  "hook-names": () => "ajoutés : " + (added().join(", ") || "rien"),
  "hook-call": () => {
    const names = added().filter(n => typeof window[n] === "function");
    for (const n of names) for (const a of ["", "{}", "print", '{"type":"print"}', "x".repeat(1 << 20)]) {
      try { window[n](a); } catch { /* it may refuse */ }
    }
    return "appelés : " + (names.join(", ") || "rien");
  },
  "hook-overwrite": () => {
    const bad = () => { throw new Error("remplacée"); };
    for (const o of [Array.prototype, Object.prototype, Function.prototype, EventTarget.prototype, Node.prototype, Promise.prototype]) {
      for (const n of ["call", "apply", "toString", "dispatchEvent", "getAttribute", "forEach", "map"]) if (Object.hasOwn(o, n)) o[n] = bad;
    }
    JSON.stringify = JSON.parse = bad;
    return "remplacées";
  },
  "hook-choosers": () => {
    for (let i = 0; i < 50; i++) { const f = document.createElement("input"); f.type = "file"; f.click(); }
    return "50 demandes";
  },
  "hook-frame-chooser": () => {
    const d = fresh().document;
    const f = d.body.appendChild(Object.assign(d.createElement("input"), { type: "file" }));
    f.addEventListener("change", () => { say("hook-frame-chooser", "réussi : " + f.files.length + " fichier"); });
    f.click();
    return "demandé";
  },
};

// What window has here and not in a frame without scripts, apart from ours.
function added() {
  const clean = add("iframe", { title: "Cadre sans script", sandbox: "allow-same-origin" }).contentWindow;
  const ours = ["say", "added"];
  return Object.getOwnPropertyNames(window).filter(n => !(n in clean) && !/^\d+$/.test(n) && !ours.includes(n));
}

function say(id, text) {
  document.querySelector(`[data-result="${id}"]`).textContent = text;
}

for (const control of document.querySelectorAll("[data-escape]")) {
  const id = control.dataset.escape;
  control.addEventListener("click", async () => {
    const act = escapes[id];
    if (!act) {
      say(id, "parti"); // a link
      return;
    }
    if (id.startsWith("agent-") && !agent) {
      say(id, "il manque ?agent=");
      return;
    }
    say(id, "essai en cours");
    try {
      say(id, await Promise.race([act(), wait(4000).then(() => "sans réponse")]));
    } catch (e) {
      say(id, "refusé : " + (e.name || e.message));
    }
  });
}

if (location.hash === "#recharger") location.reload();
