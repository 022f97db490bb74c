// People without a professional means, at the stand-in for FranceConnect, and the codes that they are sent.

import { until } from './browser.mjs';

/** Logs in at the stand-in for FranceConnect and opens the own request. */
export async function asCitizen(person, name) {
  await person.page.goto('/portail/pro/inscription');
  await person.at('Connexion professionnel');
  await person.press('S’identifier avec FranceConnect');
  await person.at('Qui êtes-vous ?');
  await person.press(name);
}

/** The latest code that was sent to an address or number. */
export async function code(visitor, to) {
  const reader = await visitor();
  return until(`a code for ${to}`, async () => {
    await reader.page.goto('/e-cps/messagerie');
    const message = reader.page.locator('main').locator('article, li, tr, section').filter({ hasText: to }).first();
    const text = (await message.count()) > 0 ? await message.textContent() : '';
    return text.match(/\b(\d{6})\b/)?.[1];
  });
}

/** Has codes sent to a new contact, and enters them. */
export async function proveContact(person, visitor, mail, mobile) {
  await person.at('Vérifier mes coordonnées');
  await person.press('Recevoir les codes');
  await person.page.getByText('Les codes sont envoyés.').waitFor();
  await person.page.locator('#codeMail').fill(await code(visitor, mail));
  await person.page.locator('#codeMobile').fill(await code(visitor, mobile));
  await person.press('Vérifier et envoyer');
}
