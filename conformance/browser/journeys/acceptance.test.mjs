// Scenarios of registration.md §21 in which several people or days meet: attachments, twins, habilitations that end, kills.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { ALIX, CAMILLE, DOMINIQUE, LOUISE, openPortal } from '../lib/people.mjs';
import { asCitizen, proveContact } from '../lib/citizens.mjs';
import {
  begin, beginActivity, fillPerson, fillSituation, instructAndSign, managers, messagesTo, open, publicSituations, register, valid,
} from '../lib/registering.mjs';

const HOSPITAL = '990000010';
const FOYER = '990000028';
const ENTITY = '990000002';

const journey = stage();
const { asManager, forget } = managers();

/** The session of the legal representative, once she has logged in. */
let representativeState;

/** Files another activity of a registered person, up to T01; returns the number of the request. */
async function addActivity(computer, person, structure) {
  const number = await beginActivity(computer, person.id.slice(1), structure);
  await fillSituation(computer);
  await valid(computer, 'situation');
  await computer.press('Mise en instruction');
  await computer.at('Confirmation de l’envoi de votre demande d’inscription');
  return number;
}

journey('acceptance_a05_a34: a second authority attaches to the number that is there', async ({ visitor, demo }) => {
  const person = { family: 'Rattachee', given: 'Solene', birth: '11/04/1982', mail: 'solene@personne.example', mobile: '0692000012' };
  const first = await asManager(visitor, LOUISE);
  const { rpps } = await register(first, HOSPITAL, person);
  // A34: the number was typed without the calling code of the overseas department.
  await until('the SMS', async () => (await messagesTo(first, '+262692000012', '')).length > 0);
  const second = await asManager(visitor, ALIX);
  const again = await register(second, FOYER, { ...person, mail: 'autre.solene@personne.example', mobile: '0639980103' });
  assert.equal(again.rpps, rpps, 'no second number');
  await until('both situations in the directory', async () => (await publicSituations(demo, rpps)) === 2);
  // N10b goes to the contact that is known, and N10 was sent once.
  await until('N10b', async () => (await messagesTo(first, person.mail, 'Une activité')).length === 1);
  assert.equal((await messagesTo(first, person.mail, 'Votre numéro RPPS')).length, 1);
  assert.deepEqual(await messagesTo(first, 'autre.solene@personne.example', ''), []);
});

journey('acceptance_a06: the second twin gets a number without an arbiter', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  const twin = { family: 'Jumelle', birth: '05/09/1990', mobile: '0639980104' };
  const one = await register(computer, HOSPITAL, { ...twin, given: 'Berthe', mail: 'berthe@personne.example' });
  const other = await register(computer, HOSPITAL, { ...twin, given: 'Odile', mail: 'odile.jumelle@personne.example', mobile: '0639980105' });
  assert.match(one.rpps, /^999\d{8}$/);
  assert.match(other.rpps, /^999\d{8}$/);
  assert.notEqual(one.rpps, other.rpps);
});

journey('acceptance_a16: whoever is registered makes no second draft', async ({ visitor }) => {
  const manager = await asManager(visitor, LOUISE);
  const { rpps } = await register(manager, HOSPITAL, {
    family: 'Exemplaire', given: 'Angèle', birth: '29/02/1984', commune: 'Metz (57463)', mail: 'angele@personne.example', mobile: '0639980106',
  });
  const person = await visitor();
  person.provoke(/\/pro\/inscription.*: 4\d\d$/);
  await asCitizen(person, 'Angèle EXEMPLAIRE');
  await person.page.getByText('Vous avez déjà un numéro RPPS').first().waitFor();
  await person.examine();
  assert.equal((await person.page.content()).includes(rpps), false, 'the number is not shown');
});

journey('acceptance_a33: nobody instructs a request about themselves', async ({ visitor }) => {
  const number = await addActivity(await asManager(visitor, ALIX), LOUISE, HOSPITAL);
  const own = await asManager(visitor, LOUISE);
  await own.page.goto(`/portail/gae/demandes/${number}`);
  await own.at('Instruction de la demande');
  await own.page.locator('#legal').check();
  await own.page.locator('#faceAFace').check();
  own.provoke(/\/decision: 4\d\d$/);
  await own.press('Valider');
  await own.page.getByText('Vous ne pouvez pas instruire une demande qui vous concerne.').first().waitFor();
});

journey('acceptance_a35: a doubtful FINESS number that leads to nothing', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  await begin(computer, HOSPITAL);
  const section = await open(computer, 'situation');
  await section.locator('#q-finess').fill('2A0000006');
  computer.provoke(/chercher=structure.*: 422$/);
  await section.getByRole('button', { name: 'Rechercher', exact: true }).click();
  await computer.page.getByText('Aucune structure ouverte ne correspond à votre recherche.').first().waitFor();
  await computer.page.getByText('Ce numéro FINESS paraît erroné', { exact: false }).first().waitFor();
  await computer.examine();
});

journey('acceptance_a23: with an habilitation ends what its manager had begun', async ({ visitor }) => {
  const [representative, phone] = [await visitor(), await visitor()];
  const manager = await asManager(visitor, DOMINIQUE);
  const number = await begin(manager, HOSPITAL);
  await fillPerson(manager, { family: 'Gelee', given: 'Irma', birth: '21/12/1985', mail: 'irma@personne.example', mobile: '0639980108' });
  await fillSituation(manager);
  await valid(manager, 'situation');
  await instructAndSign(manager, number);
  await openPortal(representative, phone, CAMILLE, '/portail/habilitations', 'Habilitations');
  await representative.page.goto(`/portail/habilitations/EG:${HOSPITAL}`);
  await representative.page.getByRole('link', { name: /Supprimer.*SPECIMEN/ }).click();
  await representative.press('Supprimer');
  await representative.at(`${HOSPITAL} - HOPITAL DE DEMONSTRATION`);
  representativeState = await representative.context.storageState();
  manager.provoke(/\/decision: 4\d\d$/);
  await manager.press('Valider');
  await manager.page.getByText(/Votre habilitation pour .* a pris fin le|Vous n’êtes pas encore habilité/).first().waitFor();
  forget(DOMINIQUE);
  // Her colleague goes on with it.
  const colleague = await asManager(visitor, LOUISE);
  await colleague.page.goto(`/portail/gae/demandes/${number}`);
  await colleague.at('Instruction de la demande');
});

journey('acceptance_a29: a list imported twice gives no duplicate', async ({ visitor }) => {
  const manager = await asManager(visitor, LOUISE);
  const columns = [
    'ref_externe', 'civilite', 'sexe', 'nom_famille', 'prenom', 'date_naissance', 'commune_naissance_insee', 'email', 'mobile', 'finess', 'profession',
    'role', 'mode', 'date_debut', 'identite_verifiee', 'information_faite',
  ];
  const line = (n) => [
    `A29-${n}`, 'MME', 'F', `Doublon${'ab'[n]}`, 'Ondine', `0${n + 1}/04/1987`, '57463', `doublon.${n}@personne.example`, `063998016${n}`, HOSPITAL,
    '313', 'GENR01', 'S', '02/11/2026', 'FACE_A_FACE', 'OUI',
  ].join(';');
  const file = Buffer.from([columns.join(';'), line(0), line(1)].join('\r\n'));
  const numbers = [];
  for (const name of ['liste.csv', 'liste-encore.csv']) {
    await manager.page.goto('/portail/gae/lots');
    await manager.at('Importer une liste');
    await manager.page.locator('#fichier').setInputFiles({ name, mimeType: 'text/csv', buffer: file });
    await manager.press('Vérifier la liste');
    await manager.page.getByRole('heading', { level: 1, name, exact: true }).waitFor();
    assert.deepEqual(await manager.page.locator('.figures strong').allTextContents(), ['2', '2', '0', '0']);
    await manager.press('Mettre en instruction les 2 lignes valides');
    await manager.page.getByRole('button', { name: 'Mettre en instruction les 2 lignes valides' }).waitFor({ state: 'detached' });
    numbers.push(await until('the requests of the list', async () => {
      await manager.page.reload();
      const found = await manager.page.getByRole('link', { name: /^P\d{14}$/ }).allTextContents();
      return found.length === 2 && found;
    }));
  }
  assert.deepEqual(numbers[1], numbers[0], 'the same requests');
  await manager.page.goto('/portail/gae/demandes');
  await manager.at('Mes demandes d’enregistrement');
  assert.equal(await manager.page.getByRole('row', { name: /Doublon[ab]/i }).count(), 2);
});

journey('acceptance_a15: without a manager a request waits, and the legal representative is told', async ({ visitor }) => {
  // The only manager of the site is that of its legal entity.
  const representative = await visitor({ storageState: representativeState });
  await representative.page.goto(`/portail/habilitations/EJ:${ENTITY}`);
  await representative.page.getByRole('link', { name: /Supprimer.*MODELE/ }).click();
  await representative.press('Supprimer');
  await until('the end of the habilitation', async () => {
    await representative.page.goto(`/portail/habilitations/EJ:${ENTITY}`);
    return (await representative.page.getByRole('link', { name: /Supprimer.*MODELE/ }).count()) === 0;
  });
  const person = await visitor();
  await asCitizen(person, 'Aminata FICTIVE');
  await person.at('Demander mon enregistrement');
  await person.press('Commencer ma demande');
  await person.at('Nouvelle demande');
  const civil = person.page.locator('#section-civil');
  await civil.getByLabel('Madame', { exact: true }).check();
  await civil.locator('#villeNaissanceEtr').fill('Dakar');
  await civil.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(person, 'civil');
  const contact = await open(person, 'contact');
  await contact.locator('#email').fill('aminata@personne.example');
  await contact.locator('#mobile').fill('0639980150');
  await contact.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(person, 'contact');
  const situation = await open(person, 'situation');
  await situation.locator('#q-finess').fill(FOYER);
  await situation.getByRole('button', { name: 'Rechercher', exact: true }).click();
  await person.page.getByText(/Cette structure n.a pas encore de gestionnaire/).waitFor();
  await person.page.getByLabel(new RegExp(`^${FOYER} - `)).check();
  await person.page.locator('#profession').selectOption('313');
  await person.page.locator('input[name="role"]').first().check();
  await person.page.locator('#dateDebut').fill('02/11/2026');
  // One press checks the last section too: the button says that it is early, and can be pressed.
  await person.page.getByRole('button', { name: 'Envoyer ma demande', exact: true, disabled: true }).click({ force: true });
  await proveContact(person, visitor, 'aminata@personne.example', '+262639980150');
  await person.at('Confirmation de l’envoi de votre demande d’inscription');
  await person.page.goto('/portail/pro/inscription');
  await person.at('Suivre ma demande');
  await person.page.getByText(/n.a pas encore de gestionnaire/).first().waitFor();
  await until('N04', async () => (await messagesTo(person, CAMILLE.mail, 'attend son enregistrement')).length === 1);
});
