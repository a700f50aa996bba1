import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { traffic } from './shop.mjs';
import { send } from './span.mjs';

let gateway, browser;
before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

// Agents do not send their coverage yet: the answer stands here, in the API's shape.
const told = (now_us) => ({
  nodes: [
    {
      node: 'web-1',
      instance: 'a1',
      seen_at_us: now_us - 12e6,
      version: '0.1.0',
      ledger: { seen: 120345, reported: 119800, dropped: [{ reason: 'lost_events', count: 500 }, { reason: 'head_too_long', count: 40 }] },
      processes: [
        { pid: 811, name: 'nginx', protocol: 'http/1.1', seen: true, how: 'socktrace', missing: '', sockets: 42 },
        { pid: 1204, name: 'envoy', protocol: 'tls', seen: false, how: '', missing: 'TLS: what it carries is not seen', sockets: 12 },
      ],
    },
    {
      node: 'app-1',
      instance: 'b2',
      seen_at_us: now_us - 900e6,
      version: '0.1.0',
      ledger: { seen: 10, reported: 10, dropped: [] },
      processes: Array.from({ length: 30 }, (_, at) => ({ pid: 2000 + at, name: `worker-${at}`, protocol: 'http/2', seen: true, how: 'socktrace', missing: '', sockets: at })),
    },
  ],
});

test('each node’s ledger adds up, and what is not seen comes first with its reason', async () => {
  const page = await openPage(browser, gateway.url);
  await page.route('**/wirespan/api/coverage', (route) => route.fulfill({ json: told(Date.now() * 1000) }));
  await page.visit('/coverage');
  const node = page.getByRole('region', { name: 'web-1' });
  await node.waitFor();
  const amounts = await node.locator('.ledger dd').allInnerTexts();
  const [seen, reported, dropped, open] = amounts.map((text) => Number(text.replaceAll(',', '')));
  assert.deepEqual([seen, reported, dropped], [120345, 119800, 540]);
  assert.equal(seen, reported + dropped + open);
  assert.deepEqual((await node.locator('.reasons li').allInnerTexts()).map((text) => text.split(/\s+/).slice(0, 2).join(' ')), ['lost_events 500', 'head_too_long 40']);
  assert.match(await node.locator('tbody tr').first().innerText(), /envoy\s+1204\s+tls\s+12\s+not seen\s+TLS: what it carries is not seen/);
  assert.match(await page.getByRole('region', { name: 'app-1' }).innerText(), /heard 15 min ago/);
  await page.picture('coverage-nodes');
  await assertAccessible(page);
  await page.getByRole('button', { name: 'Show the other 10' }).click();
  assert.equal(await page.getByRole('region', { name: 'app-1' }).locator('tbody tr').count(), 30);
  await page.done();
});

test('what the store keeps is told', async () => {
  const entries = traffic(3, 20, 60, Date.now() * 1000);
  await send(gateway.http, entries);
  const page = await openPage(browser, gateway.url);
  await page.visit('/coverage');
  const figures = page.locator('.figures.store');
  await figures.waitFor();
  await page.waitForFunction((count) => document.querySelector('.figures.store dd')?.textContent === count, entries.length.toLocaleString('en'), { timeout: 15000 });
  assert.match(await figures.innerText(), /of 10 GiB/);
  await page.done();
});
