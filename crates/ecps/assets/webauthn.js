'use strict';
// Passkeys of this browser. The server speaks JSON with base64url, the browser takes and gives bytes.
const passkeys = (() => {
  const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));

  function text(buffer) {
    let all = '';
    for (const byte of new Uint8Array(buffer)) {
      all += String.fromCharCode(byte);
    }
    return btoa(all).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  }

  // Makes a passkey by the options of the server, and gives it as the server reads it.
  async function create({ publicKey }) {
    const options = { ...publicKey, challenge: bytes(publicKey.challenge), user: { ...publicKey.user, id: bytes(publicKey.user.id) } };
    options.excludeCredentials = (publicKey.excludeCredentials || []).map((one) => ({ ...one, id: bytes(one.id) }));
    const made = await navigator.credentials.create({ publicKey: options });
    const { response } = made;
    return {
      id: made.id,
      rawId: text(made.rawId),
      type: made.type,
      response: {
        attestationObject: text(response.attestationObject),
        clientDataJSON: text(response.clientDataJSON),
        transports: response.getTransports ? response.getTransports() : [],
      },
      clientExtensionResults: made.getClientExtensionResults(),
    };
  }

  // Signs a challenge (bytes) by one passkey of this host, and gives the assertion as the server reads it.
  async function sign(challenge, rpId, credentialId) {
    const publicKey = { challenge, rpId, userVerification: 'required', allowCredentials: [{ type: 'public-key', id: bytes(credentialId) }] };
    const signed = await navigator.credentials.get({ publicKey });
    const { response } = signed;
    return {
      id: signed.id,
      rawId: text(signed.rawId),
      type: signed.type,
      response: {
        authenticatorData: text(response.authenticatorData),
        clientDataJSON: text(response.clientDataJSON),
        signature: text(response.signature),
        userHandle: response.userHandle ? text(response.userHandle) : null,
      },
      clientExtensionResults: {},
    };
  }

  return { exist: 'PublicKeyCredential' in window && 'credentials' in navigator, create, sign };
})();
