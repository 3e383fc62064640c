// Looks for new letters, as webmails do.
"use strict";
const line = document.getElementById("nouveau");
const timer = setInterval(async () => {
  try {
    const r = await fetch("/boite/nombre");
    const n = Number(await r.text());
    if (n > Number(line.dataset.count)) {
      clearInterval(timer);
      location.reload();
    }
  } catch {
    line.textContent = "Pas de réseau. Touchez « Relever le courrier » plus tard.";
  }
}, 3000);
