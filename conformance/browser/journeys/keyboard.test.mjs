// The keyboard alone, from the identifier to the approval of the number.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { CAMILLE } from '../lib/people.mjs';
import { activatePhone } from '../lib/phone.mjs';
import { tabTo } from '../lib/keyboard.mjs';

const journey = stage();
const PIN = '592846';

journey('a login by Tab, Space and Enter, with a focus that is always seen', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await activatePhone(computer, phone, CAMILLE, { pin: PIN, name: 'Téléphone' });
  await party.begin(computer);
  await computer.at('Connexion');
  const keys = computer.page.keyboard;
  await tabTo(computer.page, 'Identifiant national');
  await keys.type(CAMILLE.id);
  await tabTo(computer.page, 'Se souvenir de mon identifiant');
  await keys.press('Space');
  await tabTo(computer.page, 'Se connecter avec e-CPS');
  await keys.press('Enter');
  await computer.at('Confirmez sur votre téléphone');
  const number = (await computer.page.locator('.number').textContent()).trim();

  await phone.at('Est-ce bien vous ?');
  const taps = phone.page.keyboard;
  const choices = await phone.page.locator('#numbers label').allTextContents();
  await tabTo(phone.page, choices[0]);
  await taps.press('Space');
  for (let at = choices.indexOf(number); at > 0; at -= 1) {
    await taps.press('ArrowRight');
  }
  await tabTo(phone.page, 'Code PIN');
  await taps.type(PIN);
  await tabTo(phone.page, 'Approuver');
  await taps.press('Enter');
  await computer.at('Application');
  assert.equal((await party.tokens()).claims().SubjectNameID, CAMILLE.id);

  // The identifier was to be remembered.
  await party.begin(computer, { prompt: 'login' });
  await computer.at('Connexion');
  assert.equal(await computer.page.getByLabel(/Identifiant national/).inputValue(), CAMILLE.id);
  // The first key leads past what each page repeats.
  await tabTo(computer.page, 'Aller au contenu');
});

journey('the page that waits keeps the focus where it is', async ({ visitor, application }) => {
  const [computer, party] = [await visitor(), await application()];
  await party.begin(computer);
  await computer.at('Connexion');
  await computer.type(/Identifiant national/, CAMILLE.id);
  await computer.press('Se connecter avec e-CPS');
  await computer.at('Confirmez sur votre téléphone');
  await tabTo(computer.page, 'Annuler');
  // Two looks at the server later.
  for (let looks = 0; looks < 2; looks += 1) {
    await computer.page.waitForResponse((answer) => answer.url().includes('/auth/connexion/'));
  }
  assert.equal(await computer.page.evaluate(() => document.activeElement.textContent.trim()), 'Annuler');
  await computer.page.keyboard.press('Enter');
  await computer.at('Application');
  assert.equal((await party.refusal()).error, 'access_denied');
});
