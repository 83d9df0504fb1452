// How the page looks in its main states, on desktops and phones, light and dark: pictures go to
// build-web/screenshots. Nothing may be wider than the window.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { prepare, screenshotFolder, serveWeb } from '../support/command.js';
import { arrived, connectPage, launch, openPage, row, skip, stateIs } from './support/page.js';
import { startProxy } from './support/proxy.js';

let browser;
before(async () => {
  if (skip) return;
  await mkdir(screenshotFolder, { recursive: true });
  browser = await launch();
});
after(() => browser?.close());

/** The others are for the first state and the fullest. */
const always = ['desktop-light', 'phone-dark'];
const VIEWS = {
  'desktop-light': { width: 1280, height: 900, colorScheme: 'light' },
  'desktop-dark': { width: 1280, height: 900, colorScheme: 'dark' },
  'phone-light': { width: 360, height: 740, colorScheme: 'light' },
  'phone-dark': { width: 360, height: 740, colorScheme: 'dark' },
  // What a window of 1280 has at a zoom of 200 %.
  'zoomed': { width: 640, height: 450, colorScheme: 'light' },
};

test('the main states fit on desktops, phones and zoomed', { skip, timeout: 60_000 },
  async (context) => {
    const { folder, seed, inbox } = await prepare(context);
    const file = async (name, size) => {
      await writeFile(join(folder, name), randomBytes(size));
      return join(folder, name);
    };
    const shared = await file('Minutes of the meeting of the board, 12 November.pdf', 340_000);
    await writeFile(join(inbox, 'notes.txt'), 'another');
    const node = await serveWeb(context, { seed, inbox, share: [shared] });
    const proxy = await startProxy(context, node.port);
    const options = { reducedMotion: 'reduce', viewport: { width: 1280, height: 900 } };
    const page = await openPage(context, browser, proxy.url, { options, isNetworkCut: true });
    const take = async (state) => {
      for (const [view, { colorScheme, ...viewport }] of Object.entries(VIEWS)) {
        await page.setViewportSize(viewport);
        await page.emulateMedia({ colorScheme });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${view}-${state}: ${wide} pixels too wide`);
        if (!always.includes(view) && !/^[14]/.test(state)) continue;
        const path = join(screenshotFolder, `${view}-${state}.png`);
        await page.screenshot({ path, fullPage: true });
      }
    };
    await page.locator('#seed:focus').waitFor();
    await take('1-entry');
    await page.fill('#seed', 'abc');
    await page.click('#address-details summary');
    await page.press('#seed', 'Enter');
    await page.locator('#entry-error', { hasText: 'no seed' }).waitFor();
    await take('2-error');
    await page.reload();
    await connectPage(page, seed);
    await take('3-connected');

    const other = await openPage(context, browser, node.url, { options });
    await connectPage(other, seed);
    await page.fill('#chat-text', 'Here are the photos of the weekend.');
    await page.press('#chat-text', 'Enter');
    await page.locator('.message.own').waitFor();
    await other.fill('#chat-text', 'Thank you! I draw you the way there.');
    await other.press('#chat-text', 'Enter');
    await other.check('input[value="drawing"]');
    await other.locator('#drawing').scrollIntoViewIfNeeded();
    const { x, y, width, height } = await other.locator('#drawing').boundingBox();
    await other.mouse.move(x + width * 0.1, y + height * 0.5);
    await other.mouse.down();
    for (let step = 0; step <= 40; ++step) {
      await other.mouse.move(
        x + width * (0.1 + step * 0.02), y + height * (0.5 + 0.3 * Math.sin(step / 4)));
    }
    await other.mouse.up();
    await page.setInputFiles('#file-input', [
      await file('weekend.jpg', 4_100_000), await file('notes.txt', 10),
    ]);
    await page.locator('[data-state="failed"]', { hasText: 'notes.txt' }).waitFor();
    await page.click('#get-shared');
    await arrived(page, 'receiving', 'Minutes');
    const film = await file('a film with a name that is rather long, for a film.mkv', 0);
    await truncate(film, 400_000_000);
    await page.setInputFiles('#file-input', [film, await file('later.bin', 1_000)]);
    await page.locator('.screen[data-frames]').waitFor();
    await row(page, 'sending', 'film').locator('.numbers', { hasText: /left/ }).waitFor();
    await take('4-working');
    proxy.cut();
    await stateIs(page, 'Reconnecting…');
    await take('5-reconnecting');
    proxy.restore();
    await stateIs(page, 'Connected by WebSocket');
    await row(page, 'sending', 'film').getByRole('button').click();
    await arrived(page, 'sending', 'later.bin');
    await page.check('input[value="drawing"]');
    await page.hover('.chart');
    await take('6-arrived');
    await page.click('#disconnect');
    await page.locator('#closed-text', { hasText: 'You disconnected' }).waitFor();
    await take('7-closed');
  });
