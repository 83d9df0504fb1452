// Two pages that see and hear each other through a real node.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { prepare, serveWeb } from '../support/command.js';
import { connectPage, launch, openPage, skip } from './support/page.js';
import { startProxy } from './support/proxy.js';

let browser;
before(async () => {
  if (!skip) browser = await launch();
});
after(() => browser?.close());

const bounded = { skip, timeout: 40_000 };

async function nodeOf(context) {
  const { seed, inbox } = await prepare(context);
  return { seed, node: await serveWeb(context, { seed, inbox }) };
}

async function say(page, text) {
  await page.fill('#chat-text', text);
  await page.press('#chat-text', 'Enter');
}
async function hears(page, text) {
  await page.locator('.message:not(.own)', { hasText: text }).waitFor();
}
/** Draws a bar over the board's middle. */
async function draw(page) {
  await page.locator('#drawing').scrollIntoViewIfNeeded();
  const { x, y, width, height } = await page.locator('#drawing').boundingBox();
  await page.mouse.move(x + width * 0.2, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * 0.8, y + height / 2, { steps: 20 });
  await page.mouse.up();
}
/** How dark the middle of what another page shows is: 0 black to 255 white. */
function middleOfScreen(page) {
  return page.evaluate(() => {
    const canvas = document.querySelector('.screen canvas');
    const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    pixel.drawImage(canvas, canvas.width / 2, canvas.height / 2, 1, 1, 0, 0, 1, 1);
    return pixel.getImageData(0, 0, 1, 1).data[0];
  });
}
async function until(condition, what) {
  for (let tries = 0; tries < 150; ++tries) {
    if (await condition()) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.fail(what);
}

test('text goes both ways, in order, to all others and to no page twice', bounded,
  async (context) => {
    const { node, seed } = await nodeOf(context);
    const pages = [];
    for (let index = 0; index < 3; ++index) {
      const page = await openPage(context, browser, node.url);
      await connectPage(page, seed);
      pages.push(page);
    }
    const [one, two, three] = pages;
    await one.locator('#live-peers', { hasText: '2 others here' }).waitFor();
    for (let number = 1; number <= 20; ++number) await say(one, `number ${number}.`);
    await hears(two, 'number 20.');
    const heard = await two.locator('.message:not(.own)').allInnerTexts();
    assert.equal(heard.length, 20);
    heard.forEach((text, index) => assert.ok(text.endsWith(`number ${index + 1}.`), text));
    await say(two, '<b>and</b> back');
    await hears(one, '<b>and</b> back');
    await hears(three, '<b>and</b> back');
    assert.equal(await three.locator('.message').count(), 21);
    await three.click('#disconnect');
    await one.locator('#live-peers', { hasText: '1 other here' }).waitFor();
  });

for (const [what, hasCodecs] of [['video', true], ['images, without video codecs', false]]) {
  test(`a drawing is seen by the other page as it is made, by ${what}`, bounded,
    async (context) => {
      const { node, seed } = await nodeOf(context);
      const painter = await openPage(context, browser, node.url);
      if (!hasCodecs) {
        await painter.evaluate(() => {
          delete globalThis.VideoEncoder;
        });
      }
      const viewer = await openPage(context, browser, node.url);
      await connectPage(painter, seed);
      await connectPage(viewer, seed);
      await painter.check('input[value="drawing"]');
      await viewer.locator('.screen[data-frames]').waitFor();
      await until(async () => await middleOfScreen(viewer) > 200, 'the paper is not seen');
      await draw(painter);
      await until(async () => await middleOfScreen(viewer) < 100, 'the line is not seen');
      const numbers = viewer.locator('.screen .numbers');
      await numbers.filter({ hasText: /frames\/s · .*B\/s · .* late/ }).waitFor();
      context.diagnostic(`by ${what}: ${await numbers.innerText()}`);
      // Who comes later sees it too.
      const late = await openPage(context, browser, node.url);
      await connectPage(late, seed);
      await late.locator('.screen[data-frames]').waitFor();
      await until(async () => await middleOfScreen(late) < 100, 'who comes later sees nothing');
      await painter.check('input[value="none"]');
      await viewer.locator('.screen').waitFor({ state: 'detached' });
    });
}

test('a camera is seen by the other page', bounded, async (context) => {
  const { node, seed } = await nodeOf(context);
  const options = { permissions: ['camera'] };
  const source = await openPage(context, browser, node.url, { options });
  const viewer = await openPage(context, browser, node.url);
  await connectPage(source, seed);
  await connectPage(viewer, seed);
  await source.check('input[value="camera"]');
  const frames = () => viewer.locator('.screen').getAttribute('data-frames', { timeout: 10_000 });
  await until(async () => Number(await frames()) >= 15, 'fewer than 15 frames came');
  context.diagnostic(`camera: ${await viewer.locator('.screen .numbers').innerText()}`);
});

test('pictures and text go on after the network was away', bounded, async (context) => {
  const { node, seed } = await nodeOf(context);
  const proxy = await startProxy(context, node.port);
  const painter = await openPage(context, browser, node.url);
  const viewer = await openPage(context, browser, proxy.url, { isNetworkCut: true });
  await connectPage(painter, seed);
  await connectPage(viewer, seed);
  await painter.check('input[value="drawing"]');
  await viewer.locator('.screen[data-frames]').waitFor();
  proxy.cut();
  await viewer.waitForTimeout(1_000);
  await draw(painter);
  await say(painter, 'while you were away');
  proxy.restore();
  await hears(viewer, 'while you were away');
  await until(async () => await middleOfScreen(viewer) < 100, 'the line is not seen');
});
