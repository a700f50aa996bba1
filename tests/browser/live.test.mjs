import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { order } from './shop.mjs';
import { send } from './span.mjs';

let gateway, browser;
before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

const rows = (page) => page.locator('.live-table tbody tr');

test('exchanges appear as they arrive, and lead to their traces', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/live');
  await page.getByText('listening').waitFor();
  const { trace, entries } = order(5, Date.now() * 1000 - 1e6, 'POST /order', { fails: 'POST /send' });
  await send(gateway.http, entries);
  await page.waitForFunction((count) => document.querySelectorAll('.live-table tbody tr').length === count, entries.length);
  await page.picture('live');
  await assertAccessible(page);
  await page.getByRole('link', { name: 'shop.Payment/Charge' }).first().click();
  await page.waitForURL(new RegExp(`/trace/${trace}`));
  await page.done();
});

test('filters hold for what comes, and stand in the address', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/live?service=mail&errors=true');
  await page.getByText('listening').waitFor();
  await send(gateway.http, order(6, Date.now() * 1000, 'POST /order').entries);
  const failing = order(7, Date.now() * 1000, 'POST /order', { fails: 'POST /send' });
  await send(gateway.http, failing.entries);
  await rows(page).first().waitFor();
  assert.equal(await rows(page).count(), 1);
  assert.match(await rows(page).first().innerText(), /mail\s+POST \/send\s+server\s+503/);
  await page.done();
});

test('paused it stands still and counts what came', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/live');
  await page.getByText('listening').waitFor();
  await send(gateway.http, order(8, Date.now() * 1000, 'GET /cart').entries);
  await rows(page).first().waitFor();
  await page.getByRole('button', { name: 'Pause' }).click();
  const before = await rows(page).count();
  const more = order(9, Date.now() * 1000, 'GET /cart').entries;
  await send(gateway.http, more);
  await page.getByText(`${more.length} since the pause`).waitFor();
  assert.equal(await rows(page).count(), before);
  await page.getByRole('button', { name: 'Go on' }).click();
  await send(gateway.http, order(10, Date.now() * 1000, 'GET /cart').entries);
  await page.waitForFunction((count) => document.querySelectorAll('.live-table tbody tr').length > count, before);
  await page.done();
});
