// A network that goes away, and a node that does, within a transfer.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { prepare, serveWeb } from '../support/command.js';
import {
  arrived, connectPage, digestOf, launch, openPage, row, skip, stateIs,
} from './support/page.js';
import { startProxy } from './support/proxy.js';

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

const bounded = { skip, timeout: 60_000 };
const SIZE = 30_000_000;

for (const [what, milliseconds] of [['2.5 s', 2_500], ['5 s', 5_000]]) {
  test(`a network cut for ${what} within a transfer: it goes on, and the file is whole`, bounded,
    async (context) => {
      const { seed, inbox, paths } = await prepare(context, { 'cut.bin': SIZE });
      const node = await serveWeb(context, { seed, inbox });
      const proxy = await startProxy(context, node.port);
      const page = await openPage(context, browser, proxy.url, { isNetworkCut: true });
      await connectPage(page, seed);
      await page.setInputFiles('#file-input', paths['cut.bin']);
      while (proxy.carried() < SIZE / 4) await new Promise((resolve) => setTimeout(resolve, 10));
      proxy.cut();
      const cut = performance.now();
      await stateIs(page, 'Reconnecting…');
      await page.waitForTimeout(milliseconds - (performance.now() - cut));
      assert.equal(await row(page, 'sending', 'cut.bin').getAttribute('data-state'), 'running');
      proxy.restore();
      const restored = performance.now();
      await stateIs(page, 'Connected by WebSocket');
      context.diagnostic(`connected again after ${(performance.now() - restored).toFixed(0)} ms`);
      await arrived(page, 'sending', 'cut.bin');
      assert.equal(await digestOf(join(inbox, 'cut.bin')), await digestOf(paths['cut.bin']));
    });
}

test('a node that is started anew within a transfer: it goes on from what is there', bounded,
  async (context) => {
    const { seed, inbox, paths } = await prepare(context, { 'anew.bin': SIZE });
    const node = await serveWeb(context, { seed, inbox });
    const proxy = await startProxy(context, node.port);
    const page = await openPage(context, browser, proxy.url, { isNetworkCut: true });
    await connectPage(page, seed);
    await page.setInputFiles('#file-input', paths['anew.bin']);
    while (proxy.carried() < SIZE / 4) await new Promise((resolve) => setTimeout(resolve, 10));
    await node.kill();
    await serveWeb(context, { seed, inbox, port: node.port });
    await arrived(page, 'sending', 'anew.bin');
    assert.equal(await digestOf(join(inbox, 'anew.bin')), await digestOf(paths['anew.bin']));
  });
