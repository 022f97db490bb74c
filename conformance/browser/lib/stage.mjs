// What a file of journeys stands on: one demonstration, one browser, and for each journey visitors and applications of its own.

import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { openBrowser, Visitor, WAIT_MS } from './browser.mjs';
import { startDemo } from './demo.mjs';
import { Application } from './application.mjs';

const JOURNEY_MS = 6 * WAIT_MS;
/** Letters of a page that the report of a failed journey quotes. */
const SHOWN = 400;

/**
 * Starts demonstration and browser for this file, and returns `journey(name, body)`, which declares a test. `body` is given
 * `{ demo, visitor, application }`: `visitor(options)` opens a browser profile, `application(record)` registers and runs a relying party.
 * Options are those of a demonstration, and `told`, patterns of what it may tell its operator.
 */
export function stage(options = {}) {
  const kinds = new Set();
  let demo;
  let browser;
  before(async () => {
    demo = await startDemo(options);
    browser = await openBrowser();
  });
  after(async () => {
    await browser?.close();
    await demo?.stop(options.told);
  });
  return (name, body) => test(name, { timeout: JOURNEY_MS }, async () => {
    const visitors = [];
    const applications = [];
    const visitor = async (profile = {}) => {
      visitors.push(await Visitor.open(browser, { base: demo.base, examined: kinds, ...profile }));
      return visitors.at(-1);
    };
    const application = async (record = {}) => {
      applications.push(await Application.start(demo, record));
      return applications.at(-1);
    };
    try {
      await body({ demo, visitor, application });
      assert.deepEqual(visitors.flatMap((one) => one.faults()), []);
    } catch (error) {
      await keepPictures(name, visitors, error);
      throw error;
    } finally {
      await Promise.all(visitors.map((one) => one.context.close()));
      applications.forEach((one) => one.stop());
    }
  });
}

/** Keeps what the visitors of a failed journey saw, and says where. */
async function keepPictures(name, visitors, error) {
  const dir = process.env.ANNUAIRE_BROWSER_FAILURES;
  if (!dir) {
    return;
  }
  await mkdir(dir, { recursive: true });
  for (const [n, visitor] of visitors.entries()) {
    const file = join(dir, `${name.replaceAll(/\W+/g, '-')}-${n + 1}`);
    try {
      await visitor.page.screenshot({ path: `${file}.png`, fullPage: true });
      await writeFile(`${file}.html`, `<!-- ${visitor.page.url()} ${visitor.faults().join('; ')} -->\n${await visitor.page.content()}`);
      const shown = (await visitor.page.locator('body').innerText()).replaceAll(/\s+/g, ' ').slice(0, SHOWN);
      // The stack is what a report prints.
      error.stack += `\n  what visitor ${n + 1} saw: ${file}.png, ${file}.html: ${shown}`;
    } catch {
      // A page that is gone has no picture.
    }
  }
}
