// Passkeys: the place of their journeys. `addAuthenticator` gives a visitor the device that keeps them.

import assert from 'node:assert/strict';
import { addAuthenticator } from '../lib/authenticator.mjs';
import { stage } from '../lib/stage.mjs';

const journey = stage();

journey('the host of the demonstration can have passkeys', async ({ demo, visitor }) => {
  const person = await visitor();
  const authenticator = await addAuthenticator(person);
  await person.page.goto('/e-cps/');
  const id = await person.page.evaluate(async (host) => {
    const made = await navigator.credentials.create({ publicKey: {
      rp: { id: host, name: 'Essai' }, user: { id: new Uint8Array(16), name: 'essai', displayName: 'Essai' },
      challenge: crypto.getRandomValues(new Uint8Array(32)), pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    } });
    return made.id;
  }, new URL(demo.base).hostname);
  const kept = await authenticator.credentials();
  assert.deepEqual(kept.map((one) => [Buffer.from(one.credentialId, 'base64').toString('base64url'), one.rpId]), [[id, 'localhost']]);
  await authenticator.remove();
});
