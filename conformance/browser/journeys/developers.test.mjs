// The door of developers: the page of the API, its forms and examples, answers and guides.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';

const journey = stage();
const HEADING = 'API FHIR pour les développeurs';

journey('from the page of the API to an answer, its reference and another search', async ({ visitor }) => {
  const developer = await visitor();
  const { page } = developer;
  await page.goto('/');
  await developer.follow('API FHIR R4');
  await developer.at(HEADING);
  await developer.follow('Tous les PractitionerRole');
  await developer.at('PractitionerRole');
  const told = JSON.parse(await page.locator('pre.answer').textContent());
  assert.ok(told.total > 0);
  await page.locator('pre.answer a', { hasText: /^Practitioner\// }).first().click();
  await page.getByRole('heading', { level: 1, name: /^Practitioner\/003-/ }).waitFor();
  await developer.examine();
  const one = JSON.parse(await page.locator('pre.answer').textContent());
  assert.equal(one.resourceType, 'Practitioner');
  const raw = await (await fetch(await page.locator('dd a').first().getAttribute('href'))).json();
  assert.deepEqual(one, raw);

  await developer.follow(HEADING);
  await developer.at(HEADING);
  await page.getByText('Composer une recherche de PractitionerRole').click();
  await developer.examine();
  const form = page.locator('details[open] form');
  await form.getByLabel('Comparaison, organization', { exact: true }).selectOption({ label: 'dont address-postalcode (Code postal)' });
  await form.getByLabel('Structure organization').fill('2');
  await form.getByLabel('Avec les ressources désignées _include').selectOption('PractitionerRole:practitioner');
  await form.getByLabel('Réponses par page _count').fill('2');
  await developer.press('Envoyer la requête');
  await developer.at('PractitionerRole');
  assert.ok(page.url().endsWith('/fhir/v2/PractitionerRole?organization.address-postalcode=2&_count=2&_include=PractitionerRole:practitioner'), page.url());
  // What was asked is in the form again.
  await page.getByText('Changer la recherche').click();
  assert.equal(await page.getByLabel('Structure organization').inputValue(), '2');
  await developer.examine();
});

journey('every example answers something', async ({ visitor }) => {
  const developer = await visitor();
  const { page } = developer;
  await page.goto('/fhir/v2');
  await developer.at(HEADING);
  const examples = await page.locator('ul.plain a').evaluateAll((links) => links.map((link) => link.getAttribute('href')));
  assert.ok(examples.length > 12, examples.join(' '));
  for (const example of examples) {
    await page.goto(example);
    const told = JSON.parse(await page.locator('pre.answer').textContent());
    assert.ok(told.resourceType !== 'Bundle' || told.total > 0, example);
  }
});

journey('a slip is answered with what was meant', async ({ visitor }) => {
  const developer = await visitor();
  developer.provoke(/famly=martin: 400$/);
  await developer.page.goto('/fhir/v2/Practitioner?famly=martin');
  await developer.at('Practitioner');
  await developer.examine();
  assert.match(await developer.page.locator('pre.answer').textContent(), /Did you mean family\?/);
});

journey('both guides are read', async ({ visitor }) => {
  const developer = await visitor();
  await developer.page.goto('/fhir/v2');
  await developer.follow('en français');
  await developer.at('Guide du développeur');
  await developer.follow(HEADING);
  await developer.follow('in English');
  await developer.at('Guide for developers');
});

journey('a search without script', async ({ visitor }) => {
  const developer = await visitor({ javaScriptEnabled: false });
  const { page } = developer;
  await page.goto('/fhir/v2');
  await page.getByText('Composer une recherche de Organization').click();
  const form = page.locator('details[open] form');
  await form.getByLabel('Réponses par page _count').fill('1');
  await form.getByRole('button').click();
  await developer.at('Organization');
  assert.equal(JSON.parse(await page.locator('pre.answer').textContent()).entry.length, 1);
});
