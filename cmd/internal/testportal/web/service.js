// The service worker of the page of escapes.
"use strict";
addEventListener("install", () => skipWaiting());
addEventListener("activate", e => e.waitUntil(clients.claim()));
addEventListener("message", e => {
  if (typeof e.data !== "string") return;
  e.waitUntil(fetch(e.data, { mode: "no-cors" }).then(() => "demandé", x => x.name)
    .then(said => e.source.postMessage(said)));
});
