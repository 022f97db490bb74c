// People of the demonstration, by their place in its simulator, and what they do there. Browsers that nobody knows may ask a person five times
// in ten minutes, all together, and nobody gets more than three mails of activation an hour, that of the simulated phone among them: a file of
// journeys shares its logins among people.

/** Physician with two situations. */
export const CAMILLE = { n: 0, id: '899900000011', name: 'CAMILLE EXEMPLE', mail: 'camille.exemple@exemple.test', mobile: '0639900011' };
/** Nurse. */
export const LOUISE = { n: 1, id: '899900000029', name: 'LOUISE ESSAI', mail: 'louise.essai@exemple.test', mobile: '0639900029' };
/** Secretary, by role. */
export const DOMINIQUE = { n: 2, id: '899900000037', name: 'DOMINIQUE SPECIMEN', mail: 'dominique.specimen@exemple.test', mobile: '0639900037' };
/** Registration agent. */
export const ALIX = { n: 3, id: '899900000045', name: 'ALIX MODELE', mail: 'alix.modele@exemple.test', mobile: '0639900045' };
/** Physician whose right ended. */
export const PAUL = { n: 4, id: '899900000052', name: 'PAUL ANCIEN', mail: 'paul.ancien@exemple.test', mobile: '0639900052' };

/** National arbiter. */
export const NADIA = { n: 5, id: '899900000060', name: 'NADIA ARBITRE' };
/** National support. */
export const MARC = { n: 6, id: '899900000078', name: 'MARC SOUTIEN' };
/** Auditor. */
export const INES = { n: 7, id: '899900000086', name: 'INES TEMOIN' };
/** Keeper of terminologies. */
export const OMAR = { n: 8, id: '899900000094', name: 'OMAR LEXIQUE' };

/** Types the identifier on the page of a login and asks for the phone; returns the number that the page shows. */
export async function askPhone(visitor, person) {
  await visitor.at('Connexion');
  await visitor.type(/Identifiant national/, person.id);
  await visitor.press('Se connecter avec e-CPS');
  await visitor.at('Confirmez sur votre téléphone');
  return (await visitor.page.locator('.number').textContent()).trim();
}

/** Opens the simulated phone of a person, with a request that waits. */
export async function openSimulator(phone, person) {
  await phone.page.goto(`/e-cps/simulateur/${person.n}`);
  await phone.at(`Téléphone simulé de ${person.name}`);
}

/** Presses a button of the request on the simulated phone: a number, « Refuser » or « Je n’ai rien demandé ». */
export async function answer(phone, person, button) {
  await openSimulator(phone, person);
  await phone.press(button);
  return phone.page.getByRole('status').textContent();
}

/** Logs in by the simulated phone, from the page of a login to the application. */
export async function logIn(visitor, phone, person) {
  await answer(phone, person, await askPhone(visitor, person));
  await visitor.at('Application');
}

/** Logs in at the pages of the e-CPS and opens one. */
export async function openOwnPage(visitor, phone, person, link, heading) {
  await visitor.page.goto('/e-cps/');
  await visitor.follow(link);
  if (await visitor.page.getByRole('heading', { level: 1, name: 'Connexion', exact: true }).isVisible()) {
    await answer(phone, person, await askPhone(visitor, person));
  }
  await visitor.at(heading);
}

/** Logs in at the portal and opens a page of it. */
export async function openPortal(visitor, phone, person, page, heading) {
  await visitor.page.goto(page);
  const title = (await visitor.page.locator('h1').first().textContent()).trim();
  if (title === 'Connexion GAE') {
    await visitor.press('Connexion');
    await answer(phone, person, await askPhone(visitor, person));
  } else if (title === 'Connexion professionnel') {
    await visitor.press('S’identifier avec Pro Santé Connect');
    await answer(phone, person, await askPhone(visitor, person));
  } else if (title === 'Connexion') {
    await answer(phone, person, await askPhone(visitor, person));
  }
  await visitor.at(heading);
}
