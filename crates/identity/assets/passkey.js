'use strict';
// The page of a login: the button of passkeys, and the proposal of the browser in the field of the identifier. Without this script the page
// has all else.
(() => {
  const section = document.getElementById('cle-acces');
  if (section === null || !('PublicKeyCredential' in window)) {
    return;
  }
  const form = section.querySelector('form');
  const button = section.querySelector('button');
  const said = section.querySelector('[role=status]');
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

  function text(buffer) {
    let all = '';
    for (const byte of new Uint8Array(buffer)) {
      all += String.fromCharCode(byte);
    }
    return btoa(all).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  }

  // Sends an assertion as a form, so that the browser follows what comes as it follows any login.
  function send({ id, rawId, type, response }) {
    form.elements.assertion.value = JSON.stringify({
      id,
      rawId: text(rawId),
      type,
      response: {
        authenticatorData: text(response.authenticatorData),
        clientDataJSON: text(response.clientDataJSON),
        signature: text(response.signature),
        userHandle: response.userHandle ? text(response.userHandle) : null,
      },
      clientExtensionResults: {},
    });
    button.disabled = true;
    form.submit();
  }

  const asked = (more) => navigator.credentials.get({
    publicKey: { challenge: bytes(section.dataset.challenge), rpId: section.dataset.rpId, userVerification: 'required' },
    ...more,
  });

  let proposal = null;

  async function propose() {
    if (!PublicKeyCredential.isConditionalMediationAvailable || !(await PublicKeyCredential.isConditionalMediationAvailable())) {
      return;
    }
    proposal = new AbortController();
    try {
      send(await asked({ mediation: 'conditional', signal: proposal.signal }));
    } catch {
      // The person chose something else.
    }
  }

  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (proposal !== null) {
      proposal.abort();
    }
    said.textContent = 'Suivez les indications du navigateur.';
    try {
      send(await asked({}));
    } catch {
      said.textContent = 'Aucune clé d’accès n’a été utilisée. Réessayez, ou choisissez un autre moyen.';
    }
  });
  section.hidden = false;
  // After a problem the person chooses: what was just refused is not proposed again.
  if (document.getElementById('probleme') === null) {
    propose().catch(() => {});
  }
})();
