// The forms that are not plain HTML, written in the ways portals have them.
"use strict";

function answer(form, receipts) {
  const out = document.querySelector(`[data-result="${form}"]`);
  const refused = receipts.find(r => !r.accepted);
  const last = refused || receipts[receipts.length - 1];
  out.dataset.accepted = refused ? "no" : "yes";
  out.dataset.sha256 = refused ? "" : receipts.map(r => r.sha256).join(" ");
  out.dataset.bytes = refused ? "" : receipts.map(r => r.bytes).join(" ");
  out.dataset.type = refused ? "" : receipts.map(r => r.type).join(" ");
  out.textContent = receipts.length > 1 && !refused ? receipts.map(r => r.sentence).join(" ") : last.sentence;
}

async function send(form, files) {
  if (!files.length) return;
  const out = document.querySelector(`[data-result="${form}"]`);
  delete out.dataset.accepted;
  out.textContent = "Envoi en cours…";
  const body = new FormData();
  for (const f of files) body.append("fichier", f, f.name);
  try {
    const r = await fetch("/envoi/" + form, { method: "POST", body, headers: { Accept: "application/json" } });
    answer(form, await r.json());
  } catch {
    answer(form, [{ accepted: false, sentence: "L’envoi n’a pas marché." }]);
  }
}

function watch(input, form) {
  input.addEventListener("change", () => send(form, [...input.files]));
  input.addEventListener("cancel", () => {
    document.querySelector(`[data-result="${form}"]`).textContent = "Aucun fichier choisi.";
  });
}

function newInput(form) {
  const input = document.createElement("input");
  input.type = "file";
  watch(input, form);
  return input;
}

const actions = {
  // A hidden input, made and touched by the script.
  hidden() {
    const input = newInput("hidden");
    input.style.display = "none";
    document.body.append(input);
    input.click();
  },
  // After a wait, as when the portal first asks its server.
  delayed() {
    setTimeout(() => {
      const input = newInput("delayed");
      input.accept = "application/pdf";
      input.click();
    }, 400);
  },
  picker() {
    const input = newInput("picker");
    input.className = "cache";
    input.tabIndex = -1;
    input.setAttribute("aria-hidden", "true");
    document.body.append(input);
    input.showPicker();
  },
  // Never in the page, and nobody keeps it.
  detached() { newInput("detached").click(); },
  // The newer way where there is one, else an input.
  async fsaccess() {
    if (!window.showOpenFilePicker) {
      newInput("fsaccess").click();
      return;
    }
    try {
      const handles = await showOpenFilePicker({ types: [{ accept: { "application/pdf": [".pdf"] } }] });
      send("fsaccess", await Promise.all(handles.map(h => h.getFile())));
    } catch (e) {
      // Frames of other sites may not; a visitor who closed the picker may.
      if (e.name === "SecurityError") newInput("fsaccess").click();
      else document.querySelector('[data-result="fsaccess"]').textContent = "Aucun fichier choisi.";
    }
  },
};

for (const [form, act] of Object.entries(actions)) {
  document.querySelector(`button[data-trigger="${form}"]`)?.addEventListener("click", act);
}

const host = document.getElementById("hote-shadow");
if (host) {
  const root = host.attachShadow({ mode: "closed" });
  const label = document.createElement("label");
  const limit = document.createElement("p");
  const input = newInput("shadow");
  limit.textContent = host.dataset.limit;
  input.accept = ".pdf,.jpg,.jpeg";
  input.style.cssText = "display: block; width: 100%; min-height: 2.75rem; font: inherit";
  label.append("Votre RIB", input);
  root.append(label, limit);
}

const folder = document.querySelector('input[data-trigger="folder"]');
if (folder) watch(folder, "folder");

for (const input of document.querySelectorAll("input[data-names]")) {
  input.addEventListener("change", () => {
    document.querySelector(`[data-chosen="${input.dataset.names}"]`).textContent = [...input.files].map(f => f.name).join(", ");
  });
}

const zone = document.querySelector('[data-trigger="drop"]');
if (zone) {
  const over = on => e => { e.preventDefault(); zone.classList.toggle("dessus", on); };
  zone.addEventListener("dragenter", over(true));
  zone.addEventListener("dragover", over(true));
  zone.addEventListener("dragleave", over(false));
  zone.addEventListener("drop", e => { over(false)(e); send("drop", [...e.dataTransfer.files]); });
}

// Checked before it is sent, as soon as it is chosen.
const checked = document.querySelector("form[data-checked]");
if (checked) {
  const input = checked.querySelector("input[type=file]");
  const refuse = sentence => {
    input.value = "";
    answer("checked", [{ accepted: false, sentence }]);
  };
  input.addEventListener("change", () => {
    const f = input.files[0];
    if (!f) return;
    if (f.size > Number(checked.dataset.checked)) refuse("Le fichier est trop volumineux.");
    else if (!["application/pdf", "image/jpeg"].includes(f.type)) refuse("Format non accepté.");
  });
  checked.addEventListener("submit", e => {
    e.preventDefault();
    send("checked", [...input.files]);
  });
}
