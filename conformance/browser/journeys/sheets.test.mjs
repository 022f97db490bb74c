// The sheets of professionals and structures, the check of a right to practise, and the manners of the public pages.

import assert from 'node:assert/strict';
import { stage } from '../lib/stage.mjs';

const journey = stage();
const PLAIN = { javaScriptEnabled: false };
const WIDTHS = [1280, 390, 320];

/** What the API says at a path. */
async function facts(demo, path) {
  const answer = await fetch(`${demo.base}/fhir/v2/${path}`);
  assert.equal(answer.status, 200, path);
  return (await answer.json()).entry.map((entry) => entry.resource);
}

const identifier = (resource, type) => resource.identifier.find((one) => one.type?.coding[0].code === type)?.value;

/** Somebody who practises at a place with a telephone: numbers of the person and of the place. */
async function someone(demo) {
  const resources = await facts(demo, 'PractitionerRole?active=true&_count=50&_include=PractitionerRole:practitioner&_include=PractitionerRole:organization');
  const at = (reference) => resources.find((one) => `${one.resourceType}/${one.id}` === reference);
  for (const role of resources.filter((one) => one.resourceType === 'PractitionerRole' && one.organization)) {
    const [person, place] = [at(role.practitioner.reference), at(role.organization.reference)];
    const phone = place?.telecom?.find((one) => one.system === 'phone')?.value;
    if (person && phone && identifier(person, 'RPPS')) {
      return { id: identifier(person, 'IDNPS'), rpps: identifier(person, 'RPPS'), place: place.id.replace('001-', ''), phone };
    }
  }
  throw new Error('the demonstration has nobody with a telephone');
}

/** Examines the present page at all widths, with text of double size, and in the dark. */
async function lookAround(visitor) {
  const { page } = visitor;
  const look = async (what, widths) => {
    for (const width of widths) {
      await page.setViewportSize({ width, height: 800 });
      const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
      assert.ok(needed <= given, `${page.url()} ${what} is ${needed} pixels wide on a screen of ${given}`);
      await visitor.examine();
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  };
  await look('as it is', WIDTHS);
  await page.evaluate(() => { document.documentElement.style.fontSize = '200%'; });
  await look('with double text', WIDTHS);
  await page.evaluate(() => { document.documentElement.style.fontSize = ''; });
  await page.emulateMedia({ colorScheme: 'dark' });
  await look('in the dark', [1280]);
  await page.emulateMedia({ colorScheme: 'light' });
}

journey('the sheet of a professional: telephone first, copied, carried away, and nobody else is asked', async ({ demo, visitor }) => {
  const reader = await visitor({ permissions: ['clipboard-read', 'clipboard-write'] });
  const asked = new Set();
  reader.context.on('request', (request) => asked.add(new URL(request.url()).origin));
  const who = await someone(demo);
  await reader.page.goto(`/professionnel/${who.id}`);
  const call = reader.page.locator(`a[href="tel:+33${who.phone.slice(1)}"]`).first();
  await call.waitFor();
  const written = (await call.textContent()).trim();
  await reader.page.getByRole('button', { name: `Copier le numéro ${written}` }).first().click();
  await reader.page.getByText(`Numéro copié : ${written}`).waitFor();
  assert.equal(await reader.page.evaluate(() => navigator.clipboard.readText()), written);
  for (const folded of await reader.page.locator('details').all()) {
    await folded.locator('summary').click();
  }
  await reader.page.locator('img[src$="/qr.svg"]').evaluate((image) => image.decode());
  await reader.page.getByText('Mise à jour par l’autorité').waitFor();
  await lookAround(reader);
  assert.deepEqual([...asked], [demo.base]);

  await reader.follow('English');
  await reader.page.getByText('Updated by the authority').waitFor({ state: 'attached' });
  await reader.examine();
  await reader.follow('Français');
  await reader.page.getByText('Mise à jour par l’autorité').waitFor({ state: 'attached' });

  const card = await (await fetch(`${demo.base}/professionnel/${who.id}/carte.vcf`)).text();
  assert.match(card, /^BEGIN:VCARD\r\nVERSION:4\.0\r\n/);
  assert.ok(card.includes(`TEL;VALUE=uri;TYPE="work,voice":tel:+33${who.phone.slice(1)}`), card);
  await reader.follow('Signaler une erreur dans cette fiche');
  await reader.at('Signaler une anomalie');
  assert.equal(await reader.page.getByLabel('Numéro RPPS').inputValue(), who.rpps);
});

journey('the sheet of a structure, the legal notices and the statement on accessibility', async ({ demo, visitor }) => {
  const reader = await visitor();
  const who = await someone(demo);
  await reader.page.goto(`/structure/${who.place}`);
  await reader.page.locator(`a[href="tel:+33${who.phone.slice(1)}"]`).first().waitFor();
  for (const folded of await reader.page.locator('details').all()) {
    await folded.locator('summary').click();
  }
  await lookAround(reader);
  const data = JSON.parse(await reader.page.locator('script[type="application/ld+json"]').textContent());
  assert.equal(data['@id'], `${demo.base}/structure/${who.place}`);
  for (const [path, heading] of [['/mentions', 'Mentions légales et réutilisation'], ['/accessibilite', 'Déclaration d’accessibilité']]) {
    await reader.page.goto(path);
    await reader.at(heading);
    await lookAround(reader);
  }
});

journey('a right to practise is checked without script, and a number that is none is told', async ({ demo, visitor }) => {
  const reader = await visitor(PLAIN);
  const who = await someone(demo);
  await reader.page.goto('/verifier');
  await reader.at('Vérifier un professionnel');
  reader.provoke(/verifier.*400/);
  await reader.type('Numéro RPPS', '123');
  await reader.press('Vérifier');
  await reader.page.getByText('Un numéro RPPS a onze chiffres.').waitFor();
  await reader.type('Numéro RPPS', who.rpps);
  await reader.press('Vérifier');
  await reader.page.getByText('Ce numéro RPPS est publié comme celui d’un professionnel en exercice.').waitFor();
  await reader.examine();

  const looker = await visitor();
  await looker.page.goto(`/verifier?numero=${who.rpps}`);
  await looker.page.getByText('Ce que cette page ne dit pas').waitFor();
  await lookAround(looker);
  looker.provoke(/verifier.*404/);
  await looker.page.goto('/verifier?numero=10999009995');
  await looker.at('Exercice non vérifié');
  await lookAround(looker);
});

journey('without script no button is shown that would do nothing', async ({ demo, visitor }) => {
  const reader = await visitor(PLAIN);
  const who = await someone(demo);
  await reader.page.goto(`/professionnel/${who.id}`);
  await reader.page.locator('a[href^="tel:"]').first().waitFor();
  assert.equal(await reader.page.locator('button[data-copy]').filter({ visible: true }).count(), 0);
  await reader.examine();
});

journey('every sheet of the sitemap is there, and is not sent twice', async ({ demo }) => {
  const places = (xml) => [...xml.matchAll(/<loc>([^<]+)<\/loc>/g)].map((match) => match[1]);
  const index = await (await fetch(`${demo.base}/sitemap.xml`)).text();
  let sheets = [];
  for (const part of places(index)) {
    sheets = sheets.concat(places(await (await fetch(part)).text()));
  }
  assert.ok(sheets.length >= 60, `${sheets.length} sheets`);
  for (const sheet of sheets.slice(0, 40)) {
    const first = await fetch(sheet);
    assert.equal(first.status, 200, sheet);
    assert.equal((await fetch(sheet, { headers: { 'if-none-match': first.headers.get('etag') } })).status, 304, sheet);
  }
});
