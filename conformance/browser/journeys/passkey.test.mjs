// Passkeys: made by the application of a phone, used to approve there and to log in on a computer, added on a computer, and removed.

import assert from 'node:assert/strict';
import { addAuthenticator } from '../lib/authenticator.mjs';
import { until } from '../lib/browser.mjs';
import { stage } from '../lib/stage.mjs';
import { askPhone, CAMILLE, LOUISE, openOwnPage } from '../lib/people.mjs';
import { activatePhone, approve } from '../lib/phone.mjs';

const journey = stage();
const PIN = '592846';

journey('a passkey is made at the activation, and approves a login in place of the PIN', async ({ demo, visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  const authenticator = await addAuthenticator(phone);
  await activatePhone(computer, phone, CAMILLE, { pin: PIN, name: 'Téléphone de Camille', offer: 'Créer une clé d’accès' });
  const kept = await authenticator.credentials();
  assert.deepEqual(kept.map((one) => [one.rpId, one.isResidentCredential]), [[new URL(demo.base).hostname, true]]);

  await party.begin(computer);
  const number = await askPhone(computer, CAMILLE);
  await phone.at('Est-ce bien vous ?');
  await phone.page.getByRole('radio', { name: number, exact: true }).check();
  await phone.press('Approuver avec ma clé d’accès');
  await phone.page.getByText('Demande approuvée').waitFor();
  await computer.at('Application');
  const claims = (await party.tokens()).claims();
  assert.equal(claims.SubjectNameID, CAMILLE.id);
  assert.equal(claims.authMode, 'MOBILE');
  assert.ok(claims.amr.includes('user') && !claims.amr.includes('pin'), `${claims.amr}`);

  // The PIN is still good.
  await party.begin(computer, { prompt: 'login' });
  await approve(phone, await askPhone(computer, CAMILLE), PIN);
  await computer.at('Application');
  const again = (await party.tokens()).claims();
  assert.ok(again.amr.includes('pin'), `${again.amr}`);

  // Removed, it approves nothing more.
  phone.page.once('dialog', (dialog) => dialog.accept());
  await phone.press('Retirer la clé d’accès');
  await phone.page.getByText('La clé d’accès est retirée.').waitFor();
  await party.begin(computer, { prompt: 'login' });
  const third = await askPhone(computer, CAMILLE);
  await phone.at('Est-ce bien vous ?');
  assert.equal(await phone.page.getByRole('button', { name: 'Approuver avec ma clé d’accès' }).isVisible(), false);
  await approve(phone, third, PIN);
});

journey('a passkey of the computer is added by its holder, and logs in without the phone', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  const authenticator = await addAuthenticator(computer);
  await openOwnPage(computer, phone, LOUISE, 'Mes appareils', 'Mes appareils');
  await computer.press('Ajouter une clé d’accès');
  await computer.page.getByRole('button', { name: 'Retirer la clé d’accès' }).waitFor();
  await computer.examine();
  assert.equal((await authenticator.credentials()).length, 1);

  // The session answers; a new login asks.
  await authenticator.setPresent(false);
  await party.begin(computer, { prompt: 'login' });
  await touchPasskey(computer, authenticator);
  await computer.at('Application');
  const claims = (await party.tokens()).claims();
  assert.deepEqual([claims.SubjectNameID, claims.authMode, claims.acr], [LOUISE.id, 'WEBAUTHN', 'eidas1']);

  // Whoever does not prove who they are at the device is not logged in, and the page goes on.
  await authenticator.setVerified(false);
  await party.begin(computer, { prompt: 'login' });
  await touchPasskey(computer, authenticator);
  await computer.page.getByText('Aucune clé d’accès n’a été utilisée.').waitFor();
  await computer.examine();
  await authenticator.setVerified(true);
  await authenticator.setPresent(false);
  await touchPasskey(computer, authenticator);
  await computer.at('Application');
  const tokens = await party.tokens();
  assert.equal(await party.isActive(tokens.access_token), true);

  // Without it the session ends, and its tokens.
  await computer.page.goto('/e-cps/appareils');
  await computer.at('Mes appareils');
  await computer.press('Retirer la clé d’accès');
  await until('the end of the tokens', async () => !(await party.isActive(tokens.access_token)));
});

journey('a passkey of somebody else, or of no phone, logs nobody in', async ({ visitor, application }) => {
  const [computer, party] = [await visitor(), await application()];
  const authenticator = await addAuthenticator(computer);
  await computer.page.goto('/e-cps/');
  await computer.page.evaluate(async () => {
    await navigator.credentials.create({ publicKey: {
      rp: { name: 'Essai' }, user: { id: new Uint8Array(16), name: 'essai', displayName: 'Essai' },
      challenge: crypto.getRandomValues(new Uint8Array(32)), pubKeyCredParams: [{ type: 'public-key', alg: -7 }],
      authenticatorSelection: { residentKey: 'required', userVerification: 'required' },
    } });
  });
  assert.equal((await authenticator.credentials()).length, 1);
  await authenticator.setPresent(false);
  computer.provoke(/\/auth\/connexion\/.*: 4\d\d$/);
  await party.begin(computer);
  await touchPasskey(computer, authenticator);
  await computer.page.getByRole('alert').waitFor();
  await computer.examine();
});

/** Presses the button of passkeys on the page of a login, at a device that is touched. */
async function touchPasskey(computer, authenticator) {
  await computer.at('Connexion');
  // The page has asked before: its proposal waits for a touch, and goes on waiting when the button takes its place.
  await computer.page.evaluate(() => PublicKeyCredential.isConditionalMediationAvailable());
  await authenticator.setPresent(true);
  await computer.press('Utiliser une clé d’accès');
}
