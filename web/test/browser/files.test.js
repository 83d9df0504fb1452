// Files between the page and a real node, digests taken outside of both.
import assert from 'node:assert/strict';
import { mkdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { prepare, serveReceive, serveWeb } from '../support/command.js';
import { arrived, connectPage, digestOf, launch, openPage, row, skip } from './support/page.js';

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

const bounded = { skip, timeout: 60_000 };
const SIZE = 50_000_000;

test('50 MB go to the node and come back, whole', bounded, async (context) => {
  const { seed, inbox, paths } = await prepare(context, { 'big.bin': SIZE, 'shared.bin': SIZE });
  const node = await serveWeb(context, { seed, inbox, share: [paths['shared.bin']] });
  const page = await openPage(context, browser, node.url, { options: { acceptDownloads: true } });
  await connectPage(page, seed);

  let start = performance.now();
  await page.setInputFiles('#file-input', paths['big.bin']);
  const said = await arrived(page, 'sending', 'big.bin');
  context.diagnostic(`page to node: ${
    (SIZE / 1_000 / (performance.now() - start)).toFixed(1)} MB/s`);
  assert.match(said, /Arrived, digest verified/);
  assert.equal(await digestOf(join(inbox, 'big.bin')), await digestOf(paths['big.bin']));

  start = performance.now();
  await page.click('#get-shared');
  await arrived(page, 'receiving', 'shared.bin');
  context.diagnostic(`node to page: ${
    (SIZE / 1_000 / (performance.now() - start)).toFixed(1)} MB/s`);
  const download = page.waitForEvent('download');
  await row(page, 'receiving', 'shared.bin').getByText('Save', { exact: true }).click();
  assert.equal(
    await digestOf(await (await download).path()), await digestOf(paths['shared.bin']));
});

test('a typed address of stt receive works from the page of another node', bounded,
  async (context) => {
    const { folder, seed, inbox, paths } = await prepare(context, { 'to-other.bin': 3_000_000 });
    const node = await serveWeb(context, { seed, inbox });
    const other = join(folder, 'other');
    await mkdir(other);
    const origin = new URL(node.url).origin;
    const receiver = await serveReceive(context, { seed, inbox: other, origin });
    const page = await openPage(context, browser, node.url);
    await page.click('#address-details summary');
    await page.fill('#address', receiver.url);
    await connectPage(page, seed);
    // It passes no streams on, and says so.
    await page.locator('#live-error', { hasText: 'passes nothing on' }).waitFor();
    await page.setInputFiles('#file-input', paths['to-other.bin']);
    await arrived(page, 'sending', 'to-other.bin');
    assert.equal(
      await digestOf(join(other, 'to-other.bin')), await digestOf(paths['to-other.bin']));
    await page.click('#get-shared');
    await page.locator('#receive-note', { hasText: 'shares no files' }).waitFor();
  });

test('several at once; one that waits, and one that runs, are cancelled', bounded,
  async (context) => {
    const { seed, inbox, paths } = await prepare(
      context, { 'a.bin': 0, 'b.bin': 1_000, 'c.bin': 0 });
    await truncate(paths['a.bin'], 200_000_000);
    const node = await serveWeb(context, { seed, inbox });
    const page = await openPage(context, browser, node.url);
    await connectPage(page, seed);
    await page.setInputFiles('#file-input', [paths['a.bin'], paths['b.bin'], paths['c.bin']]);
    await row(page, 'sending', 'b.bin').getByRole('button', { name: 'Cancel b.bin' }).click();
    await row(page, 'sending', 'a.bin').locator('.numbers', { hasText: /MB\/s/ }).waitFor();
    await row(page, 'sending', 'a.bin').getByRole('button', { name: 'Cancel a.bin' }).click();
    await page.locator('#sending [data-state="cancelled"]', { hasText: 'a.bin' }).waitFor();
    await arrived(page, 'sending', 'c.bin');
    assert.equal((await stat(join(inbox, 'c.bin'))).size, 0);
    await assert.rejects(stat(join(inbox, 'a.bin')));
    await assert.rejects(stat(join(inbox, 'b.bin')));
  });

test('a dropped folder arrives with its paths', bounded, async (context) => {
  const { folder, seed, inbox } = await prepare(context);
  const source = join(folder, 'photos');
  await mkdir(join(source, '2024'), { recursive: true });
  await writeFile(join(source, 'one.txt'), 'one');
  await writeFile(join(source, '2024', 'two.txt'), 'two');
  const node = await serveWeb(context, { seed, inbox });
  const page = await openPage(context, browser, node.url);
  await connectPage(page, seed);
  await page.setInputFiles('#folder-input', source);
  await arrived(page, 'sending', 'photos');
  assert.equal(await readFile(join(inbox, 'photos/one.txt'), 'utf8'), 'one');
  assert.equal(await readFile(join(inbox, 'photos/2024/two.txt'), 'utf8'), 'two');
});

test('a file that the node has already with other content is told to be refused', bounded,
  async (context) => {
    const { seed, inbox } = await prepare(context);
    await writeFile(join(inbox, 'x.txt'), 'what was there');
    const node = await serveWeb(context, { seed, inbox });
    const page = await openPage(context, browser, node.url);
    await connectPage(page, seed);
    await page.setInputFiles(
      '#file-input', { name: 'x.txt', mimeType: 'text/plain', buffer: Buffer.from('other') });
    await page.locator('#sending [data-state="failed"]', { hasText: 'Not taken' }).waitFor();
    assert.equal(await readFile(join(inbox, 'x.txt'), 'utf8'), 'what was there');
  });
