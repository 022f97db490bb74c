// Scenarios of registration.md §21 in which somebody leaves, or dies. The last one sets the clock of the demonstration forward.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { ALIX, DOMINIQUE, LOUISE, openPortal } from '../lib/people.mjs';
import { proveContact } from '../lib/citizens.mjs';
import {
  beginActivity, fillSituation, instructAndSign, managers, messagesTo, numberOf, open, openSheet, publicSituations, register, valid,
} from '../lib/registering.mjs';

const HOSPITAL = '990000010';
const FOYER = '990000028';

const journey = stage();
const { asManager } = managers();

/** Today in Paris, as forms want it. */
function today() {
  return new Intl.DateTimeFormat('fr-FR', { timeZone: 'Europe/Paris', day: '2-digit', month: '2-digit', year: 'numeric' }).format(new Date());
}

journey('acceptance_a22: a death ends everything and rejects what is open, without a word to the person', async ({ visitor, demo }) => {
  const manager = await asManager(visitor, LOUISE);
  const mail = 'feue.prudence@personne.example';
  const { rpps } = await register(manager, HOSPITAL, { family: 'Feue', given: 'Prudence', birth: '19/08/1961', mail, mobile: '0639980151' });
  await until('N10', async () => (await messagesTo(manager, mail, rpps)).length === 1);
  await until('the directory', async () => (await publicSituations(demo, rpps)) === 1);
  const before = (await messagesTo(manager, mail, '')).length;
  const colleague = await asManager(visitor, ALIX);
  await beginActivity(colleague, rpps, FOYER);
  const draft = colleague.page.url();
  await openSheet(manager, rpps);
  await manager.press('Fermer la situation');
  await manager.page.waitForURL(/\/demandes\/P\d{14}/);
  const section = await open(manager, 'situation');
  await section.locator('#motif').selectOption('DCD');
  await section.locator('#dateFin').fill(today());
  await section.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(manager, 'situation');
  await manager.page.locator('button[value="soumettre"]').click();
  await manager.at('Vérifier et valider');
  await manager.page.locator('#legal').check();
  await manager.page.locator('#faceAFace').check();
  await manager.press('Valider');
  await until('the end of what was open', async () => {
    await colleague.page.goto(draft);
    return colleague.page.getByText('Rejetée').first().isVisible();
  });
  await until('nothing in the directory', async () => (await publicSituations(demo, rpps)) === 0);
  assert.equal((await messagesTo(manager, mail, '')).length, before, 'nothing new');
});

journey('acceptance_a21: a departure that nobody answers for fifteen days stands at its day', async ({ visitor }) => {
  // A manager adds an activity to somebody whom files describe.
  const manager = await asManager(visitor, LOUISE);
  const added = await beginActivity(manager, DOMINIQUE.id.slice(1), HOSPITAL);
  await fillSituation(manager, { profession: '314', role: 'GENR10' });
  await valid(manager, 'situation');
  await instructAndSign(manager, added);
  await manager.press('Valider');
  await numberOf(manager, added);
  const [person, phone] = [await visitor(), await visitor()];
  await openPortal(person, phone, DOMINIQUE, '/portail/pro', 'Mon dossier');
  // Nothing leaves before a contact is verified, and the page says where that is done.
  await person.page.goto('/portail/pro/situations');
  await person.at('Mes situations');
  await person.follow('confirmez vos coordonnées');
  await person.at('Mes coordonnées');
  await person.press('Modifier');
  await person.page.waitForURL(/\/demandes\/P\d{14}/);
  await person.page.locator('#email').fill('dominique.nouvelle@personne.example');
  await person.page.locator('#mobile').fill('0639980152');
  await person.press('Enregistrer mes coordonnées');
  await proveContact(person, visitor, 'dominique.nouvelle@personne.example', '+262639980152');
  await until('the verified contact', async () => {
    await person.page.goto('/portail/pro/situations');
    await person.at('Mes situations');
    return (await person.page.getByRole('link', { name: 'confirmez vos coordonnées' }).count()) === 0;
  });
  await person.page.getByRole('button', { name: 'J’ai quitté cette structure' }).first().click();
  await person.at('Fermer la situation');
  const number = person.page.url().match(/P\d{14}/)[0];
  const section = await open(person, 'situation');
  assert.equal(await section.locator('#motif option[value="DCD"]').count(), 0, 'nobody states their own death');
  await section.locator('#motif').selectOption('CHL');
  await section.locator('#dateFin').fill(today());
  await section.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(person, 'situation');
  await person.press('Envoyer ma demande');
  await person.page.getByText(number).first().waitFor();
  await person.page.goto('/portail/demonstration');
  await person.press('+ 15 jours');
  await until('the end of the situation', async () => {
    await person.page.goto('/portail/pro/situations');
    return person.page.getByText('Terminée').first().isVisible();
  });
  const line = person.page.getByRole('row').filter({ hasText: 'Terminée' });
  assert.ok((await line.first().textContent()).includes(today()), 'at the day that was declared');
});
