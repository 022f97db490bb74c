// Scenarios of registration.md §21 in which what the directory knows changes under a request or a person: a structure moves, a given name changes.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until } from '../lib/browser.mjs';
import { ALIX, CAMILLE, DOMINIQUE, LOUISE, MARC, openPortal } from '../lib/people.mjs';
import { beginActivity, fillSituation, managers, valid } from '../lib/registering.mjs';

const FOYER = '990000028';
/** A legal entity that is in no delivery yet. */
const OTHER_ENTITY = '990000044';

const journey = stage();
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
