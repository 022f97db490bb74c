// Legal representatives, arbiter, support, auditor and keeper of terminologies; lists of employers; days that pass. Scenarios of registration.md §21.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { ALIX, CAMILLE, INES, LOUISE, MARC, NADIA, OMAR, openPortal } from '../lib/people.mjs';

const journey = stage();
const HOME = 'Bienvenue sur votre portail de gestion et de contrôle';

/** A line of a list, after the columns of §17.1 that it fills in. */
const COLUMNS = [
  'ref_externe', 'civilite', 'sexe', 'nom_famille', 'prenom', 'date_naissance', 'commune_naissance_insee', 'email', 'mobile', 'finess', 'profession',
  'role', 'mode', 'date_debut', 'identite_verifiee', 'information_faite',
];

function line(n, changed = {}) {
  const whole = {
    ref_externe: `RH-${n}`, civilite: 'MME', sexe: 'F', nom_famille: `Liste${'abcdefgh'[n]}`, prenom: 'Ondine', date_naissance: `0${n + 1}/02/1987`,
    commune_naissance_insee: '57463', email: `liste.${n}@personne.example`, mobile: `06399802${10 + n}`, finess: '990000010', profession: '313', role: 'GENR01',
    mode: 'S', date_debut: '02/11/2026', identite_verifiee: 'FACE_A_FACE', information_faite: 'OUI', ...changed,
  };
  return COLUMNS.map((column) => whole[column]).join(';');
}

journey('acceptance_a18_a28: lines of a list are checked before anything is created, and another person validates', async ({ visitor }) => {
  const [representative, phone] = [await visitor(), await visitor()];
  await openPortal(representative, phone, CAMILLE, '/portail/habilitations', 'Habilitations');
  await representative.page.goto('/portail/habilitations/EG:990000010');
  await representative.at('990000010 - HOPITAL DE DEMONSTRATION');

  const manager = await visitor();
  await openPortal(manager, phone, LOUISE, '/portail/gae', HOME);
  await manager.page.goto('/portail/gae/lots');
  await manager.at('Importer une liste');
  const file = [COLUMNS.join(';'), line(0), line(1), line(2, { date_naissance: '31/02/1987' })].join('\r\n');
  await manager.page.locator('#fichier').setInputFiles({ name: 'arrivees.csv', mimeType: 'text/csv', buffer: Buffer.from(file) });
  await manager.press('Vérifier la liste');
  await manager.at('arrivees.csv');
  const figures = await manager.page.locator('.figures strong').allTextContents();
  assert.deepEqual(figures, ['3', '2', '0', '1']);
  await manager.page.getByText(/^Colonne F \(date_naissance\)/).waitFor();
  await manager.press('Mettre en instruction les 2 lignes valides');
  await until('the requests of the list', async () => {
    await manager.page.reload();
    return manager.page.getByRole('button', { name: 'Valider la liste' }).isVisible();
  });
  await manager.examine();
  const number = (await manager.page.getByRole('link', { name: /^P\d{14}$/ }).first().textContent()).trim();

  // Four eyes: who filed it does not validate it.
  await representative.page.locator('#quatreYeux').check();
  await representative.press('Enregistrer');
  await representative.page.getByText(/^C’est fait|habilitation/i).first().waitFor();
  await manager.page.goto(`/portail/gae/demandes/${number}`);
  await manager.at('Instruction de la demande');
  await manager.page.locator('#legal').check();
  await manager.page.locator('#faceAFace').check();
  manager.provoke(/\/decision: 422$/);
  await manager.press('Valider');
  await manager.page.getByRole('alert').getByText('Votre structure demande qu’une autre personne valide cette demande.').waitFor();

  // A colleague validates all lines that are ready at once.
  const colleague = await visitor();
  await openPortal(colleague, phone, ALIX, '/portail/gae', HOME);
  await colleague.page.goto('/portail/gae/lots');
  await colleague.at('Importer une liste');
  await colleague.page.getByRole('row', { name: /LOUISE ESSAI/ }).getByRole('link', { name: /^Voir et valider/ }).click();
  await colleague.at('Valider la liste d’un autre gestionnaire');
  colleague.provoke(/\/tiers: 422$/);
  await colleague.press('Valider les 2 lignes prêtes');
  await colleague.page.getByRole('alert').getByText('Vous devez confirmer l’exactitude').waitFor();
  await colleague.examine();
  await colleague.page.locator('#legal').check();
  await colleague.press('Valider les 2 lignes prêtes');
  await until('the end of the validation', async () => {
    await colleague.page.reload();
    return (await colleague.page.locator('.figures').textContent()).includes('2 traitées');
  });
  await until('the registration', async () => {
    await colleague.page.goto(`/portail/gae/demandes/${number}`);
    return colleague.page.getByText('Validée — enregistrement terminé').isVisible();
  });
});

journey('acceptance_a07: near twins go to the arbiter, who says that they are two persons', async ({ visitor }) => {
  const [arbiter, phone] = [await visitor(), await visitor()];
  await openPortal(arbiter, phone, NADIA, '/portail/console', 'Consoles');
  await arbiter.page.goto('/portail/console/arbitrage');
  await arbiter.at('File d’arbitrage');
  const open = arbiter.page.getByRole('link', { name: /^Ouvrir/ }).first();
  const number = (await open.textContent()).match(/P\d{14}/)[0];
  await open.click();
  await arbiter.page.getByRole('textbox').fill('Examen de la file du jour');
  await arbiter.press('Ouvrir le dossier');
  await arbiter.at(`Arbitrage de la demande ${number}`);
  await arbiter.page.getByRole('row', { name: /Date de naissance|Naissance/ }).first().waitFor();
  await arbiter.page.getByLabel(/Motif/).last().fill('Prénoms différents, jumelles confirmées par l’établissement.');
  await arbiter.press('Personnes distinctes');
  await until('the number of the second twin', async () => {
    await arbiter.page.goto('/portail/console/arbitrage');
    return (await arbiter.page.getByText(number).count()) === 0;
  });
  await arbiter.page.goto('/portail/console/arbitrage/corrections');
  await arbiter.at('Corrections de l’arbitre');
  // A number of nobody: the form says so at its field.
  arbiter.provoke(/\/console\/arbitrage\/corrections: 422$/);
  await arbiter.page.getByLabel(/déclarée décédée/).fill('99900000000');
  await arbiter.page.locator('#accesDeces').fill('Appel de la personne');
  await arbiter.page.locator('#motifDeces').fill('Erreur sur la personne.');
  await arbiter.press('Corriger le décès');
  await arbiter.at('Corrections de l’arbitre');
});

journey('support, auditor and keeper of terminologies see what is theirs, and nobody else does', async ({ visitor }) => {
  const phone = await visitor();
  for (const [person, page, heading] of [
    [MARC, '/portail/console/support', 'Support'], [INES, '/portail/console/audit', 'Trace d’audit'], [OMAR, '/portail/console/nomenclatures', 'Nomenclatures'],
  ]) {
    const one = await visitor();
    await openPortal(one, phone, person, page, heading);
    if (person !== MARC) {
      one.provoke(/\/console\/support: 403$/);
      await one.page.goto('/portail/console/support');
      await one.page.getByRole('heading', { level: 1, name: /pas/ }).waitFor();
    }
  }
  const stranger = await visitor();
  await stranger.page.goto('/portail/verifier');
  await stranger.page.getByRole('heading', { level: 1 }).waitFor();
  await stranger.examine();
});

journey('acceptance_a13_a19: days pass, and a draft that nobody continues expires', async ({ visitor }) => {
  const [manager, phone] = [await visitor(), await visitor()];
  await openPortal(manager, phone, LOUISE, '/portail/gae', HOME);
  await manager.page.goto('/portail/gae/nouvelle');
  await manager.press('Commencer la saisie');
  const number = manager.page.url().match(/P\d{14}/)[0];
  await manager.page.goto('/portail/demonstration');
  await manager.at('Démonstration');
  await manager.press('+ 90 jours');
  await until('the end of the draft', async () => {
    await manager.page.goto(`/portail/gae/demandes/${number}`);
    return manager.page.getByText('Expirée').first().isVisible();
  });
});

journey('a manager registers without a script', async ({ visitor }) => {
  const [manager, phone] = [await visitor({ javaScriptEnabled: false }), await visitor()];
  await openPortal(manager, phone, LOUISE, '/portail/gae', HOME);
  await manager.page.goto('/portail/gae/nouvelle');
  await manager.press('Commencer la saisie');
  await manager.at('Nouvelle demande');
  await manager.page.locator('#communeNaissance').fill('metz');
  await manager.press('Chercher la commune');
  await manager.page.getByLabel(/^Metz \(57463\)/).check();
  await manager.page.locator('#nomFamille').fill('Sansscript');
  await manager.page.locator('#section-civil').getByRole('button', { name: 'Enregistrer', exact: true }).click();
  await manager.page.getByText('Vos saisies sont enregistrées.').waitFor();
  assert.equal(await manager.page.locator('#communeNaissance').inputValue(), 'Metz (57463)');
  assert.equal(await manager.page.locator('#nomFamille').inputValue(), 'Sansscript');
});
