// Everything without script: plain forms, and the phone that the demonstration simulates.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { answer, askPhone, CAMILLE, logIn, LOUISE, openOwnPage, openSimulator } from '../lib/people.mjs';

const journey = stage();
const PLAIN = { javaScriptEnabled: false };

journey('a login, a refusal and a logout without script', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(PLAIN), await visitor(PLAIN), await application()];
  await party.begin(computer);
  await logIn(computer, phone, CAMILLE);
  const tokens = await party.tokens();
  assert.equal(tokens.claims().SubjectNameID, CAMILLE.id);
  await computer.page.goto(party.logoutAddress());
  await computer.at('Se déconnecter ?');
  await computer.press('Me déconnecter');
  await computer.at('Au revoir');
  assert.equal(await party.isActive(tokens.access_token), false);

  await party.begin(computer);
  await askPhone(computer, CAMILLE);
  await answer(phone, CAMILLE, 'Refuser');
  await computer.at('Connexion refusée');
  await computer.press(`Retour à « ${party.record.client_name} »`);
  assert.equal((await party.refusal()).error, 'access_denied');
});

journey('devices and history without script: rename, suspend, resume, revoke, activate again', async ({ visitor }) => {
  const [computer, phone] = [await visitor(PLAIN), await visitor(PLAIN)];
  await phone.page.goto('/e-cps/simulateur');
  await phone.at('Simulateur de téléphone');
  await phone.follow(LOUISE.name);
  await phone.at(`Téléphone simulé de ${LOUISE.name}`);
  await openOwnPage(computer, phone, LOUISE, 'Mes appareils', 'Mes appareils');
  const state = (name) => computer.page.getByRole('heading', { level: 2, name, exact: true }).first().waitFor();
  await computer.type('Nom de l’appareil', 'Poche');
  await computer.press('Renommer');
  await state('Poche actif');
  await computer.press('Suspendre');
  await state('Poche suspendu');
  await computer.press('Réactiver');
  await state('Poche actif');
  await computer.follow('Historique');
  await computer.at('Historique');
  await computer.page.getByText(/Approuvée, le .*Téléphone simulé|Approuvée, le .*Poche/).first().waitFor();
  await computer.follow('Mes appareils');
  await computer.press('Révoquer');
  // The session was opened with this phone, and ends with it.
  await computer.at('Connexion');
  await openSimulator(phone, LOUISE);
  await phone.press('Activer ce téléphone');
  await phone.page.getByText('Aucune demande n’attend.').waitFor();
  await answer(phone, LOUISE, await askPhone(computer, LOUISE));
  await computer.at('Mes appareils');
  await state('Poche révoqué');
});

journey('the application for phones says that it needs script', async ({ visitor }) => {
  const phone = await visitor(PLAIN);
  await phone.page.goto('/e-cps/app/');
  await phone.page.locator('noscript p', { hasText: 'L’application a besoin de JavaScript' }).waitFor();
  await phone.examine();
});
