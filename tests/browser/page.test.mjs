// What holds for every view.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { order, traffic } from './shop.mjs';
import { send } from './span.mjs';

let gateway, browser, bought;
const views = { map: '/', focus: '/?focus=front', services: '/service', service: '/service?name=front', search: '/search?service=front', live: '/live', coverage: '/coverage' };

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
  const now = Date.now() * 1000;
  await send(gateway.http, traffic(5, 200, 1200, now));
  bought = order(77, now - 4e6, 'POST /order', { fails: 'POST /send' });
  await send(gateway.http, bought.entries);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

const settled = (page) => page.waitForFunction(() => document.querySelector('main h1') && !document.querySelector('.spinner'));

for (const [name, path] of Object.entries(views)) {
  for (const dark of [false, true]) {
    test(`${name}, ${dark ? 'dark' : 'light'}: clean for axe, nothing from elsewhere, nothing against the policy`, async () => {
      const page = await openPage(browser, gateway.url, { dark });
      await page.visit(path);
      await settled(page);
      await page.waitForTimeout(300);
      await page.picture(`${name}${dark ? '-dark' : ''}`);
      await assertAccessible(page);
      await page.done();
    });
  }
}

test('the policy forbids what is not the page’s own', async () => {
  const answer = await fetch(`${gateway.url}/service`);
  const policy = answer.headers.get('content-security-policy');
  assert.match(policy, /default-src 'self'/);
  assert.doesNotMatch(policy, /unsafe|https?:|\*/);
  const html = await answer.text();
  assert.doesNotMatch(html, /<style|style=|<script>|onload=/);
});

test('on a narrow screen nothing is cut off', async () => {
  const page = await openPage(browser, gateway.url, { size: { width: 420, height: 800 } });
  for (const [name, path] of Object.entries({ ...views, trace: `/trace/${bought.trace}` })) {
    await page.visit(path);
    await settled(page);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert.ok(wide <= 0, `${name} is ${wide} px too wide`);
    await page.picture(`narrow-${name}`);
  }
  await page.done();
});

test('keys go from view to view, and the history goes back', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/?range=15m');
  await settled(page);
  for (const [key, path] of [['f', '/search'], ['s', '/service'], ['l', '/live'], ['c', '/coverage'], ['m', '/']]) {
    await page.keyboard.press('g');
    await page.keyboard.press(key);
    await page.waitForFunction((to) => location.pathname === to, path);
    assert.match(page.url(), /range=15m/, 'the time range goes along');
  }
  await page.goBack();
  await page.waitForFunction(() => location.pathname === '/coverage');
  assert.equal(await page.locator('.views a[aria-current=page]').innerText(), 'Coverage');
  await page.goForward();
  await page.waitForFunction(() => location.pathname === '/');
  await page.keyboard.press('?');
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await page.picture('keys');
  await assertAccessible(page);
  await page.keyboard.press('Escape');
  await page.keyboard.press('g');
  await page.keyboard.press('f');
  await page.waitForFunction(() => location.pathname === '/search');
  await page.locator('main select').first().waitFor();
  await page.keyboard.press('/');
  assert.equal(await page.evaluate(() => document.activeElement?.tagName), 'SELECT');
  await page.done();
});

test('times are local or in UTC, as the address says, and both in the tooltip', async () => {
  const page = await openPage(browser, gateway.url, { zone: 'Asia/Tokyo' });
  await page.visit(`/trace/${bought.trace}`);
  const time = page.locator('.facts time');
  await time.waitFor();
  const start = Math.min(...bought.entries.map((one) => Number(BigInt(one.span.startTimeUnixNano) / 1000000n)));
  const text = (ms) => new Date(ms).toISOString().slice(0, 23).replace('T', ' ');
  assert.equal(await time.innerText(), text(start + 9 * 3600e3));
  const both = await time.getAttribute('title');
  assert.ok(both.includes(`${text(start)}`) && both.includes('UTC+09:00'), both);
  await page.getByRole('button', { name: /Local/ }).click();
  assert.equal(await time.innerText(), text(start));
  assert.match(page.url(), /tz=utc/);
  await page.goBack();
  assert.equal(await time.innerText(), text(start + 9 * 3600e3));
  await page.done();
});

test('colours are chosen and stay chosen', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/coverage');
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  const button = page.getByRole('button', { name: /Colours/ });
  await button.click();
  assert.equal(await ground(), light);
  await button.click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.reload();
  assert.equal(await ground(), dark);
  await page.done();
});

test('a stretch of time is chosen by name and by its ends', async () => {
  const page = await openPage(browser, gateway.url, { zone: 'UTC' });
  await page.visit('/search?service=front');
  await page.getByRole('button', { name: 'Last 1 hour' }).click();
  const panel = page.getByRole('dialog', { name: 'Time range' });
  await panel.getByRole('button', { name: '15m' }).click();
  await page.waitForURL(/range=15m/);
  await page.getByRole('button', { name: 'Last 15 minutes' }).click();
  await assertAccessible(page);
  await page.picture('range');
  await panel.getByLabel('From').fill('2026-01-02 03:04:05');
  await panel.getByLabel('To').fill('2026-01-02 04:04:05');
  await panel.getByRole('button', { name: 'Show this stretch' }).click();
  await page.waitForURL(/start=1767323045000000&end=1767326645000000/);
  await page.getByText('No trace fits').waitFor();
  await page.goBack();
  await page.waitForURL(/range=15m/);
  await page.locator('.trace-list tbody tr').first().waitFor();
  await page.done();
});

test('an address that stands for nothing says where to go', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/nowhere');
  await page.getByText('There is no such view').waitFor();
  await assertAccessible(page);
  await page.getByRole('link', { name: 'search for a trace' }).click();
  await page.waitForURL(/\/search/);
  await page.done();
});

test('a gateway that has nothing says what to do in every view', async () => {
  const empty = await Gateway.start();
  try {
    const page = await openPage(browser, empty.url);
    for (const [path, says] of [
      ['/', 'Nothing was seen in this stretch of time'],
      ['/service', 'No service was seen in this stretch of time'],
      ['/search', 'No traces have arrived yet'],
      ['/live', 'Waiting for exchanges'],
      ['/coverage', 'No agent has told its coverage yet'],
    ]) {
      await page.visit(path);
      await page.getByText(says).waitFor();
      await page.picture(`empty-${path.slice(1) || 'map'}`);
      await assertAccessible(page);
    }
    await page.done();
  } finally {
    await empty.end();
  }
});
