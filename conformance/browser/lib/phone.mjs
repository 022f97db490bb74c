// The application of a phone and the mailbox of the demonstration, as a person uses them.

import { until } from './browser.mjs';

/** Messages of the mailbox to an address or a number, the latest first. */
async function messages(visitor, to) {
  await visitor.page.goto('/e-cps/messagerie');
  const card = (li) => ({ title: li.querySelector('h2').textContent, to: li.querySelector('.soft').textContent, text: li.innerText });
  const all = await visitor.page.locator('ul.cards > li').evaluateAll((items, read) => items.map(new Function(`return ${read}`)()), card.toString());
  return all.filter((one) => one.to.startsWith(`À ${to},`));
}

/** Does something that sends a message to an address or a number, and returns that message. */
export async function messageOf(reader, to, work) {
  const before = (await messages(reader, to)).length;
  await work();
  return until(`a message to ${to}`, async () => {
    const all = await messages(reader, to);
    return all.length > before ? all[0] : undefined;
  });
}

/** Asks for an activation by mail and SMS, and opens the link of the mail; returns the code that the computer shows. */
export async function beginActivation(computer, person) {
  await computer.page.goto('/e-cps/');
  await computer.at('Votre e‑CPS');
  const mail = await messageOf(await reader(computer), person.mail, async () => {
    await computer.type(/Identifiant national/, person.id);
    await computer.press('Recevoir le lien d’activation');
    await computer.at('Consultez votre messagerie');
  });
  await computer.page.goto(mail.text.match(/\S+\/e-cps\/activation\/\S+/)[0]);
  await computer.at('Activer un téléphone');
  await computer.press('Afficher le code');
  const code = computer.page.locator('strong.code');
  await code.waitFor();
  return (await code.textContent()).trim();
}

/** Somebody who reads the mailbox in a tab of their own. */
export async function reader(visitor) {
  return { page: await visitor.context.newPage() };
}

/** Opens the application and types the code of the computer: the shortest way from a phone to its SMS, which is returned. */
export async function bindPhone(phone, person, code, name) {
  await phone.page.goto('/e-cps/app/');
  await phone.at('Activer ce téléphone');
  await phone.type('Code affiché par l’ordinateur', code);
  await phone.type('Nom de ce téléphone', name);
  const sms = await messageOf(await reader(phone), person.mobile, async () => {
    await phone.press('Activer');
    await phone.at('Code reçu par SMS');
  });
  return sms.text.match(/\b\d{6}\b/)[0];
}

/** Types the digits of the SMS. */
export async function proveMobile(phone, digits) {
  await phone.type('Les six chiffres du SMS', digits);
  await phone.press('Valider');
  await phone.at('Choisissez votre code PIN');
}

/** Chooses a PIN. */
export async function choosePin(phone, pin) {
  await phone.type('Code PIN', pin);
  await phone.type('Le même code PIN', pin);
  await phone.press('Terminer');
}

/** A whole activation by mail and SMS. */
export async function activatePhone(computer, phone, person, { pin, name }) {
  const digits = await bindPhone(phone, person, await beginActivation(computer, person), name);
  await proveMobile(phone, digits);
  await choosePin(phone, pin);
  await phone.at('Aucune demande');
}

/** Approves the request that the application shows. */
export async function approve(phone, number, pin) {
  await phone.at('Est-ce bien vous ?');
  await phone.page.getByRole('radio', { name: number, exact: true }).check();
  await phone.type('Code PIN', pin);
  await phone.press('Approuver');
  await phone.page.getByText('Demande approuvée').waitFor();
}
