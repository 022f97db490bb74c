// Scenarios of registration.md §21 in which what the directory knows changes under a request or a person: a structure moves, a given name changes.

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { ALIX, CAMILLE, DOMINIQUE, LOUISE, MARC, NADIA, openPortal } from '../lib/people.mjs';
import { beginActivity, fillSituation, managers, open, openSheet, publicSituations, register, valid } from '../lib/registering.mjs';

const HOSPITAL = '990000010';
const FOYER = '990000028';
/** A legal entity that is in no delivery yet. */
const OTHER_ENTITY = '990000044';

/** Opens the restricted perimeter. */
const CREDENTIAL = 'jeton-de-lecture-restreinte-du-parcours';

const journey = stage({ credential: CREDENTIAL });
const { asManager } = managers();

/** A legal entity without establishments, as a delivery of structures writes one. */
function legalEntity(like, number) {
  const general = {
    ...like.informationsGeneralesPMEJ, pmSmsseId: '90000009', denominationPm: 'ENTITE REPRENEUSE', denominationLonguePmSmsse: 'ENTITE REPRENEUSE',
    numFinessPm: number, siren: '999000011', statutJuridique: '13',
  };
  return { ...like, informationsGeneralesPMEJ: general, ege: [] };
}

/** The home as an establishment, as a delivery of structures writes one. */
function establishment(like) {
  const general = { ...like.informationsGeneralesEGE, egeId: '90000000', nomEgeCourt: 'FOYER DE DEMONSTRATION', nomEgeLong: 'FOYER DE DEMONSTRATION', numFinessEge: FOYER, siret: '99900000300023' };
  return { ...like, informationsGeneralesEGE: general };
}

/** Opens a page of a request and is told that one is no manager of its structure (E-PER-01). */
async function refused(manager, page) {
  manager.provoke(/\/demandes\/P\d{14}: 4\d\d$/);
  await manager.page.goto(page);
  await manager.page.getByText(/pas gestionnaire de cette structure/).first().waitFor();
}

journey('acceptance_a25: a site takes its requests to another legal entity', async ({ visitor, demo }) => {
  const former = await asManager(visitor, ALIX);
  const number = await beginActivity(former, LOUISE.id.slice(1), FOYER);
  await fillSituation(former, { profession: '314', role: 'GENR10' });
  await valid(former, 'situation');
  await former.press('Mise en instruction');
  await former.at('Confirmation de l’envoi de votre demande d’inscription');

  // The other entity comes by a delivery; it has a representative, whom the support accepts, and a manager.
  const delivery = await demo.structures();
  const [like] = delivery.pmej;
  const other = legalEntity(like, OTHER_ENTITY);
  await demo.deliverStructures('20261102', { ...delivery, pmej: [...delivery.pmej, other] });
  const [representative, support, phone] = [await visitor(), await visitor(), await visitor()];
  await openPortal(representative, phone, CAMILLE, '/portail/habilitations', 'Habilitations');
  await representative.page.locator('#structure').fill(OTHER_ENTITY);
  await representative.press('Rattacher ma structure');
  await representative.page.getByRole('link', { name: /ENTITE REPRENEUSE/ }).waitFor();
  await openPortal(support, phone, MARC, '/portail/console/support', 'Support');
  await support.page.locator(`#contrat-${OTHER_ENTITY}`).fill('CONTRAT-A25');
  await support.page.getByRole('button', { name: /^Accepter/ }).click();
  await support.page.getByText('Aucune structure n’attend d’être vérifiée.').waitFor();
  await representative.page.goto(`/portail/habilitations/EJ:${OTHER_ENTITY}/gestionnaire`);
  await representative.page.locator('#rpps').fill(DOMINIQUE.id.slice(1));
  await representative.press('Rechercher');
  await representative.press('Étape suivante');
  await representative.page.locator('#cgu').check();
  await representative.press('Envoyer la demande d’habilitation');
  await representative.at(`${OTHER_ENTITY} - ENTITE REPRENEUSE`);

  // Its manager is refused while the site belongs to the former entity.
  const next = await asManager(visitor, DOMINIQUE);
  const request = `/portail/gae/demandes/${number}`;
  await refused(next, request);
  await demo.deliverStructures('20261103', { ...delivery, pmej: [...delivery.pmej, { ...other, ege: [establishment(like.ege[0])] }] });
  await until('the request at the other entity', async () => {
    await next.page.goto('/portail/gae/demandes');
    return next.page.getByRole('link', { name: number }).first().isVisible();
  });
  await next.page.goto(request);
  await next.at('Instruction de la demande');
  await refused(former, request);
  await former.page.goto('/portail/gae/demandes');
  await former.at('Mes demandes d’enregistrement');
  assert.equal(await former.page.getByRole('link', { name: number }).count(), 0);
});

/** The text of all files of a directory. */
async function filesOf(dir) {
  const names = await readdir(dir);
  return (await Promise.all(names.map((name) => readFile(join(dir, name), 'utf8')))).join('\n');
}

journey('acceptance_a31: a given name that is no more is told to the arbiter alone', async ({ visitor, demo }) => {
  const [former, now] = ['Aubertine', 'Maxence'];
  const manager = await asManager(visitor, LOUISE);
  const { rpps } = await register(manager, HOSPITAL, {
    family: 'Transition', given: former, birth: '14/09/1979', mail: 'transition@personne.example', mobile: '0639980170',
  });
  await until('the person in the directory', async () => (await publicSituations(demo, rpps)) === 1);
  const ask = async (path, headers = {}) => (await fetch(`${demo.base}${path}`, { headers })).text();
  const since = (await ask('/metrics')).match(/^annuaire_applied_tx\{store="public"\} (\d+)$/m)[1];

  // Given name and sex: two traits are for the arbiter.
  await openSheet(manager, rpps);
  await manager.press('Rectifier l’état civil');
  await manager.page.waitForURL(/\/demandes\/P\d{14}/);
  const number = manager.page.url().match(/P\d{14}/)[0];
  const civil = await open(manager, 'civil');
  await civil.getByLabel('Monsieur', { exact: true }).check();
  await civil.getByLabel('Masculin', { exact: true }).check();
  await civil.locator('#prenom1').fill(now);
  await civil.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(manager, 'civil');
  await manager.page.locator('button[value="soumettre"]').click();
  await manager.at('Confirmation de l’envoi de votre demande d’inscription');
  await manager.page.goto(`/portail/gae/demandes/${number}`);
  await manager.at('Instruction de la demande');
  await manager.page.locator('#legal').check();
  await manager.page.locator('#faceAFace').check();
  await manager.press('Valider');
  const [arbiter, phone] = [await visitor(), await visitor()];
  await openPortal(arbiter, phone, NADIA, '/portail/console', 'Consoles');
  await until('the request in the queue', async () => {
    await arbiter.page.goto('/portail/console/arbitrage');
    return arbiter.page.getByText(number).first().isVisible();
  });
  await arbiter.page.getByRole('link', { name: new RegExp(`^Ouvrir.*${number}`) }).click();
  await arbiter.page.getByRole('textbox').fill('Changement de prénom et de sexe');
  await arbiter.press('Ouvrir le dossier');
  await arbiter.at(`Arbitrage de la demande ${number}`);
  const compared = await arbiter.page.getByRole('table', { name: 'Comparaison trait par trait' }).textContent();
  assert.ok(compared.includes(now) && compared.toLowerCase().includes(former.toLowerCase()), compared);
  await arbiter.page.getByLabel(/Motif/).last().fill('Acte de naissance modifié, vu par l’établissement.');
  await arbiter.press('Même personne — rattacher');
  await until('the new given name in the directory', async () => (await ask(`/fhir/v2/Practitioner?identifier=${rpps}`)).includes(now));

  const restricted = { authorization: `Bearer ${CREDENTIAL}` };
  await until('the new given name in the restricted perimeter', async () => (await ask(`/fhir/dr/Practitioner?identifier=${rpps}`, restricted)).includes(now));
  const told = new Map();
  for (const [path, headers] of [
    [`/fhir/v2/Practitioner?identifier=${rpps}&_revinclude=PractitionerRole:practitioner`, {}],
    [`/fhir/dr/Practitioner?identifier=${rpps}&_revinclude=PractitionerRole:practitioner`, restricted],
    [`/professionnel/8${rpps}`, {}],
  ]) {
    told.set(path, await ask(path, headers));
  }
  for (const door of ['v2', 'dr']) {
    const found = JSON.parse(await ask(`/fhir/${door}/Practitioner?name=${former}`, restricted));
    assert.equal(found.total, 0, `${door} finds nobody by the former name`);
  }
  await openSheet(manager, rpps);
  told.set('the sheet', await manager.page.content());
  await manager.page.goto('/portail/gae/effectifs');
  await manager.page.locator('h1').waitFor();
  told.set('the staff', await manager.page.content());
  for (const perimeter of ['public', 'restricted']) {
    for (const [what, more] of [['delta', ['--since', since]], ['resources', ['--format', 'ndjson']]]) {
      const dir = join(demo.dir, `${perimeter}-${what}`);
      await demo.export('--quiet', '--perimeter', perimeter, '--to', dir, ...more);
      // A line that a delta takes away is the one that its reader has: it cannot be written otherwise.
      told.set(`${perimeter} ${what}`, (await filesOf(dir)).replaceAll(/^-.*$/gm, ''));
    }
    told.set(`${perimeter} lines`, await demo.export('--perimeter', perimeter, '--person', `8${rpps}`));
  }
  for (const [where, text] of told) {
    const at = text.search(new RegExp(former, 'i'));
    assert.equal(at, -1, `${where} tells the former given name: ${text.slice(Math.max(0, at - 200), at + 200)}`);
    assert.match(text, new RegExp(now, 'i'), `${where} tells the new one`);
  }
});
