// Cards: a browser with a certificate of a test authority.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { command } from '../lib/demo.mjs';
import { stage } from '../lib/stage.mjs';
import { askPhone, CAMILLE } from '../lib/people.mjs';
import { answerOffer, approve, choosePin } from '../lib/phone.mjs';

// The authority of `annuaire pki` also makes cards that must be refused; that of a demonstration does not.
const PKI = 'pki';
const journey = stage({
  // Two of its authorities have no list that counts.
  told: [/^no revocation list of TEST /, /^the revocation list of TEST .* ended at /],
  identity: async ({ dir, tlsPort, cardHost }) => {
    const at = (file) => join(dir, PKI, file);
    await command('pki', '--to', at(''), '--bad', '--card', `${CAMILLE.id}:EXEMPLE:CAMILLE:CPS`);
    return {
      tls_listen: `127.0.0.1:${tlsPort}`, tls_certificate: at('server.pem'), tls_key: at('server.pem'), card_host: cardHost,
      certificate_roots: at('persons-roots.pem'), person_authorities: at('persons-authorities.pem'), revocation_lists: at('persons-lists'),
      cards: 'test',
    };
  },
});

/** A profile in which this card is in the reader. */
function withCard(demo, file) {
  const path = join(demo.dir, PKI, file);
  // The test authority is trusted by nothing, as it has to be.
  return { ignoreHTTPSErrors: true, clientCertificates: [{ origin: demo.cardHost, certPath: path, keyPath: path }] };
}

journey('a good card logs in', async ({ demo, visitor, application }) => {
  const [computer, party] = [await visitor(withCard(demo, `cards/${CAMILLE.id}.pem`)), await application()];
  await party.begin(computer);
  await computer.at('Connexion');
  await computer.press('Se connecter avec ma carte CPS');
  await computer.at('Application');
  const tokens = await party.tokens();
  assert.deepEqual([tokens.claims().SubjectNameID, tokens.claims().authMode], [CAMILLE.id, 'CARD']);
  assert.deepEqual(tokens.claims().amr, ['sc', 'pin', 'mfa']);
});

journey('whoever has a card activates a phone without mail and SMS', async ({ demo, visitor, application }) => {
  const [computer, phone, party] = [await visitor(withCard(demo, `cards/${CAMILLE.id}.pem`)), await visitor(), await application()];
  await computer.page.goto('/e-cps/appareils');
  await computer.press('Se connecter avec ma carte CPS');
  await computer.at('Mes appareils');
  await computer.press('Activer un téléphone avec ma carte');
  await computer.at('Activer un téléphone');
  await phone.page.goto('/e-cps/app/');
  await phone.type('Code affiché par l’ordinateur', (await computer.page.locator('strong.code').textContent()).trim());
  await phone.press('Activer');
  await phone.at('Tapez ce code sur l’ordinateur');
  const shown = await phone.page.locator('#screen-code').textContent();
  // The page of the computer goes on by itself, and refuses other digits.
  computer.provoke(/\/code: 400$/);
  await computer.type('Code affiché par le téléphone', shown === '000000' ? '111111' : '000000');
  await computer.press('Valider');
  await computer.page.getByRole('alert').waitFor();
  await computer.examine();
  await computer.type('Code affiché par le téléphone', shown);
  await computer.press('Valider');
  await phone.at('Choisissez votre code PIN');
  await choosePin(phone, '592846');
  await answerOffer(phone, 'Plus tard');
  await computer.page.getByText('est activé. Vous pouvez fermer cette page.').waitFor();
  const elsewhere = await visitor();
  await party.begin(elsewhere);
  await approve(phone, await askPhone(elsewhere, CAMILLE), '592846');
  await elsewhere.at('Application');
  assert.equal((await party.tokens()).claims().authMode, 'MOBILE');
});

const refusals = new Set();
for (const card of ['revoked', 'expired', 'forged', 'production-category']) {
  journey(`a card that is refused (${card}) gets the one public message, and another means is offered`, async ({ demo, visitor, application }) => {
    const [computer, party] = [await visitor(withCard(demo, `bad/${card}.pem`)), await application()];
    await party.begin(computer);
    await computer.at('Connexion');
    computer.provoke(/\/auth\/carte\/.*: 403$/);
    await computer.press('Se connecter avec ma carte CPS');
    await computer.at('Carte refusée');
    const text = await computer.page.locator('main p').first().textContent();
    refusals.add(text);
    assert.equal(refusals.size, 1, 'one message for all reasons');
    await computer.follow('Choisir un autre moyen de connexion');
    await computer.at('Connexion');
  });
}

journey('no card in the reader is told as a refusal too', async ({ visitor, application }) => {
  const [computer, party] = [await visitor({ ignoreHTTPSErrors: true }), await application()];
  await party.begin(computer);
  await computer.at('Connexion');
  computer.provoke(/\/auth\/carte\/.*: 403$/);
  await computer.press('Se connecter avec ma carte CPS');
  await computer.at('Carte refusée');
});
