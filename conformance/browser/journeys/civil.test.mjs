// Logins of people without a professional means, at the stand-in for FranceConnect.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { askPhone, answer, CAMILLE } from '../lib/people.mjs';

const journey = stage();

/** Opens the choice of the portal and goes to the stand-in. */
async function toStandIn(visitor) {
  await visitor.page.goto('/portail/pro/connexion');
  await visitor.at('Connexion professionnel');
  await visitor.press('S’identifier avec FranceConnect');
  await visitor.at('Qui êtes-vous ?');
}

journey('a person logs in with civil traits and logs out, at the provider too', async ({ visitor }) => {
  const person = await visitor();
  await toStandIn(person);
  await person.press('Angèle EXEMPLAIRE');
  await person.at('Mon identité');
  const told = async (name) => person.page.locator(`dt:text-is("${name}") + dd`).textContent();
  assert.deepEqual(
    [await told('Nom de famille'), await told('Prénoms'), await told('Date de naissance'), await told('Commune de naissance (code INSEE)')],
    ['EXEMPLAIRE', 'Angèle, Rose', '29/02/1984', '57463'],
  );
  // The provider knows the person, until the logout.
  const again = await person.context.newPage();
  await again.goto('/portail/pro/franceconnect');
  await again.getByRole('button', { name: 'Continuer en tant que Angèle EXEMPLAIRE' }).waitFor();
  await again.close();
  await person.press('Se déconnecter');
  await person.at('Vous êtes déconnecté');
  await person.page.getByText('Vous êtes déconnecté du portail et de FranceConnect.').waitFor();
  await person.page.goto('/portail/pro/identite');
  await toStandIn(person);
  assert.equal(await person.page.getByRole('button', { name: /^Continuer en tant que/ }).count(), 0);
});

journey('a birth date of which only the year is known stays as it is', async ({ visitor }) => {
  const person = await visitor();
  await toStandIn(person);
  await person.press('Joseph MODELE');
  await person.at('Mon identité');
  await person.page.getByText('1984 (jour et mois inconnus)', { exact: true }).waitFor();
});

journey('a person gives up at the provider and is told so neutrally', async ({ visitor }) => {
  const person = await visitor();
  await toStandIn(person);
  await person.press('Annuler');
  await person.at('Connexion professionnel');
  await person.page.getByRole('status').getByText('La connexion n’a pas abouti.').waitFor();
  await person.examine();
  await person.page.goto('/portail/pro/identite');
  await person.at('Connexion professionnel');
});

journey('what the register refuses is explained', async ({ visitor }) => {
  const person = await visitor();
  await toStandIn(person);
  person.provoke(/\/franceconnect\/retour.*: 400$/);
  await person.press('Octave FICTIF');
  await person.at('Connexion professionnel');
  await person.page.getByRole('alert').getByText('La connexion n’a pas abouti.').waitFor();
  await person.examine();
});

journey('a professional begins no civil login in the browser of their session', async ({ visitor }) => {
  const [person, phone] = [await visitor(), await visitor()];
  await person.page.goto('/portail/pro/connexion');
  await person.press('S’identifier avec Pro Santé Connect');
  await answer(phone, CAMILLE, await askPhone(person, CAMILLE));
  await person.at('Mon dossier');
  person.provoke(/\/franceconnect: 409$/);
  await person.page.goto('/portail/pro/franceconnect');
  await person.at('Connexion professionnel');
  await person.page.getByRole('alert').waitFor();
});
