// A browser, its visitors, and what is wrong with a page.

import assert from 'node:assert/strict';
import dns from 'node:dns';
import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Width at which no page may scroll sideways, in CSS pixels. */
const NARROW = 360;
/**
 * How long a journey waits for one thing: a page, a button, a message. All other waits follow from it. It is sized for two slow cores that several
 * servers and browsers share; what comes earlier is not waited for any longer.
 */
export const WAIT_MS = 60_000;

// Names below localhost are of this machine (RFC 6761 §6.3). Chromium knows that; Playwright, which shows the cards in its place, asks the system.
const { lookup } = dns.promises;
dns.promises.lookup = (name, options) => lookup(name.endsWith('.localhost') ? 'localhost' : name, options);

/** Starts Chromium without a window. */
export function openBrowser() {
  const executablePath = process.env.ANNUAIRE_CHROMIUM ?? '/usr/bin/chromium';
  // The sandbox of Chromium refuses root, as whom the tests of a fresh machine run.
  return chromium.launch({ executablePath, args: process.getuid() === 0 ? ['--no-sandbox'] : [] });
}

/** Somebody with a browser profile of their own. What goes wrong in it is a fault of the journey, unless the journey provoked it. */
export class Visitor {
  #found = [];
  #provoked = [];
  #examined;
  #scripts;
  #wasOffline = false;

  static async open(browser, { base, examined, ...options }) {
    const visitor = new Visitor();
    visitor.#examined = examined;
    visitor.#scripts = options.javaScriptEnabled !== false;
    visitor.context = await browser.newContext({ baseURL: base, locale: 'fr-FR', ...options });
    visitor.context.setDefaultTimeout(WAIT_MS);
    visitor.#watch();
    visitor.page = await visitor.context.newPage();
    return visitor;
  }

  #watch() {
    this.context.on('weberror', (error) => this.#note(`script: ${error.error()}`));
    this.context.on('console', (message) => {
      // Answers are looked at below, with their address.
      if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) {
        this.#note(`console: ${message.text()}`);
      }
    });
    this.context.on('requestfailed', (request) => {
      const why = request.failure().errorText;
      // A page that is left while it loads, and a network that the journey took away.
      if (why !== 'net::ERR_ABORTED' && !(this.#wasOffline && why === 'net::ERR_INTERNET_DISCONNECTED')) {
        this.#note(`${request.method()} ${request.url()}: ${why}`);
      }
    });
    this.context.on('response', (answer) => {
      if (answer.status() >= 400) {
        this.#note(`${answer.request().method()} ${answer.url()}: ${answer.status()}`);
      }
    });
  }

  #note(what) {
    const at = this.#provoked.findIndex((pattern) => pattern.test(what));
    if (at < 0) {
      this.#found.push(what);
    } else {
      this.#provoked.splice(at, 1);
    }
  }

  /** Says that this journey provokes one fault of this form, which has to come. */
  provoke(pattern) {
    this.#provoked.push(pattern);
  }

  /** What went wrong, and what was provoked and did not come. */
  faults() {
    return [...this.#found, ...this.#provoked.map((pattern) => `${pattern} did not come`)];
  }

  /** Takes all that was found as looked at. */
  forgive() {
    this.#found = [];
    this.#provoked = [];
  }

  /** Is without network during `work`. What cannot be reached then is no fault; the event may come after it. */
  async withoutNetwork(work) {
    this.#wasOffline = true;
    await this.context.setOffline(true);
    await work();
    await this.context.setOffline(false);
  }

  /** Waits for the page with this heading, and examines it when it is the first of its kind. */
  async at(heading) {
    const found = this.page.getByRole('heading', { level: 1, name: heading, exact: true });
    await found.waitFor();
    const kind = `${await this.page.title()} ${await found.textContent()}`;
    if (!this.#examined.has(kind)) {
      this.#examined.add(kind);
      await this.examine();
    }
  }

  /** Fails when the present page has a fault that axe finds, or scrolls sideways on a narrow screen. */
  async examine() {
    const { page } = this;
    const usual = page.viewportSize();
    await page.setViewportSize({ width: NARROW, height: 740 });
    const [needed, given] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(needed <= given, `${page.url()} is ${needed} pixels wide on a screen of ${given}`);
    await this.#keep(390);
    await page.setViewportSize(usual);
    await this.#keep(1280);
    // A page without script cannot wait for one: the same pages are examined with it.
    if (this.#scripts) {
      await page.evaluate(AXE);
      const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ['violations'] }));
      const lines = violations.flatMap((one) => one.nodes.map((node) => `${one.id} (${one.help}): ${node.html}`));
      assert.deepEqual(lines, [], `axe on ${page.url()}`);
    }
  }

  /** Keeps a picture of the page at a width, where somebody wants some. */
  async #keep(width) {
    const dir = process.env.ANNUAIRE_BROWSER_PAGES;
    if (!dir || !this.#scripts) {
      return;
    }
    const { page } = this;
    const usual = page.viewportSize();
    await mkdir(dir, { recursive: true });
    await page.setViewportSize({ width, height: 900 });
    const name = `${(await page.title()).split(' — ')[0]} ${new URL(page.url()).pathname.replaceAll(/P\d{14}/g, 'P')}`;
    await page.screenshot({ path: `${dir}/${name.replaceAll(/[^\p{L}\p{N}]+/gu, '-').slice(0, 100)}-${width}.png`, fullPage: true });
    await page.setViewportSize(usual);
  }

  /** Follows the first link with this name. */
  follow(name) {
    return this.page.getByRole('link', { name, exact: true }).first().click();
  }

  /** Presses the button with this name. */
  press(name) {
    return this.page.getByRole('button', { name, exact: true }).filter({ visible: true }).click();
  }

  /** Types into the field with this label. */
  type(label, text) {
    return this.page.getByLabel(label, { exact: true }).filter({ visible: true }).fill(text);
  }
}

/** Looks again and again, for so many milliseconds at most, until `look` finds something. */
export async function until(what, look, waitMs = WAIT_MS) {
  const end = Date.now() + waitMs;
  while (Date.now() < end) {
    const found = await look();
    if (found) {
      return found;
    }
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  throw new Error(`${what} did not come within ${waitMs / 1_000} s`);
}
