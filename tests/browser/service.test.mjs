import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { traffic } from './shop.mjs';
import { send } from './span.mjs';
import { near, ratesOf, served } from './truth.mjs';

let gateway, browser, entries;
before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
  entries = traffic(11, 1200, 3000, Date.now() * 1000);
  await send(gateway.http, entries);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

const figures = (page) =>
  page.locator('.figures div').evaluateAll((all) => Object.fromEntries(all.map((one) => [one.querySelector('dt').textContent, one.querySelector('dd').textContent])));

function assertFigures(shown, truth) {
  assert.equal(shown.Exchanges, truth.count.toLocaleString('en'));
  assert.equal(Number.parseFloat(shown.Failed), Number(((truth.errors / truth.count) * 100).toFixed(1)));
  for (const name of ['p50', 'p95', 'p99']) assert.ok(near(shown[name], truth[name]), `${name}: ${shown[name]}, not ${truth[name]} us`);
}

test('figures are those of the traffic: counts exactly, percentiles within 2 %', async () => {
  const page = await openPage(browser, gateway.url);
  for (const name of ['front', 'payment', 'stock']) {
    await page.visit(`/service?name=${name}`);
    await page.locator('.figures dd').first().waitFor();
    assertFigures(await figures(page), ratesOf(served(entries, name)));
  }
  await page.done();
});

test('charts and heat map are drawn, and a stretch that is dragged over is looked at alone', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/service?name=front');
  await page.locator('.uplot canvas').first().waitFor();
  assert.equal(await page.locator('.uplot canvas').count(), 3);
  const painted = await page.locator('.heat canvas').evaluate((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let pixels = 0;
    for (let at = 3; at < data.length; at += 4) pixels += data[at] > 0 ? 1 : 0;
    return pixels;
  });
  assert.ok(painted > 500, `${painted} pixels`);
  await page.picture('service-charts');
  const plot = await page.locator('.u-over').first().boundingBox();
  await page.mouse.move(plot.x + plot.width * 0.4, plot.y + 50);
  await page.mouse.down();
  await page.mouse.move(plot.x + plot.width * 0.7, plot.y + 60, { steps: 5 });
  await page.mouse.up();
  await page.waitForURL(/start=\d+&end=\d+/);
  await page.goBack();
  await page.getByRole('button', { name: 'Last 1 hour' }).waitFor();
  await page.done();
});

test('an operation is looked at alone', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/service?name=front');
  await page.getByRole('link', { name: 'POST /order', exact: true }).first().click();
  await page.waitForURL(/operation=POST(\+|%20)%2Forder&kind=server/);
  const truth = ratesOf(served(entries, 'front').filter((one) => one.span.name === 'POST /order'));
  await page.waitForFunction((count) => document.querySelector('.figures dd')?.textContent === count, truth.count.toLocaleString('en'));
  assertFigures(await figures(page), truth);
  await page.picture('service-operation');
  await assertAccessible(page);
  await page.done();
});

test('the operations’ table has each one’s count', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/service?name=front');
  const table = page.locator('section', { hasText: 'Operations' }).locator('tbody tr');
  await table.first().waitFor();
  const counted = new Map();
  for (const { service, span } of entries) {
    if (service !== 'front') continue;
    const key = `${span.name}\t${span.kind === 2 ? 'server' : 'client'}`;
    counted.set(key, (counted.get(key) ?? 0) + 1);
  }
  const shown = new Map();
  for (const row of await table.all()) {
    const [name, kind, count] = await row.locator('td').allInnerTexts();
    shown.set(`${name}\t${kind}`, Number(count.replaceAll(',', '')));
  }
  assert.deepEqual([...shown].sort(), [...counted].sort());
  await page.done();
});

test('slowest and failed exchanges lead to their traces', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/service?name=payment');
  const slow = page.locator('section', { hasText: 'Slowest' }).locator('tbody tr');
  const failed = page.locator('section', { has: page.getByRole('heading', { name: 'Failed', exact: true }) }).locator('tbody tr');
  await slow.first().waitFor();
  await failed.first().waitFor();
  const durations = await slow.locator('td:last-child').allInnerTexts();
  assert.ok(near(durations[0], Math.max(...served(entries, 'payment').map((one) => Number(BigInt(one.span.endTimeUnixNano) - BigInt(one.span.startTimeUnixNano)) / 1000))));
  assert.match(await failed.first().innerText(), /UNAVAILABLE/);
  await failed.first().getByRole('link').click();
  await page.waitForURL(/\/trace\/.*span=/);
  await page.locator('.span-panel').waitFor();
  await page.done();
});

test('a cell of the heat map leads to its traces', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/service?name=front');
  const canvas = page.locator('.heat canvas');
  await canvas.waitFor();
  await page.waitForTimeout(300);
  const place = await canvas.evaluate((one) => {
    const { data, width, height } = one.getContext('2d').getImageData(0, 0, one.width, one.height);
    for (let x = Math.floor(width / 2); x < width; x++) {
      for (let y = 0; y < height; y++) if (data[(y * width + x) * 4 + 3] > 0 && data[((y + 2) * width + x + 2) * 4 + 3] > 0) return { x: x + 1, y: y + 1 };
    }
    return null;
  });
  await canvas.click({ position: place });
  await page.waitForURL(/\/search\?.*service=front.*min=/);
  await page.locator('.trace-list tbody tr').first().waitFor();
  await page.done();
});

test('a service that was not seen says so', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/service?name=nobody');
  await page.getByText('No exchanges in this stretch of time').waitFor();
  await page.done();
});
