// The stage itself: what it must notice, it notices.

import assert from 'node:assert/strict';
import { until } from '../lib/browser.mjs';
import { freePort } from '../lib/demo.mjs';
import { stage } from '../lib/stage.mjs';
import { tabTo } from '../lib/keyboard.mjs';

const journey = stage();
const page = (content) => `<!DOCTYPE html><html lang="fr"><head><title>Essai</title></head><body><main><h1>Essai</h1>${content}</main></body></html>`;

journey('a page that is fine passes', async ({ visitor }) => {
  const person = await visitor();
  await person.page.setContent(page('<p>Bonjour</p>'));
  await person.at('Essai');
});

journey('a page that some people cannot read is found', async ({ visitor }) => {
  const person = await visitor();
  await person.page.setContent(page('<img src="data:,">'));
  await assert.rejects(person.examine(), /image-alt/);
  await person.page.setContent(page('<p style="color: #aaa">Gris</p>'));
  await assert.rejects(person.examine(), /color-contrast/);
});

journey('a page that is too wide is found', async ({ visitor }) => {
  const person = await visitor();
  await person.page.setContent(page('<p style="width: 400px">Large</p>'));
  await assert.rejects(person.examine(), /pixels wide on a screen of 360/);
});

journey('a focus that is not seen, or goes back, is found', async ({ visitor }) => {
  const [person, other] = [await visitor(), await visitor()];
  await other.page.setContent(page('<button style="outline: none">Premier</button>'));
  await assert.rejects(tabTo(other.page, 'Premier'), /is not seen/);
  const outline = 'style="outline: 3px solid black"';
  await person.page.setContent(page(`<button ${outline}>Premier</button><button ${outline} tabindex="1">Second</button>`));
  await assert.rejects(tabTo(person.page, 'Premier'), /goes back to « Premier »/);
});

journey('errors of scripts, of the console, of answers and of the network are found, and a provoked one has to come', async ({ demo, visitor }) => {
  const person = await visitor();
  await person.page.goto('/e-cps/app/');
  person.provoke(/never/);
  assert.match(person.faults().join(), /never.* did not come/);
  await person.page.evaluate(() => {
    setTimeout(() => { throw new Error('hélas'); });
    console.error('oh');
    fetch('/e-cps/rien');
    document.body.append(Object.assign(document.createElement('script'), { textContent: '0' }));
  });
  for (const pattern of [/script: .*hélas/, /console: oh/, new RegExp(`GET ${demo.base}/e-cps/rien: 404`), /Content Security Policy/]) {
    await until(String(pattern), () => person.faults().some((fault) => pattern.test(fault)));
  }
  await assert.rejects(person.page.goto(`http://localhost:${await freePort()}/`));
  await until('a refused connection', () => person.faults().some((fault) => /ERR_CONNECTION_REFUSED/.test(fault)));
  person.forgive();
});
