// The same module in Chromium: what a page gets. Skipped where there is none.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { after, before, test } from 'node:test';
import { chromium } from 'playwright-core';

import { receiveFiles, sendFiles, TRANSFER_ENDPOINT } from '../../build-web/module/index.js';
import { pattern, readAll } from './support/bytes.js';
import { serve } from './support/serve.js';

const folder = new URL('../../build-web/module/', import.meta.url);
const types = { '.js': 'text/javascript', '.wasm': 'application/wasm' };
const seed = pattern(32, 7);
const hex = Buffer.from(seed).toString('hex');

function chromiumPath() {
  try {
    return execFileSync('which', ['chromium'], { encoding: 'utf8' }).trim();
  } catch {
    return undefined;
  }
}
const executablePath = chromiumPath();
const skip = executablePath === undefined && 'there is no Chromium';

let pages;
let browser;
let page;
let node;

before(async () => {
  if (skip) return;
  pages = createServer(async (request, response) => {
    const name = request.url.slice(1);
    if (name === '') {
      // As a page should: nothing from elsewhere, nothing evaluated but WebAssembly.
      response.setHeader(
        'content-security-policy', "default-src 'self' 'wasm-unsafe-eval'; connect-src *");
      response.setHeader('content-type', 'text/html');
      return response.end('<!doctype html><title>test</title>');
    }
    try {
      const content = await readFile(new URL(name, folder));
      response.setHeader('content-type', types[name.slice(name.lastIndexOf('.'))] ?? 'text/plain');
      response.end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => pages.listen(0, '127.0.0.1', resolve));
  const isRoot = process.getuid?.() === 0;
  browser = await chromium.launch({ executablePath, args: isRoot ? ['--no-sandbox'] : [] });
  page = await browser.newPage();
  page.on('pageerror', (error) => assert.fail(`in the page: ${error}`));
  await page.goto(`http://127.0.0.1:${pages.address().port}/`);
  node = await serve(seed, {
    onSession(peer) {
      peer.handle('echo', (stream) => stream.readable.pipeTo(stream.writable));
    },
  });
});
after(async () => {
  await browser?.close();
  await node?.close();
  pages?.close();
});

test('folding in Chromium is right, and as fast as is printed', { skip }, async (context) => {
  const speeds = await page.evaluate(async () => {
    const { measureFolding } = await import('/index.js');
    return [await measureFolding(1_400, 1_000), await measureFolding(16_384, 1_000)];
  });
  for (const { frameSize, megabytesPerSecond, isCorrect } of speeds) {
    assert.ok(isCorrect);
    context.diagnostic(`folding ${frameSize} bytes: ${megabytesPerSecond.toFixed(0)} MB/s`);
  }
});

test('a page streams both ways while its WebSocket is cut', { skip }, async (context) => {
  const cut = setInterval(() => node.cut(), 700);
  const result = await page.evaluate(async ({ url, text }) => {
    const { connect, parseSeed } = await import('/index.js');
    const session = await connect(url, await parseSeed(text));
    const stream = await session.openStream('echo');
    const size = 24 << 20;
    const chunk = new Uint8Array(1 << 20).map((_, i) => (i * 31 + (i >> 8)) & 0xff);
    const start = performance.now();
    const writing = (async () => {
      const writer = stream.writable.getWriter();
      for (let sent = 0; sent < size; sent += chunk.length) await writer.write(chunk);
      await writer.close();
    })();
    let received = 0;
    let wrong = -1;
    const reader = stream.readable.getReader();
    for (let next = await reader.read(); !next.done; next = await reader.read()) {
      for (let i = 0; i < next.value.length && wrong < 0; ++i) {
        if (next.value[i] !== chunk[(received + i) % chunk.length]) wrong = received + i;
      }
      received += next.value.length;
    }
    await writing;
    const speed = size / (performance.now() - start) / 1_000;
    await session.close();
    return { received, wrong, size, speed };
  }, { url: node.url, text: hex });
  clearInterval(cut);
  assert.equal(result.wrong, -1);
  assert.equal(result.received, result.size);
  context.diagnostic(`echo of 24 MiB with cuts: ${result.speed.toFixed(1)} MB/s each way`);
});

test('uncut, a page sends as fast as is printed', { skip }, async (context) => {
  let received = 0;
  const done = new Promise((resolve) => {
    node.onNext = (peer) => peer.handle('sink', async (stream) => {
      received = (await readAll(stream.readable)).length;
      resolve();
    });
  });
  const speed = await page.evaluate(async ({ url, text }) => {
    const { connect, parseSeed } = await import('/index.js');
    const session = await connect(url, await parseSeed(text));
    await session.ping();
    const stream = await session.openStream('sink');
    const size = 64 << 20;
    const chunk = new Uint8Array(1 << 20);
    const start = performance.now();
    const writer = stream.writable.getWriter();
    for (let sent = 0; sent < size; sent += chunk.length) await writer.write(chunk);
    await stream.acknowledged();
    const passed = performance.now() - start;
    await writer.close();
    await stream.acknowledged().catch(() => {});
    await session.close();
    return size / passed / 1_000;
  }, { url: node.url, text: hex });
  await done;
  assert.equal(received, 64 << 20);
  context.diagnostic(`sending 64 MiB: ${speed.toFixed(1)} MB/s`);
});

test('files come into the folder of a page, and go on where they ended', { skip }, async () => {
  const blob = new Blob([pattern(12_000_000)]);
  const abort = new AbortController();
  await page.exposeFunction('interruptSending', () => abort.abort());
  // Only what has been left can be gone on with.
  let tellEnded;
  const ended = new Promise((resolve) => { tellEnded = resolve; });
  await page.exposeFunction('receivingEnded', () => tellEnded());
  const sending = new Promise((resolve, reject) => {
    node.onNext = async (peer) => {
      try {
        const { signal } = abort;
        const first = sendFiles(peer, [{ name: 'a/x', blob, lastModified: 1 }], { signal });
        await first.catch(() => {});
        await ended;
        resolve(await sendFiles(peer, [{ name: 'a/x', blob, lastModified: 1 }]));
      } catch (error) {
        reject(error);
      }
    };
  });
  const result = await page.evaluate(async ({ url, text }) => {
    const { connect, directorySink, parseSeed, receiveFiles } = await import('/index.js');
    const root = await navigator.storage.getDirectory();
    const session = await connect(url, await parseSeed(text));
    const outcomes = [];
    await new Promise((resolve) => {
      session.handle('transfer', async (stream) => {
        const offsets = [];
        const sink = async (offer) => {
          const made = await directorySink(root)(offer);
          offsets.push(made.offset);
          let written = 0;
          const write = made.write.bind(made);
          made.write = async (bytes) => {
            await write(bytes);
            const before = written;
            written += bytes.length;
            // Nothing more is read until the sender has given up.
            if (before <= 1_000_000 && written > 1_000_000) await window.interruptSending();
          };
          return made;
        };
        try {
          const { received } = await receiveFiles(stream, { sink });
          outcomes.push({ offsets, size: received[0].content.size });
          resolve();
        } catch (error) {
          outcomes.push({ offsets, code: error.code });
          await window.receivingEnded();
        }
      });
    });
    const bytes = new Uint8Array(
      await (await (await (await root.getDirectoryHandle('a')).getFileHandle('x')).getFile())
        .arrayBuffer());
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
    const names = [];
    for await (const name of (await root.getDirectoryHandle('a')).keys()) names.push(name);
    await session.close();
    return { outcomes, digest: Array.from(digest), names };
  }, { url: node.url, text: hex });
  assert.equal((await sending).filesDone, 1);
  assert.equal(result.outcomes.length, 2);
  assert.equal(result.outcomes[0].code, 'stream-reset');
  assert.ok(result.outcomes[1].offsets[0] > 0, 'nothing was kept');
  assert.equal(result.outcomes[1].size, 12_000_000);
  assert.deepEqual(result.names, ['x']);
  const { subtle } = (await import('node:crypto')).webcrypto;
  const expected = await subtle.digest('SHA-256', await blob.arrayBuffer());
  assert.deepEqual(result.digest, Array.from(new Uint8Array(expected)));
});

test('a page sends files of a form to a node', { skip }, async () => {
  const receiving = new Promise((resolve, reject) => {
    node.onNext = (peer) => {
      peer.handle(TRANSFER_ENDPOINT, (stream) => receiveFiles(stream).then(resolve, reject));
    };
  });
  await page.evaluate(async ({ url, text }) => {
    const { connect, parseSeed, sendFiles } = await import('/index.js');
    const session = await connect(url, await parseSeed(text));
    await session.ping();
    await sendFiles(session, [new File(['hello'], 'hello.txt', { lastModified: 5_000 })]);
    await session.close();
  }, { url: node.url, text: hex });
  const { received } = await receiving;
  assert.equal(received[0].offer.path, 'hello.txt');
  assert.equal(received[0].offer.lastModified, 5_000);
  assert.equal(await received[0].content.text(), 'hello');
});
