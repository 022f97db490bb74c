// Managers register people in the portal: scenarios of registration.md §21 where a person acts.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { ALIX, answer, askPhone, DOMINIQUE, LOUISE } from '../lib/people.mjs';
import { begin, fillPerson, fillSituation, managers, open, valid } from '../lib/registering.mjs';

const journey = stage();
const { asManager, forget } = managers();
const STATUS = 'p:has-text("Statut de la demande")';

const ESSAI = { family: 'Fictive', given: 'Jeanne', birth: '14/03/1988', mail: 'jeanne.fictive@personne.example', mobile: '0639980101' };

journey('acceptance_a01_a02_a03_a04: a person is registered, instructed and found in the directory', async ({ visitor, demo }) => {
  const computer = await asManager(visitor, LOUISE);
  const number = await begin(computer, '990000010');
  await computer.page.locator(STATUS).getByText('En cours de saisie GAE').waitFor();
  await fillPerson(computer, ESSAI);
  await fillSituation(computer);
  await valid(computer, 'situation');
  // A01: three valid sections, and the request is in the first table.
  await computer.page.goto('/portail/gae/demandes');
  await computer.at('Mes demandes d’enregistrement');
  await computer.page.locator('#saisie').getByRole('link', { name: number, exact: true }).click();
  await computer.press('Mise en instruction');
  await computer.at('Confirmation de l’envoi de votre demande d’inscription');
  // A32: what is empty says so.
  assert.equal(await computer.page.locator('dt:text-is("Nom d’usage") + dd').textContent(), 'Non renseigné');
  await computer.page.getByText('14 mars 1988').waitFor();
  // A02: in the second table, as T01.
  await computer.page.goto('/portail/gae/demandes');
  const line = computer.page.locator('#instruction tr', { hasText: number });
  assert.match(await line.textContent(), /Traitement en cours \(T01\)/);
  await line.getByRole('link', { name: number, exact: true }).click();
  await computer.at('Instruction de la demande');
  // A03: nothing is validated without the legal box.
  computer.provoke(/\/decision: 422$/);
  await computer.press('Valider');
  await computer.page.getByRole('alert').getByText('Vous devez confirmer l’exactitude des informations').waitFor();
  await computer.examine();
  await computer.page.getByText('Traitement en cours (T01)').first().waitFor();
  // A04.
  await computer.page.locator('#legal').check();
  await computer.page.locator('#faceAFace').check();
  await computer.press('Valider');
  await until('the RPPS number', async () => {
    await computer.page.goto(`/portail/gae/demandes/${number}`);
    return computer.page.getByText('Validée — enregistrement terminé').isVisible();
  });
  const rpps = (await computer.page.locator('p:has-text("Numéro RPPS") strong').textContent()).trim();
  assert.match(rpps, /^999\d{8}$/);
  const found = await until('the person in the directory', async () => {
    const answer = await fetch(`${demo.base}/fhir/v2/Practitioner?identifier=${rpps}`);
    const bundle = await answer.json();
    return bundle.total > 0 && bundle;
  });
  assert.equal(found.entry[0].resource.name[0].family, 'Fictive');
  // The message with the number was sent, once.
  const reader = await visitor();
  const mails = await until('N10', async () => {
    await reader.page.goto('/e-cps/messagerie');
    return (await reader.page.getByText(ESSAI.mail).count()) > 0;
  });
  assert.ok(mails);
});

journey('« Mise en instruction » says what is missing, to a keyboard too', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  await begin(computer, '990000010');
  const button = computer.page.getByRole('button', { name: 'Mise en instruction', exact: true });
  assert.equal(await button.getAttribute('aria-disabled'), 'true');
  await computer.page.getByText('À valider d’abord').waitFor();
  await button.focus();
  computer.provoke(/controle=civil&manque=oui: 422$/);
  await computer.page.keyboard.press('Enter');
  const alert = computer.page.getByRole('alert');
  await alert.getByText('Toutes les sections doivent être validées').waitFor();
  await computer.examine();
  await fillPerson(computer, { ...ESSAI, family: 'Complete', mail: 'jeanne.complete@personne.example', mobile: '0639980103' });
  await fillSituation(computer);
  await valid(computer, 'situation');
  assert.equal(await button.getAttribute('aria-disabled'), null);
});

journey('acceptance_a08_a09: the perimeter of a site and of its legal entity', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  await begin(computer, '990000010');
  const section = await open(computer, 'situation');
  await section.locator('#q-finess').fill('990000028');
  await section.getByRole('button', { name: 'Rechercher', exact: true }).click();
  await computer.page.getByLabel(/^990000028 - /).check();
  computer.provoke(/controle=situation: 422$/);
  await (await open(computer, 'situation')).getByRole('button', { name: 'Valider', exact: true }).click();
  await computer.page.getByText('Vous n’êtes pas gestionnaire de cette structure.', { exact: false }).first().waitFor();

  const head = await asManager(visitor, ALIX);
  await begin(head, '990000028');
  await (await open(head, 'situation')).getByLabel(/^990000028 - /).check();
});

journey('acceptance_a10_a11: communes of birth by name, code and date', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  await begin(computer, '990000010');
  const civil = await open(computer, 'civil');
  const field = civil.locator('#communeNaissance');
  await field.pressSequentially('Sainte-Anne');
  const lines = await until('the proposals', async () => {
    const all = await civil.getByRole('option').allTextContents();
    return all.length > 4 && all;
  });
  for (const code of ['25513', '32357', '41200', '97128', '97226']) {
    assert.ok(lines.some((line) => line.startsWith(`Sainte-Anne (${code})`)), `${code} in ${lines}`);
  }
  await computer.examine();
  await field.press('ArrowDown');
  await field.press('Enter');
  assert.match(await field.inputValue(), /^Sainte-Anne \(\d{5}\)$/);
});

journey('acceptance_a12: two managers on one section, and neither entry is lost', async ({ visitor }) => {
  const [first, second] = [await asManager(visitor, LOUISE), await asManager(visitor, DOMINIQUE)];
  const number = await begin(first, '990000010');
  await second.page.goto(`/portail/gae/demandes/${number}`);
  await second.at('Nouvelle demande');
  await first.page.locator('#nomFamille').fill('Premiere');
  await (await open(first, 'civil')).getByRole('button', { name: 'Enregistrer', exact: true }).click();
  await first.page.getByText('Vos saisies sont enregistrées.').waitFor();
  await second.page.locator('#nomFamille').fill('Seconde');
  second.provoke(/\/saisie: 409$/);
  await (await open(second, 'civil')).getByRole('button', { name: 'Enregistrer', exact: true }).click();
  await second.at('Deux saisies se croisent');
  await second.page.getByText('Cette demande a été modifiée par une autre personne', { exact: false }).waitFor();
  await second.page.getByRole('cell', { name: 'Premiere' }).waitFor();
  await second.press('Enregistrer ma saisie à la place');
  await second.at('Nouvelle demande');
  assert.equal(await second.page.locator('#nomFamille').inputValue(), 'Seconde');
});

journey('acceptance_a17: a refusal says why, in at least ten characters', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  const number = await begin(computer, '990000010');
  await fillPerson(computer, { family: 'Imaginaire', given: 'Odile', birth: '02/09/1979', mail: 'odile.specimen@personne.example', mobile: '0639980102' });
  await fillSituation(computer);
  await valid(computer, 'situation');
  await computer.press('Mise en instruction');
  await computer.at('Confirmation de l’envoi de votre demande d’inscription');
  await computer.page.goto(`/portail/gae/demandes/${number}`);
  await computer.page.getByText('Ne pas valider').click();
  await computer.page.locator('#motif').selectOption('R99');
  await computer.page.locator('#texte').fill('x');
  computer.provoke(/\/decision: 422$/);
  await computer.press('Refuser');
  await computer.page.getByRole('alert').getByText('Saisissez entre 10 et 500 caractères.').waitFor();
  await computer.page.locator('#motif').selectOption('R99');
  await computer.page.locator('#texte').fill('La personne ne travaille pas ici.');
  await computer.press('Refuser');
  await computer.page.getByText('Refusée — refusée par l’établissement').waitFor();
});

journey('a draft keeps what was typed through a session that ended', async ({ visitor }) => {
  const computer = await asManager(visitor, ALIX);
  await begin(computer, '990000010');
  await computer.page.locator('#nomFamille').fill('Perdue');
  // The session ends in another tab.
  const other = await computer.context.newPage();
  await other.goto('/auth/deconnexion');
  const leave = other.getByRole('button', { name: 'Me déconnecter' });
  await leave.click();
  // The tab stays open: one that was closed while it left once never came to its end.
  await leave.waitFor({ state: 'detached' });
  computer.provoke(/\/saisie: 401$/);
  await (await open(computer, 'civil')).getByRole('button', { name: 'Enregistrer', exact: true }).click();
  await computer.at('Votre session est terminée');
  const [page] = await Promise.all([
    computer.context.waitForEvent('page'),
    computer.page.getByRole('link', { name: 'Reconnectez-vous dans un nouvel onglet' }).click(),
  ]);
  await page.waitForLoadState();
  const phone = await visitor();
  const kept = computer.page;
  computer.page = page;
  await answer(phone, ALIX, await askPhone(computer, ALIX));
  await computer.at('Vous êtes de nouveau connecté');
  computer.page = kept;
  forget(ALIX);
  await computer.press('Reprendre ma saisie');
  await computer.at('Nouvelle demande');
  assert.equal(await computer.page.locator('#nomFamille').inputValue(), 'Perdue');
});

journey('a double click begins one request', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  await computer.page.goto('/portail/gae/nouvelle');
  const fields = await computer.page.locator('form[action="/portail/gae/nouvelle"]').evaluate((form) => new URLSearchParams(new FormData(form)).toString());
  const numbers = await computer.page.evaluate(async (body) => {
    const send = () => fetch('/portail/gae/nouvelle', { method: 'POST', body, headers: { 'content-type': 'application/x-www-form-urlencoded' } });
    const answers = await Promise.all([send(), send(), send()]);
    return answers.map((answer) => answer.url.match(/P\d{14}/)?.[0]);
  }, fields);
  assert.match(numbers[0], /^P\d{14}$/);
  assert.deepEqual(numbers, [numbers[0], numbers[0], numbers[0]]);
});
