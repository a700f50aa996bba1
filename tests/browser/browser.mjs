// Debian's Chromium, and what every test asks of a page: no error, nothing from elsewhere, nothing that the policy forbids.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { root } from './gateway.mjs';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const pictures = join(root, 'build', 'browser');

export async function startBrowser() {
  await mkdir(pictures, { recursive: true });
  return chromium.launch({
    executablePath: process.env.WIRESPAN_CHROMIUM ?? '/usr/bin/chromium',
    // Root has no sandbox; a container's /dev/shm is small.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
}

/** A page that remembers what went wrong; `expected`: errors that the test provokes. */
export async function openPage(browser, origin, { dark = false, size = { width: 1440, height: 900 }, zone = 'Europe/Berlin' } = {}) {
  const context = await browser.newContext({ viewport: size, colorScheme: dark ? 'dark' : 'light', timezoneId: zone, locale: 'en-GB' });
  const page = await context.newPage();
  const wrong = [];
  page.on('pageerror', (error) => wrong.push(`error: ${error.message}`));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') wrong.push(`${message.type()}: ${message.text()}`);
  });
  page.on('request', (request) => {
    if (!request.url().startsWith(origin) && !request.url().startsWith('blob:')) wrong.push(`asked elsewhere: ${request.url()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  return Object.assign(page, {
    wrong,
    visit: (path) => page.goto(origin + path),
    picture: (name) => page.screenshot({ path: join(pictures, `${name}.png`) }),
    done: async () => {
      assert.deepEqual(wrong, []);
      await context.close();
    },
  });
}

/** What axe finds against WCAG 2.2 A and AA, as sentences. */
export async function accessibility(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() =>
    // eslint-disable-next-line no-undef
    axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] }),
  );
  return found.violations.map((rule) => `${rule.id}: ${rule.help}: ${rule.nodes.slice(0, 3).map((node) => node.html.slice(0, 160)).join(' | ')}`);
}

export async function assertAccessible(page) {
  assert.deepEqual(await accessibility(page), []);
}

/** The texts of all elements that a selector finds. */
export function texts(page, selector) {
  return page.locator(selector).allInnerTexts();
}
