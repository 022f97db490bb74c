// A24 of registration.md §21: the program is killed while a request is processed.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { until, WAIT_MS } from '../lib/browser.mjs';
import { LOUISE } from '../lib/people.mjs';
import { begin, fillPerson, fillSituation, instructAndSign, managers, messagesTo, valid } from '../lib/registering.mjs';

const HOSPITAL = '990000010';
/** A job that a killed process had taken is hidden from others for a minute. */
const LEASE_MS = 60_000 + WAIT_MS;

// Whoever is started after a kill may tell that somebody else's work is taken over.
const journey = stage({ stays: true, told: [/ WARN /] });
const { asManager } = managers();

journey('acceptance_a24: killed in the middle of processing, a request gives one number and one letter', async ({ visitor, demo }) => {
  const computer = await asManager(visitor, LOUISE);
  const mail = 'panne@personne.example';
  const number = await begin(computer, HOSPITAL);
  await fillPerson(computer, { family: 'Coupure', given: 'Renaud', birth: '03/06/1970', mail, mobile: '0639980110', civility: 'Monsieur', sex: 'Masculin' });
  await fillSituation(computer);
  await valid(computer, 'situation');
  await instructAndSign(computer, number);
  await computer.press('Valider');
  await demo.kill();
  await demo.startAgain();
  computer.forgive();
  await until('the RPPS number', async () => {
    await computer.page.goto(`/portail/gae/demandes/${number}`);
    return computer.page.getByText('Validée — enregistrement terminé').isVisible();
  }, LEASE_MS);
  const rpps = (await computer.page.locator('p:has-text("Numéro RPPS") strong').textContent()).trim();
  assert.match(rpps, /^999\d{8}$/);
  await until('N10', async () => (await messagesTo(computer, mail, rpps)).length > 0, LEASE_MS);
  await until('the person in the directory', async () => {
    const found = await (await fetch(`${demo.base}/fhir/v2/Practitioner?family=Coupure`)).json();
    return found.total === 1;
  });
  assert.equal((await messagesTo(computer, mail, rpps)).length, 1, 'one letter');
});
