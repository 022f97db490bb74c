// Professionals in the portal: pre-registration with FranceConnect, own file, contact, activities. Scenarios of registration.md §21.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { asCitizen, code } from '../lib/citizens.mjs';
import { CAMILLE, DOMINIQUE, openPortal } from '../lib/people.mjs';

const journey = stage();

journey('acceptance_a14: somebody starts alone with FranceConnect, and the structure receives the request', async ({ visitor }) => {
  const person = await visitor();
  await asCitizen(person, 'Angèle EXEMPLAIRE');
  await person.at('Demander mon enregistrement');
  await person.press('Commencer ma demande');
  await person.at('Nouvelle demande');
  // What FranceConnect told cannot be changed.
  assert.equal(await person.page.locator('#nomFamille').getAttribute('readonly'), '');
  assert.equal(await person.page.locator('#nomFamille').inputValue(), 'EXEMPLAIRE');
  await person.page.getByText('Ces informations proviennent de FranceConnect.', { exact: false }).waitFor();
  await person.page.locator('#section-civil').getByLabel('Madame', { exact: true }).check();
  await person.page.locator('#section-civil').getByRole('button', { name: 'Valider', exact: true }).click();
  await person.page.locator('#section-civil .mark').getByText('Complète').waitFor();
  await person.page.locator('#email').fill('angele@personne.example');
  await person.page.locator('#mobile').fill('0639980140');
  await person.page.locator('#section-contact').getByRole('button', { name: 'Valider', exact: true }).click();
  await person.page.locator('#section-contact .mark').getByText('Complète').waitFor();
  await person.page.locator('#q-finess').fill('990000010');
  await person.page.getByRole('button', { name: 'Rechercher', exact: true }).click();
  await person.page.getByText('Cette structure a un gestionnaire RPPS+').waitFor();
  await person.examine();
  await person.page.getByLabel(/^990000010 - /).check();
  await person.page.locator('#profession').selectOption('313');
  await person.page.locator('input[name="role"]').first().check();
  await person.page.locator('#dateDebut').fill('02/11/2026');
  // One press checks the last section too: the button says that it is early, and can be pressed.
  await person.page.getByRole('button', { name: 'Envoyer ma demande', exact: true, disabled: true }).click({ force: true });
  await person.at('Vérifier mes coordonnées');
  await person.press('Recevoir les codes');
  await person.page.getByText('Les codes sont envoyés.').waitFor();
  const [mail, mobile] = [await code(visitor, 'angele@personne.example'), await code(visitor, '+262639980140')];
  person.provoke(/\/codes: 422$/);
  await person.page.locator('#codeMail').fill('000000');
  await person.page.locator('#codeMobile').fill(mobile);
  await person.press('Vérifier et envoyer');
  await person.page.getByRole('alert').waitFor();
  await person.page.locator('#codeMail').fill(mail);
  await person.page.locator('#codeMobile').fill(mobile);
  await person.press('Vérifier et envoyer');
  await person.at('Confirmation de l’envoi de votre demande d’inscription');
  await person.page.goto('/portail/pro/inscription');
  await person.at('Suivre ma demande');
  await person.page.getByText('doit traiter votre demande', { exact: false }).waitFor();
});

journey('acceptance_a20: a new address counts once its code is entered', async ({ visitor }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  await openPortal(computer, phone, CAMILLE, '/portail/pro', 'Mon dossier');
  const own = async () => {
    await computer.page.goto('/portail/pro/coordonnees');
    await computer.at('Mes coordonnées');
    return computer.page.locator('dt:text-is("Adresse email") + dd').textContent();
  };
  const before = await own();
  await computer.press('Modifier');
  await computer.page.waitForURL(/\/demandes\/P\d{14}/);
  await computer.page.locator('#email').fill('camille.nouvelle@personne.example');
  await computer.page.locator('#mobile').fill('0639980141');
  await computer.press('Enregistrer mes coordonnées');
  await computer.at('Vérifier mes coordonnées');
  await computer.press('Recevoir les codes');
  await computer.page.getByText('Les codes sont envoyés.').waitFor();
  assert.equal(await own(), before);
  await computer.page.goto('/portail/pro/demandes');
  await computer.at('Mes demandes');
  await computer.page.getByRole('link', { name: /^P\d{14}$/ }).first().click();
  const [mail, mobile] = [await code(visitor, 'camille.nouvelle@personne.example'), await code(visitor, '+262639980141')];
  await computer.press('Enregistrer mes coordonnées');
  await computer.at('Vérifier mes coordonnées');
  await computer.page.goto(`${computer.page.url()}?envoyes=oui`);
  await computer.page.locator('#codeMail').fill(mail);
  await computer.page.locator('#codeMobile').fill(mobile);
  await computer.press('Vérifier et envoyer');
  await until('the new address', async () => (await own()) === 'camille.nouvelle@personne.example');
});

journey('a professional sees their file, who looked at it, and takes their data along', async ({ visitor }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  await openPortal(computer, phone, DOMINIQUE, '/portail/pro', 'Mon dossier');
  for (const [page, heading] of [
    ['coordonnees', 'Mes coordonnées'], ['situations', 'Mes situations'], ['situations/ajouter', 'Ajouter une activité'], ['acces', 'Qui a consulté mon dossier'],
    ['messages', 'Messages'], ['demandes', 'Mes demandes'], ['attestation', 'Attestation d’enregistrement'],
  ]) {
    await computer.page.goto(`/portail/pro/${page}`);
    await computer.at(heading);
  }
  const copy = await computer.page.evaluate(async () => (await fetch('/portail/pro/mes-donnees.json')).json());
  assert.equal(JSON.stringify(copy).includes('SPECIMEN'), true);
});
