import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { manyServices } from './large.mjs';
import { traffic } from './shop.mjs';
import { hex, random, send, span } from './span.mjs';
import { edgesOf, near, ratesOf, served } from './truth.mjs';

let browser;
before(async () => (browser = await startBrowser()));
after(() => browser?.close());

async function withTraffic(entries, run) {
  const gateway = await Gateway.start();
  try {
    await send(gateway.http, entries);
    await run(gateway);
  } finally {
    await gateway.end();
  }
}

test('a few services: all connections, with rates that are those of the traffic', async () => {
  const entries = traffic(5, 300, 1200, Date.now() * 1000);
  await withTraffic(entries, async (gateway) => {
    const page = await openPage(browser, gateway.url);
    await page.visit('/');
    await page.locator('.node').first().waitFor();
    const names = [...new Set(entries.map((one) => one.service))].sort();
    assert.deepEqual((await page.locator('.node .name').allTextContents()).sort(), names);
    assert.equal(await page.locator('.edge').count(), edgesOf(entries).size);
    await page.picture('map-few');
    for (const row of await page.locator('.map-side tbody tr').all()) {
      const [name, rate, failed, p95] = await row.locator('td').allInnerTexts();
      const truth = ratesOf(served(entries, name.trim()));
      if (truth.count === 0) {
        assert.equal(rate, '–');
        continue;
      }
      const per_second = truth.count / 3600;
      assert.equal(rate, per_second < 0.01 ? `${(per_second * 60).toFixed(2)}/min` : `${per_second.toFixed(2)}/s`, name);
      const share = truth.errors / truth.count;
      assert.equal(failed, share === 0 ? '0 %' : `${(share * 100).toFixed(1)} %`, name);
      assert.ok(near(p95, truth.p95), `${name}: ${p95}, not ${truth.p95} us`);
    }
    await page.done();
  });
});

test('a service that is chosen shows its neighbours, and goes on', async () => {
  const entries = traffic(6, 100, 600, Date.now() * 1000);
  await withTraffic(entries, async (gateway) => {
    const page = await openPage(browser, gateway.url);
    await page.visit('/');
    await page.locator('.node', { hasText: 'cart' }).click();
    await page.waitForURL(/focus=cart/);
    const side = page.getByRole('complementary', { name: 'The chosen service' });
    assert.match(await side.innerText(), /Called by[\s\S]+front[\s\S]+Calls[\s\S]+stock/);
    await page.picture('map-focus');
    await assertAccessible(page);
    await page.goBack();
    await page.getByRole('complementary', { name: 'All services' }).waitFor();
    await page.goForward();
    await side.getByRole('link', { name: 'Over time' }).click();
    await page.waitForURL(/\/service\?name=cart/);
    await page.done();
  });
});

test('new traffic appears without a reload', async () => {
  await withTraffic(traffic(6, 20, 100, Date.now() * 1000), async (gateway) => {
    const page = await openPage(browser, gateway.url);
    await page.visit('/');
    await page.locator('.node').first().waitFor();
    const fresh = traffic(7, 5, 10, Date.now() * 1000).map((one) => ({ ...one, service: one.service === 'mail' ? 'post' : one.service }));
    await send(gateway.http, [...fresh, ...traffic(8, 1, 1, Date.now() * 1000).map((one) => ({ ...one, service: 'newcomer' }))]);
    await page.locator('.node', { hasText: 'newcomer' }).waitFor({ timeout: 20000 });
    await page.done();
  });
});

test('who reports no spans is there by its address, dashed', async () => {
  const entries = traffic(5, 20, 100, Date.now() * 1000);
  const next = random(9);
  const calls = [1, 2, 3].map(() => ({
    service: 'stock',
    span: span({
      trace: hex(next, 32), id: hex(next, 16), name: 'SELECT', kind: 'client', start_us: Date.now() * 1000 - 5e6, duration_us: 700,
      tags: { 'server.address': 'db.shop.internal', 'server.port': 5432 },
    }),
  }));
  await withTraffic([...entries, ...calls], async (gateway) => {
    const page = await openPage(browser, gateway.url);
    await page.visit('/');
    const node = page.locator('.node.unseen');
    await node.waitFor();
    assert.equal(await node.count(), 1);
    assert.match(await node.textContent(), /db\.shop\.internal:5432[\s\S]*not observed/);
    assert.equal(await page.locator('.edge').count(), edgesOf(entries).size + 1);
    assert.equal(await page.locator('.edge.unseen').count(), 1);
    await page.picture('map-unseen');
    await node.click();
    const side = page.getByRole('complementary', { name: 'The chosen service' });
    await side.getByText('It is not observed').waitFor();
    assert.match(await side.innerText(), /Called by[\s\S]+stock/);
    await assertAccessible(page);
    await page.done();
  });
});

test('three hundred services: every name in sight, none over another, one among them at hand', async () => {
  const { services, entries } = manyServices(3, 300, Date.now() * 1000);
  await withTraffic(entries, async (gateway) => {
    const page = await openPage(browser, gateway.url, { size: { width: 1680, height: 1000 } });
    await page.visit('/');
    await page.waitForFunction((count) => document.querySelectorAll('.node').length === count, services.length, { timeout: 60000 });
    const boxes = await page.locator('.node .body').evaluateAll((all) =>
      all.map((one) => {
        const { left, top, right, bottom } = one.getBoundingClientRect();
        return { left, top, right, bottom };
      }),
    );
    const place = await page.locator('.map-drawing').boundingBox();
    for (const box of boxes) {
      assert.ok(box.left >= place.x - 1 && box.right <= place.x + place.width + 1 && box.top >= place.y - 1 && box.bottom <= place.y + place.height + 1);
    }
    boxes.forEach((one, at) =>
      boxes.slice(at + 1).forEach((other) => {
        assert.ok(one.right <= other.left + 0.5 || other.right <= one.left + 0.5 || one.bottom <= other.top + 0.5 || other.bottom <= one.top + 0.5, 'boxes overlap');
      }),
    );
    const tall = boxes[0].bottom - boxes[0].top;
    console.log(`a name’s box is ${(boxes[0].right - boxes[0].left).toFixed(0)} x ${tall.toFixed(1)} px`);
    assert.ok(tall > 13, 'names can be read');
    await page.picture('map-300');
    await assertAccessible(page);
    await page.getByLabel('Find a service').fill('core-042');
    await page.waitForFunction(() => document.querySelectorAll('.map-side tbody tr').length === 1);
    await page.locator('.map-side tbody a').click();
    await page.waitForURL(/focus=core-042/);
    await page.waitForFunction(() => document.querySelectorAll('.node').length < 30 && document.querySelector('.node.focused .numbers'));
    await page.waitForTimeout(300);
    await page.picture('map-300-focus');
    await page.done();
  });
});
