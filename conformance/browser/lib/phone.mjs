// The application of a phone and the mailbox of the demonstration, as a person uses them.

import { until } from './browser.mjs';

/** What a pattern finds in the messages to an address or a number, the latest first. */
async function found(tab, to, pattern) {
  await tab.goto('/e-cps/messagerie');
  const all = await tab.locator('ul.cards > li').evaluateAll((items) => items.map((item) => (
    { to: item.querySelector('.soft').textContent, text: item.innerText }
  )));
  return all.filter((one) => one.to.startsWith(`À ${to},`)).map((one) => one.text.match(pattern)?.[0]).filter(Boolean);
}

/** Does something that sends a message to an address or a number, and returns what the pattern finds in it. Notices come between. */
async function messageOf(visitor, to, pattern, work) {
  const before = await inTab(visitor, (tab) => found(tab, to, pattern));
  await work();
  return inTab(visitor, (tab) => until(`a message to ${to}`, async () => {
    const all = await found(tab, to, pattern);
    return all.length > before.length ? all[0] : undefined;
  }));
}

/** Does something in another tab of a visitor. */
async function inTab(visitor, work) {
  const tab = await visitor.context.newPage();
  try {
    return await work(tab);
  } finally {
    await tab.close();
  }
}

/** Asks for an activation by mail and SMS, and opens the link of the mail; returns the code that the computer shows. */
export async function beginActivation(computer, person) {
  await computer.page.goto('/e-cps/');
  await computer.at('Votre e‑CPS');
  const link = await messageOf(computer, person.mail, /\S+\/e-cps\/activation\/\S+/, async () => {
    await computer.type(/Identifiant national/, person.id);
    await computer.press('Recevoir le lien d’activation');
    await computer.at('Consultez votre messagerie');
  });
  await computer.page.goto(link);
  await computer.at('Activer un téléphone');
  await computer.press('Afficher le code');
  const code = computer.page.locator('strong.code');
  await code.waitFor();
  return (await code.textContent()).trim();
}

/** Opens the application and types the code of the computer; returns the digits of the SMS. */
export async function bindPhone(phone, person, code, name) {
  await phone.page.goto('/e-cps/app/');
  await phone.at('Activer ce téléphone');
  await phone.type('Code affiché par l’ordinateur', code);
  await phone.type('Nom de ce téléphone', name);
  return messageOf(phone, person.mobile, /\b\d{6}\b/, async () => {
    await phone.press('Activer');
    await phone.at('Code reçu par SMS');
  });
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

/** Answers the offer of a passkey, which follows the PIN. */
export async function answerOffer(phone, button) {
  await phone.at('Ajouter une clé d’accès');
  await phone.press(button);
  await phone.at('Aucune demande');
}

/** A whole activation by mail and SMS, without passkey unless `offer` is the button that makes one. */
export async function activatePhone(computer, phone, person, { pin, name, offer = 'Plus tard' }) {
  const digits = await bindPhone(phone, person, await beginActivation(computer, person), name);
  await proveMobile(phone, digits);
  await choosePin(phone, pin);
  await answerOffer(phone, offer);
}

/** Approves the request that the application shows. */
export async function approve(phone, number, pin) {
  await phone.at('Est-ce bien vous ?');
  await phone.page.getByRole('radio', { name: number, exact: true }).check();
  await phone.type('Code PIN', pin);
  await phone.press('Approuver');
  await phone.page.getByText('Demande approuvée').waitFor();
}
