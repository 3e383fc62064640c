// The page of traces: it keeps a word in every store that a page has, reads
// each one again, and says in #gardes what the store gave back.
"use strict";
const field = document.getElementById("texte");
const list = document.getElementById("gardes");

const asked = (request) => new Promise((done, failed) => {
  request.onsuccess = () => done(request.result);
  request.onerror = () => failed(request.error);
});

const stores = {
  "cookie": async (word) => {
    document.cookie = `trace=${word}; path=/; secure; max-age=86400`;
    return document.cookie;
  },
  "local-storage": async (word) => {
    localStorage.setItem("trace", word);
    return localStorage.getItem("trace");
  },
  "session-storage": async (word) => {
    sessionStorage.setItem("trace", word);
    return sessionStorage.getItem("trace");
  },
  "indexed-db": async (word) => {
    const open = indexedDB.open(word, 1);
    open.onupgradeneeded = () => open.result.createObjectStore("traces");
    const db = await asked(open);
    const store = (mode) => db.transaction("traces", mode).objectStore("traces");
    await asked(store("readwrite").put(word, "text"));
    await asked(store("readwrite").put(new Blob([word]), "blob"));
    return await asked(store("readonly").get("text")) + await (await asked(store("readonly").get("blob"))).text();
  },
  "cache-storage": async (word) => {
    const cache = await caches.open(word);
    await cache.put("/gardee/" + word, new Response(word));
    return (await cache.match("/gardee/" + word)).text();
  },
  "opfs": async (word) => {
    const root = await navigator.storage.getDirectory();
    const handle = await root.getFileHandle(word + ".txt", { create: true });
    const out = await handle.createWritable();
    await out.write(word);
    await out.close();
    return (await handle.getFile()).text();
  },
  "service-worker": async (word) => {
    await navigator.serviceWorker.register("/service.js?" + word, { scope: "/traces/" });
    const all = await navigator.serviceWorker.getRegistrations();
    return all.map((r) => (r.installing || r.waiting || r.active).scriptURL).join();
  },
  "http-cache": async (word) => {
    await fetch("/traces/copie?" + word);
    return (await fetch("/traces/copie?" + word, { cache: "only-if-cached", mode: "same-origin" })).text();
  },
  "history": async (word) => {
    history.pushState({ word }, "", "/traces?" + word);
    return location.href + history.state.word;
  },
  "title": async (word) => document.title = word,
  "name": async (word) => name = word,
  "text": async (word) => list.dataset.word = word,
  "clipboard": async (word) => {
    field.select();
    return document.execCommand("copy") ? word : "refused";
  },
  "worker": async (word) => {
    const code = `const word = ${JSON.stringify(word)}; postMessage(word); onmessage = () => postMessage(word)`;
    const worker = new Worker(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    return (await new Promise((done) => { worker.onmessage = done; })).data;
  },
};

async function keep() {
  const word = field.value;
  for (const [name, store] of Object.entries(stores)) {
    const line = document.createElement("li");
    line.dataset.store = name;
    try {
      line.textContent = await store(word);
    } catch (err) {
      line.textContent = err.name;
    }
    line.dataset.kept = line.textContent.includes(word) ? "yes" : "no";
    list.append(line);
  }
  document.getElementById("papier").href = "/traces/papier?" + word;
  document.getElementById("compte").dataset.kept = String(list.children.length);
}

document.querySelector('[data-traces="garder"]').addEventListener("click", keep);
document.querySelector('[data-traces="imprimer"]').addEventListener("click", () => print());
