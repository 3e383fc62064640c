// The session ends when nothing is asked for a while. Other tabs make it
// longer too, so the server is asked before the visitor is warned.
"use strict";
const whole = Number(document.body.dataset.session);
const warnAt = Math.min(120, whole / 3);
const box = document.getElementById("fin-de-session");
const rest = document.getElementById("fin-reste");
let end = Date.now() + whole * 1000;

async function ask(method) {
  const r = await fetch("/session", { method });
  end = Date.now() + Number(await r.text()) * 1000;
}

async function tick() {
  let left = (end - Date.now()) / 1000;
  if (left <= warnAt) {
    try { await ask("GET"); } catch { /* no network: go by our own clock */ }
    left = (end - Date.now()) / 1000;
  }
  if (left <= 0) {
    location.href = "/connexion?expire";
    return;
  }
  box.hidden = left > warnAt;
  rest.textContent = left > 90 ? Math.round(left / 60) + " minutes" : Math.ceil(left) + (left > 1 ? " secondes" : " seconde");
  setTimeout(tick, Math.min(1000, Math.max(100, (left - warnAt) * 1000)));
}

document.getElementById("fin-prolonger").addEventListener("click", async () => {
  await ask("POST");
  box.hidden = true;
});
tick();
