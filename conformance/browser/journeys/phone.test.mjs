// The application of a phone: activation by mail and SMS, approval, no network, several devices.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { ALIX, askPhone, CAMILLE, DOMINIQUE, LOUISE, openOwnPage } from '../lib/people.mjs';
import { activatePhone, answerOffer, approve, beginActivation, bindPhone, choosePin, proveMobile } from '../lib/phone.mjs';

const journey = stage();
const PIN = '592846';
const TRIVIAL = '123456';

journey('a phone is activated by mail and SMS, a trivial PIN is refused, and a login is approved with it', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  const code = await beginActivation(computer, LOUISE);
  const digits = await bindPhone(phone, LOUISE, code, 'Téléphone de Louise');
  await proveMobile(phone, digits);
  phone.provoke(/\/pin: 400$/);
  await choosePin(phone, TRIVIAL);
  await phone.page.getByRole('status').getByText(/PIN/).waitFor();
  await phone.examine();
  await choosePin(phone, PIN);
  await phone.at('Ajouter une clé d’accès');
  await phone.page.getByText('Ce téléphone est activé.').waitFor();
  await answerOffer(phone, 'Plus tard');
  await computer.page.getByText('est activé. Vous pouvez fermer cette page.').waitFor();
  await computer.examine();

  await party.begin(computer);
  await approve(phone, await askPhone(computer, LOUISE), PIN);
  await computer.at('Application');
  assert.equal((await party.tokens()).claims().SubjectNameID, LOUISE.id);
});

journey('a wrong PIN is refused, and the request still waits', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await activatePhone(computer, phone, CAMILLE, { pin: PIN, name: 'Téléphone de Camille' });
  await party.begin(computer);
  const number = await askPhone(computer, CAMILLE);
  await phone.at('Est-ce bien vous ?');
  await phone.page.getByRole('radio', { name: number, exact: true }).check();
  await phone.type('Code PIN', '000001');
  phone.provoke(/\/decisions: 4\d\d$/);
  await phone.press('Approuver');
  await phone.page.getByRole('status').getByText(/PIN/).waitFor();
  await approve(phone, number, PIN);
  await computer.at('Application');
  assert.equal((await party.tokens()).claims().SubjectNameID, CAMILLE.id);
});

journey('the application opens without network, and says so', async ({ visitor }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  await activatePhone(computer, phone, DOMINIQUE, { pin: PIN, name: 'Téléphone de Dominique' });
  await phone.page.evaluate(() => navigator.serviceWorker.ready.then(() => true));
  const manifest = await phone.page.evaluate(async () => (await fetch(document.querySelector('link[rel=manifest]').href)).json());
  assert.deepEqual([manifest.display, manifest.start_url], ['standalone', './']);
  await phone.withoutNetwork(async () => {
    await phone.page.reload();
    await phone.page.getByText('Hors ligne', { exact: true }).waitFor();
    await phone.at('Aucune demande');
    await phone.page.getByText('Téléphone de Dominique', { exact: true }).waitFor();
    await phone.press('Chercher maintenant');
    assert.equal(await phone.page.locator('#network').textContent(), 'Hors ligne');
  });
  await phone.page.getByText('Hors ligne', { exact: true }).waitFor({ state: 'detached' });
});

journey('several devices: each is seen, renamed and revoked, and the history names them', async ({ visitor, application }) => {
  const [computer, first, second] = [await visitor(), await visitor(), await visitor()];
  await activatePhone(computer, first, ALIX, { pin: PIN, name: 'Premier' });
  await activatePhone(computer, second, ALIX, { pin: PIN, name: 'Second' });
  await computer.page.goto('/e-cps/appareils');
  const number = await askPhone(computer, ALIX);
  // Both are asked; one answers, and the other one is told.
  await second.at('Est-ce bien vous ?');
  await approve(first, number, PIN);
  await second.page.getByText('La demande n’attend plus de réponse.').waitFor();
  await computer.at('Mes appareils');
  const device = (name) => computer.page.locator('ul.cards > li', { has: computer.page.getByRole('heading', { name }) });
  await device('Second').getByLabel('Nom de l’appareil').fill('Tablette');
  await device('Second').getByRole('button', { name: 'Renommer' }).click();
  await device('Tablette').getByRole('button', { name: 'Révoquer' }).click();
  await device('Tablette révoqué').waitFor();
  await second.at('Téléphone révoqué');
  await device('Premier actif').waitFor();
  await computer.follow('Historique');
  await computer.at('Historique');
  await computer.page.getByText(/Approuvée, le .*, sur «\sPremier\s»/).waitFor();

  // The phone that is left still logs in.
  const [elsewhere, party] = [await visitor(), await application()];
  await party.begin(elsewhere);
  await approve(first, await askPhone(elsewhere, ALIX), PIN);
  await elsewhere.at('Application');
});

journey('a phone revokes itself', async ({ visitor }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  await activatePhone(computer, phone, CAMILLE, { pin: PIN, name: 'Perdu' });
  phone.page.once('dialog', (dialog) => dialog.accept());
  await phone.press('Révoquer ce téléphone');
  await phone.at('Activer ce téléphone');
  await phone.page.getByText('Ce téléphone est révoqué.').waitFor();
  const simulated = await visitor();
  await openOwnPage(computer, simulated, CAMILLE, 'Mes appareils', 'Mes appareils');
  await computer.page.getByRole('heading', { name: 'Perdu révoqué' }).waitFor();
});
