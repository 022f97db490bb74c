// « Ce n’est pas moi »: an alert freezes the phones of a person, until support settled it.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { answer, askPhone, LOUISE, MARC, openPortal } from '../lib/people.mjs';

const journey = stage();

journey('after an alert nobody logs in with a phone that was active, until support lifts it', async ({ visitor }) => {
  const [person, phone] = [await visitor(), await visitor()];
  await openPortal(person, phone, LOUISE, '/portail/pro', 'Mon dossier');
  await person.follow('Changer mes coordonnées');
  await person.press('Modifier');
  await person.page.waitForURL(/\/demandes\/P\d{14}/);
  const number = person.page.url().match(/P\d{14}/)[0];
  await person.page.goto('/portail/pro/pas-moi');
  await person.at('Ce n’est pas moi');
  await person.examine();
  await person.page.getByRole('row', { name: new RegExp(number) }).getByRole('link', { name: /^Ce n’est pas moi/ }).click();
  await person.page.getByText('vos e-CPS ne permettent plus de se connecter').waitFor();
  await person.examine();
  await person.press('Ce n’est pas moi');
  await person.page.getByRole('status').getByText('Votre alerte est transmise au support.').waitFor();

  const stranger = await visitor();
  await stranger.page.goto('/portail/pro');
  const said = await answer(phone, LOUISE, await askPhone(stranger, LOUISE));
  assert.match(said, /Vos e-CPS sont gelées/);
  await stranger.at('Confirmez sur votre téléphone');

  const support = await visitor();
  await openPortal(support, phone, MARC, '/portail/console/support', 'Support');
  await support.page.getByRole('cell', { name: number, exact: true }).waitFor();
  await support.page.locator('#acces').fill('Alerte de la personne, rappelée');
  await support.page.locator('#rpps').fill(LOUISE.id.slice(1));
  await support.press('Ouvrir');
  await support.at(`Fiche ${LOUISE.id.slice(1)}`);
  await support.page.getByText('alerte de fraude').waitFor();
  await support.page.getByLabel(/^Motif/).last().fill('Identité vérifiée avec la personne par téléphone.');
  await support.press('Lever la suspension');
  await support.page.getByText('La suspension est levée.').waitFor();
  await stranger.page.goto('/portail/pro');
  await answer(phone, LOUISE, await askPhone(stranger, LOUISE));
  await stranger.at('Mon dossier');
});
