// Chromium and the page, watched: errors and violations of the policy fail the test.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { chromium } from 'playwright-core';

import { command } from '../../support/command.js';

function chromiumPath() {
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
const executablePath = chromiumPath();

/** Why the tests here cannot run, or false. */
export const skip = (executablePath === undefined && 'there is no Chromium') ||
  (!existsSync(command) && 'there is no stt: build it first');

export function launch() {
  const args = ['--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'];
  if (process.getuid?.() === 0) args.push('--no-sandbox');
  return chromium.launch({ executablePath, args });
}

const WEBSOCKET_FAILED = /WebSocket connection to '.*' failed/;

/**
 * A page in a context of its own. Chromium itself reports a WebSocket that cannot be opened as an
 * error; only a test that takes the network away allows for that.
 */
export async function openPage(context, browser, url, { options = {}, isNetworkCut = false } = {}) {
  const browserContext = await browser.newContext(options);
  const page = await browserContext.newPage();
  page.setDefaultTimeout(15_000);
  const problems = [];
  page.on('pageerror', (error) => problems.push(`pageerror: ${error}`));
  page.on('console', (message) => {
    if (!['error', 'warning'].includes(message.type())) return;
    if (isNetworkCut && WEBSOCKET_FAILED.test(message.text())) return;
    problems.push(`${message.type()}: ${message.text()}`);
  });
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  context.after(async () => {
    await browserContext.close();
    assert.deepEqual(problems, []);
  });
  await page.goto(url);
  return page;
}

export async function connectPage(page, seedFile) {
  await page.fill('#seed', (await readFile(seedFile, 'utf8')).trim());
  await page.press('#seed', 'Enter');
  await stateIs(page, 'Connected by WebSocket');
}
export async function stateIs(page, text, timeout = 15_000) {
  await page.locator('#state-text', { hasText: text }).waitFor({ timeout });
}

/** A row of one of the two lists, by the name of its file. */
export function row(page, list, name) {
  return page.locator(`#${list} .transfer`, { hasText: name });
}
export async function arrived(page, list, name, timeout = 30_000) {
  const one = row(page, list, name);
  try {
    await one.and(page.locator('[data-state="done"], [data-state="failed"]')).waitFor({ timeout });
  } catch (error) {
    throw new Error(`${name} did not arrive: ${await page.innerText('main')}`, { cause: error });
  }
  const text = await one.locator('.numbers').innerText();
  assert.equal(await one.getAttribute('data-state'), 'done', `${name}: ${text}`);
  return text;
}

export async function digestOf(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}
