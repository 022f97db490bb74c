// The database of the registry goes away and comes back while people are at work. Runs on a PostgreSQL server that it may stop.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { stage } from '../lib/stage.mjs';
import { LOUISE } from '../lib/people.mjs';
import { begin, fillPerson, fillSituation, instructAndSign, managers, numberOf, valid } from '../lib/registering.mjs';

const AWAY = 'Le service est momentanément indisponible';

// What the operator is told while the database is away is no fault of the program.
const journey = stage({ postgres: process.env.ANNUAIRE_STOPPABLE_POSTGRES, told: [/ (ERROR|WARN) /, /database|registry|Postgres/i, / goes on$/] });
const { asManager } = managers();

/** Stops the server or starts it, and waits until that is done. */
function postgres(...words) {
  const [program, ...given] = process.env.ANNUAIRE_PG_CTL.split('\n');
  return new Promise((resolve, reject) => {
    const control = spawn(program, [...given, ...words], { cwd: '/', stdio: 'ignore' });
    control.once('error', reject);
    control.once('exit', (status) => (status === 0 ? resolve() : reject(new Error(`pg_ctl ${words[0]}: ${status}`))));
  });
}

journey('a manager goes on with what was typed, after the database stopped and started again', async ({ visitor }) => {
  const computer = await asManager(visitor, LOUISE);
  const number = await begin(computer, '990000010');
  await computer.page.locator('#nomFamille').fill('Interrompue');
  await computer.page.locator('#prenom1').fill('Noémie');
  await postgres('-m', 'fast', 'stop');
  try {
    computer.provoke(/\/saisie: 503$/);
    await computer.page.locator('#section-civil').getByRole('button', { name: 'Enregistrer', exact: true }).click();
    await computer.at(AWAY);
    await computer.page.getByText('Ce que vous venez de saisir n’est pas perdu', { exact: false }).waitFor();
    // Sent too early, the form is still there.
    computer.provoke(/\/saisie: 503$/);
    await computer.press('Envoyer de nouveau ma saisie');
    await computer.at(AWAY);
    // Other pages say so too, and nobody is sent to log in again.
    const other = await visitor({ storageState: await computer.context.storageState() });
    other.provoke(/\/portail\/gae: 503$/);
    await other.page.goto('/portail/gae');
    await other.at(AWAY);
  } finally {
    await postgres('start');
  }
  await computer.press('Envoyer de nouveau ma saisie');
  await computer.at('Nouvelle demande');
  assert.equal(await computer.page.locator('#nomFamille').inputValue(), 'Interrompue');
  assert.equal(await computer.page.locator('#prenom1').inputValue(), 'Noémie');
  assert.ok(computer.page.url().includes(number));
  await fillPerson(computer, { family: 'Interrompue', given: 'Noémie', birth: '08/10/1992', mail: 'noemie@personne.example', mobile: '0639980120' });
  await fillSituation(computer);
  await valid(computer, 'situation');
  await instructAndSign(computer, number);
  await computer.press('Valider');
  assert.match(await numberOf(computer, number), /^999\d{8}$/);
});
