// What managers do in the portal to register somebody.

import { until } from './browser.mjs';
import { openPortal } from './people.mjs';

/** Heading of the first page of managers. */
export const HOME = 'Bienvenue sur votre portail de gestion et de contrôle';

/**
 * Managers of one demonstration: `asManager(visitor, person)` opens a browser of a person, logged in once for all journeys of the file, and
 * `forget(person)` lets the next one log in again.
 */
export function managers() {
  const sessions = new Map();
  const asManager = async (visitor, person) => {
    const storageState = sessions.get(person.id);
    const computer = await visitor(storageState ? { storageState } : {});
    if (storageState) {
      await computer.page.goto('/portail/gae');
      await computer.at(HOME);
      return computer;
    }
    await openPortal(computer, await visitor(), person, '/portail/gae', HOME);
    sessions.set(person.id, await computer.context.storageState());
    return computer;
  };
  return { asManager, forget: (person) => sessions.delete(person.id) };
}

/** Begins a request for a structure; returns its number. */
export async function begin(computer, structure) {
  await computer.page.goto('/portail/gae/nouvelle');
  await computer.at('Nouvelle demande');
  await computer.page.getByLabel(new RegExp(`^${structure} - `)).check();
  await computer.press('Commencer la saisie');
  await computer.page.waitForURL(/\/demandes\/P\d{14}/);
  return computer.page.url().match(/P\d{14}/)[0];
}

/** Opens a section of the accordion when it is closed. */
export async function open(computer, code) {
  const section = computer.page.locator(`#section-${code}`);
  if (!(await section.evaluate((element) => element.open))) {
    await section.locator('summary').first().click();
  }
  return section;
}

/** Fills in the first two sections and validates them. */
export async function fillPerson(computer, { family, given, birth = '07/05/1991', commune = 'Sainte-Anne (97128)', mail, mobile = '0692000012', civility = 'Madame', sex = 'Féminin' }) {
  const civil = await open(computer, 'civil');
  await civil.getByLabel(civility, { exact: true }).check();
  await civil.getByLabel(sex, { exact: true }).check();
  await civil.locator('#nomFamille').fill(family);
  await civil.locator('#prenom1').fill(given);
  await civil.locator('#dateNaissance').fill(birth);
  await civil.locator('#communeNaissance').fill(commune);
  await civil.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(computer, 'civil');
  const contact = await open(computer, 'contact');
  await contact.locator('#email').fill(mail);
  await contact.locator('#mobile').fill(mobile);
  await contact.getByRole('button', { name: 'Valider', exact: true }).click();
  await valid(computer, 'contact');
}

/** Fills in the situation and validates it. */
export async function fillSituation(computer, { profession = '313', role = 'GENR11', from = '02/11/2026', until: last = '' } = {}) {
  const section = await open(computer, 'situation');
  await section.locator('#profession').selectOption(profession);
  const choice = section.locator(`input[name="role"][value="${role}"]`);
  if (!(await choice.isVisible())) {
    await section.getByText('Afficher tous les rôles').click();
  }
  await choice.check();
  await section.locator('#dateDebut').fill(from);
  await section.locator('#dateFin').fill(last);
  await section.getByRole('button', { name: 'Valider', exact: true }).click();
}

/** Confirms what the page asks to confirm in a section, and validates it again. */
async function confirm(computer, code) {
  const section = await open(computer, code);
  for (const box of await section.locator('input[name="confirme"]').all()) {
    await box.check();
  }
  await section.getByRole('button', { name: 'Valider', exact: true }).click();
}

/** Waits until a section is complete, and confirms what the page asks to confirm. */
export async function valid(computer, code) {
  await computer.page.locator(`#section-${code} .mark`).waitFor();
  if ((await computer.page.locator(`#section-${code} input[name="confirme"]`).count()) > 0) {
    await confirm(computer, code);
  }
  await computer.page.locator(`#section-${code} .mark`).getByText('Complète').waitFor();
}

/** Sends a request with three valid sections to instruction, and signs it. */
export async function instructAndSign(computer, number) {
  await computer.press('Mise en instruction');
  await computer.at('Confirmation de l’envoi de votre demande d’inscription');
  await computer.page.goto(`/portail/gae/demandes/${number}`);
  await computer.at('Instruction de la demande');
  await computer.page.locator('#legal').check();
  await computer.page.locator('#faceAFace').check();
}

/** Waits for the end of the processing of a request, and returns the RPPS number. */
export async function numberOf(computer, number) {
  await until('the RPPS number', async () => {
    await computer.page.goto(`/portail/gae/demandes/${number}`);
    return computer.page.getByText('Validée — enregistrement terminé').isVisible();
  });
  return (await computer.page.locator('p:has-text("Numéro RPPS") strong').textContent()).trim();
}

/** Registers somebody at a structure, up to the number, which is returned. */
export async function register(computer, structure, person) {
  const number = await begin(computer, structure);
  await fillPerson(computer, person);
  await fillSituation(computer, person);
  await valid(computer, 'situation');
  await instructAndSign(computer, number);
  await computer.press('Valider');
  return { number, rpps: await numberOf(computer, number) };
}

/** The messages of the demonstration to an address or a number, whose text has some words, the latest first. */
export async function messagesTo(visitor, to, words) {
  const tab = await visitor.context.newPage();
  try {
    await tab.goto('/e-cps/messagerie');
    const all = await tab.locator('ul.cards > li').evaluateAll((items) => items.map((item) => (
      { to: item.querySelector('.soft').textContent, text: item.innerText }
    )));
    return all.filter((one) => one.to.startsWith(`À ${to},`) && one.text.includes(words)).map((one) => one.text);
  } finally {
    await tab.close();
  }
}

/** Opens the sheet of somebody by number (SC30, SC31). */
export async function openSheet(computer, rpps) {
  await computer.page.goto('/portail/gae/enregistrements');
  await computer.at('Modifier un enregistrement');
  await computer.page.locator('#rpps').fill(rpps);
  await computer.page.locator('button[value="numero"]').click();
  await computer.page.waitForURL(new RegExp(`/enregistrements/${rpps}$`));
}

/** Begins another activity of somebody at a structure; returns the number of the request. */
export async function beginActivity(computer, rpps, structure) {
  await openSheet(computer, rpps);
  await computer.page.locator('#structure').selectOption(structure);
  await computer.press('Ajouter une situation');
  await computer.page.waitForURL(/\/demandes\/P\d{14}/);
  return computer.page.url().match(/P\d{14}/)[0];
}

/** The situations that the directory shows of somebody. */
export async function publicSituations(demo, rpps) {
  const answer = await fetch(`${demo.base}/fhir/v2/PractitionerRole?practitioner.identifier=${rpps}&active=true`);
  return (await answer.json()).total;
}
