import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { order, traffic } from './shop.mjs';
import { send } from './span.mjs';

let gateway, browser, failing;
const now = Date.now() * 1000;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
  await send(gateway.http, traffic(5, 120, 1500, now));
  failing = order(77, now - 4e6, 'POST /order', { fails: 'POST /send' });
  await send(gateway.http, failing.entries);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

/** Trace ids that Jaeger's API answers to the same question: what the page has to list. */
async function expected(parameters) {
  const start = now - 3600e6;
  const query = new URLSearchParams({ start, end: Date.now() * 1000, limit: 100, ...parameters });
  const answer = await gateway.ask(`/api/traces?${query}`);
  return answer.data.map((trace) => trace.traceID).sort();
}

const listed = (page) => page.locator('.trace-list .what > a').evaluateAll((links) => links.map((link) => link.pathname.split('/').pop()).sort());
const settled = (page) => page.waitForFunction(() => document.querySelector('.results:not(.stale)') || document.querySelector('.state strong'));

test('a service’s traces are listed, and each is a point', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/search?service=front');
  await page.locator('.trace-list tbody tr').first().waitFor();
  const ids = await expected({ service: 'front' });
  assert.equal(ids.length, 100);
  assert.deepEqual(await listed(page), ids);
  assert.equal(await page.locator('.scatter circle').count(), ids.length);
  await page.picture('search');
  await assertAccessible(page);
  await page.done();
});

test('filters narrow, stand in the address, and back takes them away again', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/search?service=front');
  await settled(page);
  await page.getByLabel('Errors only').check();
  await page.waitForURL(/errors=true/);
  await page.waitForFunction(() => document.querySelectorAll('.trace-list tbody tr').length < 100);
  assert.deepEqual(await listed(page), await expected({ service: 'front', tags: '{"error":"true"}' }));
  await page.getByLabel('At least').fill('60ms');
  await page.waitForURL(/min=60ms/);
  const both = await expected({ service: 'front', tags: '{"error":"true"}', minDuration: '60ms' });
  await page.waitForFunction((count) => document.querySelectorAll('.trace-list tbody tr').length === count, both.length);
  assert.deepEqual(await listed(page), both);
  await page.goBack();
  await page.goBack();
  await page.waitForFunction(() => document.querySelectorAll('.trace-list tbody tr').length === 100);
  assert.equal(await page.getByLabel('Errors only').isChecked(), false);
  assert.equal(new URL(page.url()).search, '?service=front');
  await page.goForward();
  await page.waitForURL(/errors=true/);
  assert.equal(await page.getByLabel('Errors only').isChecked(), true);
  await page.done();
});

test('an attribute finds its trace among all services', async () => {
  const page = await openPage(browser, gateway.url);
  const wire = failing.entries.at(-1).span.attributes.find((one) => one.key === 'wirespan.wire_id').value.stringValue;
  await page.visit('/search');
  await settled(page);
  await page.getByLabel('Attributes').fill(`wirespan.wire_id=${wire}`);
  await page.waitForFunction(() => document.querySelectorAll('.trace-list tbody tr').length === 1);
  assert.deepEqual(await listed(page), [failing.trace]);
  await page.done();
});

test('results while typing: the pause is what one waits for', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/search?service=front');
  await settled(page);
  const times = [];
  for (const text of ['GET /cart', 'POST /order', 'GET /products', 'GET /cart', 'POST /order']) {
    const found = await expected({ service: 'front', operation: text });
    await page.evaluate((count) => {
      window.found = new Promise((resolve) => {
        const look = () => {
          const ready = document.querySelector('.results:not(.stale)') && document.querySelectorAll('.trace-list tbody tr').length === count;
          if (ready) resolve(performance.now());
          else requestAnimationFrame(look);
        };
        document.querySelector('.search-form').addEventListener('input', () => setTimeout(look, 0), { once: true });
        document.querySelector('.search-form').addEventListener('input', () => (window.typed = performance.now()), { once: true });
      });
    }, found.length);
    await page.getByLabel('Operation').fill(text);
    times.push(await page.evaluate(async () => (await window.found) - window.typed));
  }
  times.sort((one, other) => one - other);
  console.log(`results ${times[2].toFixed(0)} ms after the last key (median of ${times.length}), 250 of it a pause of typing`);
  await page.done();
});

test('what can’t be meant is said at the field, and not asked', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/search?service=front');
  await settled(page);
  await page.getByLabel('At least').fill('fast');
  await page.getByText('Write 250ms').waitFor();
  await page.getByLabel('Attributes').fill('nothing');
  await page.getByText('Write key=value').waitFor();
  assert.equal(new URL(page.url()).search, '?service=front');
  await assertAccessible(page);
  await page.done();
});

test('nothing found says what to do, and does it', async () => {
  const page = await openPage(browser, gateway.url, { dark: true });
  await page.visit('/search?service=front&attr=no.such=thing');
  await page.getByText('No trace fits').waitFor();
  await page.picture('search-nothing-dark');
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Take all filters away' }).click();
  await page.locator('.trace-list tbody tr').first().waitFor();
  await page.done();
});

test('a point leads to its trace', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit(`/search?service=mail&errors=true`);
  await page.locator('.scatter circle').first().click();
  await page.waitForURL(new RegExp(`/trace/${failing.trace}`));
  await page.locator('.row').first().waitFor();
  await page.done();
});

test('a gateway that is gone is named, and asked again', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/search?service=front');
  await settled(page);
  await page.route('**/api/traces?*', (route) => route.abort());
  await page.getByRole('button', { name: 'Search again' }).click();
  await page.getByText('The gateway does not answer').waitFor();
  await assertAccessible(page);
  await page.unroute('**/api/traces?*');
  await page.getByRole('button', { name: 'Try again' }).click();
  await page.locator('.trace-list tbody tr').first().waitFor();
  page.wrong.splice(0, page.wrong.length, ...page.wrong.filter((one) => !one.includes('net::ERR_FAILED')));
  await page.done();
});
