// Passkeys: asks the server what to ask the authenticator, and sends what it
// answers with the form.
'use strict';
(() => {
  const bytes = text => {
    const raw = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
    return Uint8Array.from(raw, c => c.charCodeAt(0));
  };
  const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
  const known = list => (list ?? []).map(c => ({ ...c, id: bytes(c.id) }));

  // Written out, for browsers without parseCreationOptionsFromJSON and toJSON.
  const options = o => {
    o = o.publicKey ?? o;
    const out = { ...o, challenge: bytes(o.challenge) };
    if (o.user) out.user = { ...o.user, id: bytes(o.user.id) };
    if (o.allowCredentials) out.allowCredentials = known(o.allowCredentials);
    if (o.excludeCredentials) out.excludeCredentials = known(o.excludeCredentials);
    return out;
  };
  const answer = c => {
    const response = { clientDataJSON: text(c.response.clientDataJSON) };
    for (const name of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
      if (c.response[name]) response[name] = text(c.response[name]);
    }
    if (c.response.getTransports) response.transports = c.response.getTransports();
    return {
      id: c.id, rawId: text(c.rawId), type: c.type, response,
      authenticatorAttachment: c.authenticatorAttachment ?? undefined,
      clientExtensionResults: c.getClientExtensionResults(),
    };
  };

  for (const form of document.querySelectorAll('form[data-passkey]')) {
    const alert = form.querySelector('[role="alert"]');
    const say = what => { alert.textContent = what; alert.hidden = !what; };
    const run = async () => {
      const asked = new URLSearchParams({ csrf: form.elements.csrf.value, page: form.elements.page.value });
      const r = await fetch(form.dataset.begin, { method: 'POST', body: asked });
      // A fresh proof is wanted first.
      if (r.redirected) { location.assign(r.url); return; }
      if (r.status === 429 || r.status === 401 || r.status === 404) { location.reload(); return; }
      if (!r.ok) throw new Error(String(r.status));
      const publicKey = options(await r.json());
      const c = await (form.dataset.passkey === 'create' ? navigator.credentials.create({ publicKey }) : navigator.credentials.get({ publicKey }));
      form.elements.answer.value = JSON.stringify(answer(c));
      form.submit();
    };
    form.addEventListener('submit', event => {
      event.preventDefault();
      say('');
      if (!window.PublicKeyCredential) { say(form.dataset.cannot); return; }
      if (form.dataset.runs) return;
      form.dataset.runs = '1';
      run().catch(() => say(form.dataset.no)).finally(() => { delete form.dataset.runs; });
    });
  }
})();
