import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { assertAccessible, openPage, startBrowser, texts } from './browser.mjs';
import { Gateway } from './gateway.mjs';
import { order } from './shop.mjs';
import { send, span } from './span.mjs';

let gateway, browser, bought;
const now = Date.now() * 1000;
const idOf = (service, name, kind) =>
  bought.entries.find((one) => one.service === service && one.span.name === name && one.span.kind === { server: 2, client: 3 }[kind]).span.spanId;

before(async () => {
  [gateway, browser] = await Promise.all([Gateway.start(), startBrowser()]);
  bought = order(77, now - 4e6, 'POST /order', { fails: 'POST /send', gap: 'shop.Stock/Reserve', skew_us: -2500 });
  await send(gateway.http, bought.entries);
});
after(async () => {
  await browser?.close();
  await gateway?.end();
});

const open = async (page, query = '') => {
  await page.visit(`/trace/${bought.trace}${query}`);
  await page.locator('.row').first().waitFor();
};

test('every span has a row, below its parent', async () => {
  const page = await openPage(browser, gateway.url);
  await open(page);
  assert.equal(await page.locator('.row').count(), bought.entries.length);
  const rows = await page.locator('.row').evaluateAll((all) =>
    all
      .sort((one, other) => one.getBoundingClientRect().top - other.getBoundingClientRect().top)
      .map((row) => `${row.getAttribute('aria-level')} ${row.querySelector('.service').textContent} ${row.querySelector('.operation').textContent}`),
  );
  assert.deepEqual(rows, [
    '1 browser POST',
    '2 front POST /order',
    '3 front GET',
    '4 cart GET /cart/{id}',
    '5 cart shop.Stock/Check',
    '6 stock shop.Stock/Check',
    '3 front shop.Payment/Charge',
    '4 payment shop.Payment/Charge',
    '3 front shop.Stock/Reserve',
    '4 stock shop.Stock/Reserve',
    '3 front POST',
    '4 mail POST /send',
  ]);
  await page.picture('trace');
  await assertAccessible(page);
  await page.done();
});

test('the critical path covers the trace’s duration, and can be put away', async () => {
  const page = await openPage(browser, gateway.url);
  await open(page);
  const covered = await page.locator('.path-bar').evaluateAll((bars) => bars.reduce((sum, bar) => sum + parseFloat(bar.style.width.replace(/.*?, /, '')), 0));
  assert.ok(Math.abs(covered - 100) < 0.5, `${covered} %`);
  // Everything waits for the payment, which calls nobody: its share is its own duration.
  const lasts = ({ span: one }) => Number(BigInt(one.endTimeUnixNano) - BigInt(one.startTimeUnixNano));
  const share = lasts(bought.entries.find((one) => one.service === 'payment')) / lasts(bought.entries.find((one) => one.service === 'browser'));
  assert.equal((await texts(page, '.path-shares li'))[0].replace(/\s+/g, ' '), `payment ${(share * 100).toFixed(0)} %`);
  await page.getByRole('button', { name: 'Critical path' }).click();
  assert.equal(await page.locator('.path-bar').count(), 0);
  assert.match(page.url(), /path=off/);
  await page.done();
});

test('a span tells how its parent was found, what is missing, and both ends of its exchange', async () => {
  const page = await openPage(browser, gateway.url);
  await open(page);
  await page.locator('.row', { has: page.locator('.service', { hasText: /^stock$/ }) }).filter({ hasText: 'Reserve' }).click();
  const panel = page.getByRole('complementary', { name: 'Span' });
  await panel.waitFor();
  assert.match(page.url(), new RegExp(`span=${idOf('stock', 'shop.Stock/Reserve', 'server')}`));
  const said = await panel.innerText();
  assert.match(said, /Parent\s+wire/);
  assert.match(said, /Both ends of the connection were seen/);
  assert.match(said, /hpack\s+Some headers stand for what was sent before/);
  assert.match(said, /end_time\s+Nobody saw the exchange end/);
  const ends = page.locator('table.ends');
  assert.deepEqual(await ends.locator('thead .dim').allInnerTexts(), ['front', 'web-1', 'stock', 'app-2']);
  assert.match(await ends.innerText(), /request under way\s+−2\.\d+ ms/);
  assert.match(await ends.innerText(), /app-2 is 2\.\d+ ms or more behind\s+web-1/);
  await page.picture('trace-span');
  await assertAccessible(page);
  await panel.getByRole('button', { name: 'Close' }).click();
  await panel.waitFor({ state: 'detached' });
  await page.goBack();
  await panel.waitFor();
  await page.done();
});

test('clocks that differ are named and left as they are', async () => {
  const page = await openPage(browser, gateway.url);
  await open(page);
  assert.match(await page.locator('.notice').innerText(), /clocks of .+ and app-2 differ by at least 2\.\d+ ms.+shown as they were sent/s);
  const box = async (text) => page.locator('.row', { hasText: text }).locator('.span-bar').evaluateAll((bars) => bars.map((bar) => bar.getBoundingClientRect().left));
  const [client, server] = await box('shop.Stock/Reserve');
  assert.ok(server < client, 'the server’s bar begins before its client’s');
  await page.done();
});

test('the keyboard walks, closes and opens', async () => {
  const page = await openPage(browser, gateway.url, { dark: true });
  await open(page);
  const tree = page.getByRole('tree');
  await tree.focus();
  const active = () => page.locator('.row.selected').innerText();
  await page.keyboard.press('ArrowDown');
  assert.match(await active(), /browser/);
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('ArrowDown');
  assert.match(await active(), /front\s+GET/);
  assert.equal(await tree.getAttribute('aria-activedescendant'), await page.locator('.row.selected').getAttribute('id'));
  await page.keyboard.press('ArrowLeft');
  await page.waitForFunction(() => document.querySelectorAll('.row').length === 9);
  assert.match(page.url(), /closed=2/);
  await page.picture('trace-closed-dark');
  await assertAccessible(page);
  await page.reload();
  await page.locator('.row').first().waitFor();
  assert.equal(await page.locator('.row').count(), 9, 'the address holds what is closed');
  await page.getByRole('tree').focus();
  await page.keyboard.press('ArrowRight');
  await page.waitForFunction(() => document.querySelectorAll('.row').length === 12);
  await page.keyboard.press('End');
  assert.match(await active(), /mail/);
  await page.keyboard.press('Escape');
  assert.equal(await page.locator('.row.selected').count(), 0);
  await page.done();
});

test('dragging over the strip looks closer, finding dims the rest', async () => {
  const page = await openPage(browser, gateway.url);
  await open(page);
  const strip = await page.locator('.minimap').boundingBox();
  await page.mouse.move(strip.x + strip.width * 0.2, strip.y + 20);
  await page.mouse.down();
  await page.mouse.move(strip.x + strip.width * 0.5, strip.y + 20, { steps: 4 });
  await page.mouse.up();
  await page.waitForURL(/from=\d+&to=\d+/);
  await page.getByRole('button', { name: 'Show all of the trace' }).click();
  await page.waitForFunction(() => !location.search.includes('from='));
  await page.getByLabel('Find in this trace').fill('error');
  await page.waitForURL(/find=error/);
  const failed = bought.entries.filter((one) => one.span.status).length;
  await page.getByText(`${failed} of ${bought.entries.length}`).waitFor();
  assert.equal(await page.locator('.row.faint').count(), bought.entries.length - failed);
  await page.done();
});

test('a value of a span leads to the traces that have it', async () => {
  const page = await openPage(browser, gateway.url);
  await open(page, `?span=${idOf('mail', 'POST /send', 'server')}`);
  await page.locator('.tags a', { hasText: /^503$/ }).first().click();
  await page.waitForURL(/\/search\?.*service=mail/);
  await page.locator('.trace-list tbody tr').first().waitFor();
  assert.equal(await page.locator('.trace-list tbody tr').count(), 1);
  await page.done();
});

test('a parent that never came, a circle, and ends that share an id are shown as they are', async () => {
  const trace = 'ab'.repeat(16);
  const at = now - 2e6;
  const one = (id, parent, kind, name, from) => span({ trace, id, parent, kind, name, start_us: at + from, duration_us: 5000 });
  await send(gateway.http, [
    { service: 'odd', span: one('1111111111111111', '9999999999999999', 'server', 'orphan', 0) },
    { service: 'odd', span: one('2222222222222222', '3333333333333333', 'internal', 'round', 10) },
    { service: 'odd', span: one('3333333333333333', '2222222222222222', 'internal', 'and round', 20) },
    { service: 'odd', span: one('4444444444444444', '1111111111111111', 'client', 'shared', 30) },
    { service: 'even', span: one('4444444444444444', '1111111111111111', 'server', 'shared', 40) },
  ]);
  const page = await openPage(browser, gateway.url);
  await page.visit(`/trace/${trace}?span=1111111111111111`);
  await page.locator('.row').first().waitFor();
  assert.equal(await page.locator('.row').count(), 5);
  assert.match(await page.locator('.span-panel').innerText(), /That parent \(9999999999999999\) is not in the store/);
  await page.locator('.row', { hasText: 'even' }).click();
  assert.match(await page.locator('.span-panel header').innerText(), /even/);
  await page.picture('trace-odd');
  await page.done();
});

test('a trace that is not there says so', async () => {
  const page = await openPage(browser, gateway.url);
  await page.visit('/trace/77');
  await page.getByText('This trace is not in the store').waitFor();
  await assertAccessible(page);
  page.wrong.splice(0, page.wrong.length, ...page.wrong.filter((one) => !one.includes('404')));
  await page.done();
});
