import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { traffic } from './shop.mjs';
import { attributes, send } from './span.mjs';

let gateway, browser;
before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

/** What an agent says of itself (docs/self-report.md), as OTLP metrics. */
async function report({ node, instance, at_us, reported, dropped = [], processes }) {
  const timeUnixNano = `${Math.round(at_us)}000`;
  const point = (value, tags) => ({ timeUnixNano, asInt: String(value), attributes: attributes(tags) });
  const exchanges = [point(reported, { 'wirespan.outcome': 'reported' }), ...dropped.map(([stage, reason, count]) => point(count, { 'wirespan.outcome': 'dropped', 'wirespan.stage': stage, 'wirespan.reason': reason }))];
  const sockets = processes.map((one) =>
    point(one.sockets, {
      'process.pid': one.pid,
      'wirespan.service.name': one.name,
      'wirespan.protocols': one.protocol,
      'wirespan.seen': one.seen,
      'wirespan.capture.backend': one.seen ? 'socktrace' : '',
      'wirespan.missing': one.missing ?? '',
    }),
  );
  const resource = { attributes: attributes({ 'service.name': 'wirespan-agent', 'service.version': '0.1.0', 'service.instance.id': instance, 'host.name': node }) };
  const metrics = [
    { name: 'wirespan.exchanges', sum: { dataPoints: exchanges, aggregationTemporality: 2, isMonotonic: true } },
    { name: 'wirespan.coverage.sockets', gauge: { dataPoints: sockets } },
  ];
  const answer = await fetch(`http://127.0.0.1:${gateway.http}/v1/metrics`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] }),
  });
  assert.equal(answer.status, 200);
}

test('each node’s ledger adds up, and what is not seen comes first with its reason', async () => {
  const page = await openPage(browser, gateway.url);
  const now_us = Date.now() * 1000;
  await report({
    node: 'web-1',
    instance: 'a1',
    at_us: now_us - 12e6,
    reported: 119800,
    dropped: [['ring', 'full', 500], ['export', 'queue_full', 40]],
    processes: [
      { pid: 811, name: 'nginx', protocol: 'http/1.1', seen: true, sockets: 42 },
      { pid: 1204, name: 'envoy', protocol: 'tls', seen: false, missing: 'TLS: what it carries is not seen', sockets: 12 },
    ],
  });
  const workers = Array.from({ length: 30 }, (_, at) => ({ pid: 2000 + at, name: `worker-${at}`, protocol: 'http/2', seen: true, sockets: at }));
  await report({ node: 'app-1', instance: 'b2', at_us: now_us - 900e6, reported: 10, processes: workers });
  await page.visit('/coverage');
  const node = page.getByRole('region', { name: 'web-1' });
  await node.waitFor();
  const amounts = await node.locator('.ledger dd').allInnerTexts();
  const [seen, reported, dropped, open = 0] = amounts.map((text) => Number(text.replaceAll(',', '')));
  assert.deepEqual([seen, reported, dropped, open], [120340, 119800, 540, 0]);
  assert.deepEqual((await node.locator('.reasons li').allInnerTexts()).map((text) => text.split(/\s+/).slice(0, 3).join(' ')), ['ring: full 500', 'export: queue_full 40']);
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
