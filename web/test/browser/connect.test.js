// The page of a real node: connecting, and why it failed.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';

import { newSeed, prepare, serveWeb } from '../support/command.js';
import { connectPage, launch, openPage, skip, stateIs } from './support/page.js';
import { startProxy } from './support/proxy.js';

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

const bounded = { skip, timeout: 30_000 };

async function nodeOf(context) {
  const { folder, seed, inbox } = await prepare(context);
  return { folder, seed, node: await serveWeb(context, { seed, inbox }) };
}

test('the page loads from a node and connects with its seed', bounded, async (context) => {
  const { node, seed } = await nodeOf(context);
  const page = await openPage(context, browser, node.url);
  await connectPage(page, seed);
  assert.equal(await page.locator('#node-name').innerText(), new URL(node.url).host);
  assert.ok(await page.locator('#entry').isHidden());
  assert.equal(await page.inputValue('#seed'), '', 'the seed stays in its field');
  const loaded = await page.evaluate(
    () => performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd);
  await page.reload();
  const again = performance.now();
  await connectPage(page, seed);
  context.diagnostic(`page loaded in ${loaded.toFixed(0)} ms, connected ${
    (performance.now() - again).toFixed(0)} ms after the seed`);
});

test('a seed is remembered for the tab when that was wanted, and not else', bounded,
  async (context) => {
    const { node, seed } = await nodeOf(context);
    const page = await openPage(context, browser, node.url);
    await connectPage(page, seed);
    await page.reload();
    await stateIs(page, 'Not connected');
    await page.check('#remember');
    await connectPage(page, seed);
    await page.reload();
    await stateIs(page, 'Connected by WebSocket');
    await page.click('#disconnect');
    await page.locator('#closed-text', { hasText: 'You disconnected.' }).waitFor();
  });

test('a seed comes from its file; another file holds none', bounded, async (context) => {
  const { node, seed } = await nodeOf(context);
  const page = await openPage(context, browser, node.url);
  await page.setInputFiles(
    '#seed-file', { name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from('hello') });
  await page.locator('#entry-error', { hasText: '‘x.txt’ holds no seed' }).waitFor();
  await page.setInputFiles('#seed-file', seed);
  await page.locator('#connect:focus').waitFor();
  await page.keyboard.press('Enter');
  await stateIs(page, 'Connected by WebSocket');
});

test('a wrong seed, none, and a node that is gone are told apart', bounded, async (context) => {
  const { folder, node, seed } = await nodeOf(context);
  const proxy = await startProxy(context, node.port);
  const page = await openPage(context, browser, proxy.url, { isNetworkCut: true });
  const error = page.locator('#entry-error');

  await page.fill('#seed', 'not hex');
  await page.press('#seed', 'Enter');
  await error.filter({ hasText: 'That is no seed' }).waitFor();

  const other = newSeed(folder, 'other.seed');
  await page.setInputFiles('#seed-file', other);
  await page.locator('#connect:focus').waitFor();
  await page.click('#connect');
  await error.filter({ hasText: 'The node answered, but not with this seed' }).waitFor();
  assert.equal(await page.evaluate(() => document.activeElement.id), 'seed');
  assert.equal(await page.getAttribute('#seed', 'type'), 'password');

  proxy.cut();
  await page.setInputFiles('#seed-file', seed);
  await page.locator('#connect:focus').waitFor();
  await page.click('#connect');
  await error.filter({ hasText: 'Nothing answers at ws://127.0.0.1' }).waitFor();

  proxy.restore();
  await page.click('#connect');
  await stateIs(page, 'Connected by WebSocket');
});

test('by the keyboard alone: connect, send, look at numbers, disconnect', bounded,
  async (context) => {
    const { node, seed } = await nodeOf(context);
    const page = await openPage(context, browser, node.url);
    const focused = () => page.evaluate(() => document.activeElement.id);
    const tabTo = async (id) => {
      for (let presses = 0; presses < 40; ++presses) {
        if (await focused() === id) return;
        await page.keyboard.press('Tab');
      }
      assert.fail(`Tab does not reach ${id}`);
    };
    const chooser = page.waitForEvent('filechooser');
    await page.locator('#seed:focus').waitFor();
    await page.keyboard.insertText((await readFile(seed, 'utf8')).trim());
    await tabTo('seed-reveal');
    await page.keyboard.press('Space');
    assert.equal(await page.getAttribute('#seed', 'type'), 'text');
    await tabTo('connect');
    await page.keyboard.press('Enter');
    await page.locator('#choose-files:focus').waitFor();
    await page.keyboard.press('Enter');
    await (await chooser).setFiles(
      { name: 'k.txt', mimeType: 'text/plain', buffer: Buffer.from('by keys') });
    await page.locator('#sending [data-state="done"]', { hasText: 'k.txt' }).waitFor();
    await tabTo('chat-text');
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.locator('.message.own', { hasText: 'hello' }).waitFor();
    await page.focus('.chart');
    await page.waitForTimeout(1_200);
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('ArrowLeft');
    assert.match(await page.getAttribute('.chart', 'aria-label'), /s ago/);
    await page.focus('body');
    await tabTo('disconnect');
    await page.keyboard.press('Enter');
    await page.locator('#connect-again:focus').waitFor();
  });
