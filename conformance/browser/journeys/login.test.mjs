// Logins with the phone, sessions, refusals.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';
import { ALIX, answer, askPhone, CAMILLE, DOMINIQUE, logIn, LOUISE, openOwnPage, openSimulator, PAUL } from '../lib/people.mjs';

const journey = stage();

journey('a login with the right number, a second application without a question, and a logout at the provider', async ({ visitor, application }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  const [first, second] = [await application(), await application()];
  await first.begin(computer);
  await logIn(computer, phone, CAMILLE);
  const tokens = await first.tokens();
  assert.equal(tokens.claims().SubjectNameID, CAMILLE.id);
  const told = await first.userInfo(tokens);
  assert.equal(told.authMode, 'MOBILE');
  assert.equal(told.SubjectRefPro.exercices[0].codeProfession, '10');
  assert.equal(told.SubjectRefPro.exercices[0].activities.length, 2);

  // The session answers the second application: the browser stops at no page.
  await second.begin(computer);
  await computer.at('Application');
  const others = await second.tokens();
  assert.equal(others.claims().sid, tokens.claims().sid);

  await computer.page.goto(first.logoutAddress(tokens, { state: 'adieu' }));
  await computer.at('Au revoir');
  assert.equal(first.goodbyes[0].searchParams.get('state'), 'adieu');
  assert.deepEqual([await first.isActive(tokens.access_token), await second.isActive(others.access_token)], [false, false]);
  await second.begin(computer);
  await computer.at('Connexion');
});

journey('a logout without a hint asks the person', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  await logIn(computer, phone, CAMILLE);
  const tokens = await party.tokens();
  await computer.page.goto(party.logoutAddress());
  await computer.at('Se déconnecter ?');
  assert.equal(await party.isActive(tokens.access_token), true);
  await computer.press('Me déconnecter');
  await computer.at('Au revoir');
  assert.equal(await party.isActive(tokens.access_token), false);
});

journey('a wrong number refuses the login, the page says so, and the application is told', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  const number = await askPhone(computer, LOUISE);
  await openSimulator(phone, LOUISE);
  const choices = await phone.page.locator('button.number').allTextContents();
  assert.equal(choices.length, 3);
  assert.ok(choices.includes(number));
  const said = await answer(phone, LOUISE, choices.find((choice) => choice !== number));
  assert.match(said, /^Ce n’est pas le nombre affiché/);
  await computer.at('Connexion refusée');
  await computer.page.getByText('un autre nombre y a été choisi').waitFor();
  await computer.press(`Retour à « ${party.record.client_name} »`);
  await computer.at('Application');
  const refusal = await party.refusal();
  assert.equal(refusal.error, 'access_denied');

  // And once more, rightly, in a new login.
  await party.begin(computer);
  await logIn(computer, phone, LOUISE);
  assert.equal((await party.tokens()).claims().SubjectNameID, LOUISE.id);
});

journey('a phone that follows its requests does not lose an answer that takes long', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  const number = await askPhone(computer, ALIX);
  await openSimulator(phone, ALIX);
  const look = () => phone.page.waitForResponse((seen) => seen.request().method() === 'GET' && seen.url().endsWith(`/simulateur/${ALIX.n}`));
  // What an extension of the browser writes into the page is no news.
  await phone.page.evaluate(() => {
    document.querySelector('main p').dataset.extension = 'oui';
    globalThis.isTheSamePage = true;
  });
  await look();
  await look();
  assert.equal(await phone.page.evaluate(() => globalThis.isTheSamePage), true);
  // The server has decided, and the page, which looks again meanwhile, sees that nothing waits any more.
  await phone.page.route(/\/e-cps\/simulateur\/\d+$/, async (route) => {
    if (route.request().method() !== 'POST') {
      await route.continue();
      return;
    }
    const decided = await route.fetch();
    await look();
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    await route.fulfill({ response: decided });
  });
  await phone.press(number);
  assert.match(await phone.page.getByRole('status').textContent(), /^Demande approuvée/);
  await computer.at('Application');
});

journey('« Réessayer » after a refusal leads to the choice again', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  await askPhone(computer, LOUISE);
  await answer(phone, LOUISE, 'Refuser');
  await computer.at('Connexion refusée');
  await computer.press('Réessayer');
  await logIn(computer, phone, LOUISE);
  assert.equal((await party.tokens()).claims().SubjectNameID, LOUISE.id);
});

journey('« Je n’ai rien demandé » blocks who asked, and nobody else', async ({ visitor, application }) => {
  const [holder, stranger, phone, party] = [await visitor(), await visitor(), await visitor(), await application()];
  // A browser in which the holder logged in is known, and apart from those that nobody knows.
  await openOwnPage(holder, phone, DOMINIQUE, 'Historique', 'Historique');
  await party.begin(stranger);
  await askPhone(stranger, DOMINIQUE);
  assert.match(await answer(phone, DOMINIQUE, 'Je n’ai rien demandé'), /ce demandeur est bloqué/);
  await stranger.at('Connexion refusée');
  await stranger.press('Réessayer');
  await stranger.at('Connexion');
  await stranger.type(/Identifiant national/, DOMINIQUE.id);
  stranger.provoke(/\/auth\/connexion\/.*: 422$/);
  await stranger.press('Se connecter avec e-CPS');
  await stranger.page.getByRole('alert').getByText('Trop de demandes').waitFor();
  await stranger.examine();

  // The holder still logs in, sees what happened, and lifts the block.
  await party.begin(holder, { prompt: 'login' });
  await logIn(holder, phone, DOMINIQUE);
  await holder.page.goto('/e-cps/historique');
  await holder.page.getByText('Refusée : « Je n’ai rien demandé »').waitFor();
  await holder.follow('Mes appareils');
  await holder.at('Mes appareils');
  await holder.press('Débloquer');
  await holder.page.getByRole('heading', { name: 'Demandeurs bloqués' }).waitFor({ state: 'detached' });
  await stranger.type(/Identifiant national/, DOMINIQUE.id);
  await stranger.press('Se connecter avec e-CPS');
  await stranger.at('Confirmez sur votre téléphone');
});

journey('an application that asked for a form gets one, by a button', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer, { response_mode: 'form_post' });
  await answer(phone, ALIX, await askPhone(computer, ALIX));
  await computer.at('Vous êtes identifié');
  await computer.press('Continuer');
  await computer.at('Application');
  const answered = await party.answer();
  assert.ok(answered.searchParams.get('code') && answered.searchParams.get('iss'), answered.search);
});

journey('whoever has no right any more is told so, and the application is refused', async ({ visitor, application }) => {
  const [computer, phone, party] = [await visitor(), await visitor(), await application()];
  await party.begin(computer);
  await answer(phone, PAUL, await askPhone(computer, PAUL));
  await computer.at('Connexion impossible');
  await computer.press(`Retour à « ${party.record.client_name} »`);
  assert.equal((await party.refusal()).error, 'access_denied');
});

journey('a person gives up, and a wrong identifier is explained', async ({ visitor, application }) => {
  const [computer, party] = [await visitor(), await application()];
  await party.begin(computer);
  await computer.at('Connexion');
  await computer.type(/Identifiant national/, '12');
  computer.provoke(/: 422$/);
  await computer.press('Se connecter avec e-CPS');
  await computer.page.getByRole('alert').getByText('Saisissez votre identifiant national').waitFor();
  await computer.examine();
  await computer.press('Annuler et revenir à l’application');
  await computer.at('Application');
  assert.equal((await party.refusal()).error, 'access_denied');
});

journey('the sandbox shows the tokens of a login, and registers an application', async ({ visitor }) => {
  const [computer, phone] = [await visitor(), await visitor()];
  await computer.page.goto('/auth/bac-a-sable');
  await computer.at('Bac à sable des applications');
  await computer.follow('Se connecter et voir les jetons');
  await answer(phone, CAMILLE, await askPhone(computer, CAMILLE));
  await computer.at('Ce que l’application reçoit');
  await computer.page.getByText(`"SubjectNameID": "${CAMILLE.id}"`).first().waitFor();
  await computer.follow('Revenir au bac à sable');
  await computer.type('Nom de l’application', 'Essai');
  await computer.type(/^Adresses de retour Une/, 'https://app.exemple.test/retour');
  await computer.press('Enregistrer l’application');
  await computer.at('Application enregistrée');
});
