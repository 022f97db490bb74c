// A legal representative registers the software of an employer, which asks for a token as the page says, and ends it.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { CAMILLE, openPortal } from '../lib/people.mjs';

const journey = stage();
const SOFTWARE = '/portail/habilitations/EG:990000010/logiciels';

/** The answer to a call for a token, made as the page says. */
async function askToken(command, client, secret) {
  const address = command.match(/https?:\S+$/)[0];
  const authorization = `Basic ${Buffer.from(`${client}:${secret}`).toString('base64')}`;
  return fetch(address, { method: 'POST', headers: { authorization }, body: new URLSearchParams({ grant_type: 'client_credentials' }) });
}

/** Identifier, secret and command of the page that tells them. */
async function told(computer) {
  const value = async (label) => (await computer.page.locator(`dt:text-is("${label}") + dd`).textContent()).trim();
  return { client: await value('Identifiant'), secret: await value('Secret'), command: (await computer.page.locator('pre').textContent()).trim() };
}

journey('a software is registered, gets a token, and its secret is renewed and revoked', async ({ visitor, demo }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  await openPortal(computer, phone, CAMILLE, '/portail/habilitations/EG:990000010', '990000010 - HOPITAL DE DEMONSTRATION');
  await computer.follow('Gérer les logiciels');
  await computer.at('Logiciels');
  computer.provoke(/\/logiciels: 422$/);
  await computer.press('Enregistrer le logiciel');
  await computer.page.getByRole('alert').waitFor();
  await computer.examine();
  await computer.page.locator('#nom').fill('SIRH du matin');
  await computer.page.locator('#gestionnaire').selectOption({ label: 'LOUISE ESSAI' });
  await computer.press('Enregistrer le logiciel');
  await computer.at('Logiciel enregistré');
  const first = await told(computer);
  assert.equal((await askToken(first.command, first.client, first.secret)).status, 200);
  const description = await computer.page.getByRole('link', { name: 'openapi.json' }).getAttribute('href');
  assert.equal((await (await fetch(description)).json()).openapi, '3.1.0');

  // The page is gone, and the secret with it; the form sent again registers nothing.
  await computer.follow('J’ai copié le secret');
  await computer.at('Logiciels');
  assert.ok(!(await computer.page.content()).includes(first.secret));
  const line = computer.page.getByRole('row', { name: /SIRH du matin/ });
  await line.getByText('Actif').waitFor();

  await line.getByRole('link', { name: /^Renouveler le secret/ }).click();
  await computer.at('Renouveler le secret d’un logiciel');
  await computer.press('Renouveler le secret');
  await computer.at('Nouveau secret');
  const second = await told(computer);
  assert.equal(second.client, first.client);
  assert.equal((await askToken(first.command, first.client, first.secret)).status, 401);
  const { access_token: token } = await (await askToken(second.command, second.client, second.secret)).json();
  const asked = () => fetch(`${demo.base}/portail/api/v1/demandes`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal((await asked()).status, 200);

  await computer.page.goto(SOFTWARE);
  await line.getByRole('link', { name: /^Révoquer/ }).click();
  await computer.at('Révoquer un logiciel');
  await computer.press('Révoquer le logiciel');
  await computer.at('Logiciels');
  await computer.page.getByRole('status').getByText('Le logiciel est révoqué.').waitFor();
  await line.getByText('Révoqué').waitFor();
  assert.equal((await asked()).status, 401, 'a token of a software that was revoked');
});
