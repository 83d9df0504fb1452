// Another implementation of RFC 6455, the package ws, as client and server of the command.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import WebSocket, { WebSocketServer } from 'ws';

import { connect, parseSeed, sendFiles } from '../../build-web/module/index.js';
import { pattern } from './support/bytes.js';
import { prepare, run, serveReceive } from './support/command.js';

/** A session of the module by a WebSocket of ws. */
async function connectTo(context, url, seed) {
  const bytes = await parseSeed(await readFile(seed, 'utf8'));
  const session = await connect(url, bytes, { WebSocket });
  context.after(() => session.close());
  return session;
}

async function assertArrived(inbox, path, name) {
  const [actual, expected] = await Promise.all([readFile(join(inbox, name)), readFile(path)]);
  assert.ok(actual.equals(expected), name);
}

/** Sends a message in one frame, or as three fragments. */
function forward(to, message, isFragmented) {
  if (!isFragmented) return to.send(message);
  const third = Math.floor(message.length / 3);
  to.send(message.subarray(0, third), { fin: false, binary: true });
  to.ping('between fragments'); // RFC 6455 section 5.4: control frames may come here
  to.send(message.subarray(third, 2 * third), { fin: false, binary: true });
  to.send(message.subarray(2 * third), { fin: true, binary: true });
}

/** ws in both roles between two commands: a server for one, of the other a client. */
async function relay(context, target, { isFragmented = false, perMessageDeflate = false } = {}) {
  const server = new WebSocketServer({
    host: '127.0.0.1', port: 0, path: '/stt', handleProtocols: () => 'stt.v1', perMessageDeflate,
  });
  await new Promise((resolve) => server.once('listening', resolve));
  const seen = { messages: 0, pongs: 0, codes: [], extensions: new Set() };
  server.on('connection', (near) => {
    const far = new WebSocket(target, 'stt.v1', { perMessageDeflate });
    const early = [];
    for (const [from, to] of [[near, far], [far, near]]) {
      from.on('pong', () => ++seen.pongs);
      from.on('message', (message) => {
        ++seen.messages;
        if (to.readyState === WebSocket.CONNECTING) early.push(message);
        else forward(to, message, isFragmented);
      });
      from.on('close', (code) => {
        seen.codes.push(code);
        to.close();
      });
      from.on('error', () => {});
      context.after(() => from.terminate());
    }
    far.on('open', () => {
      seen.extensions.add(near.extensions).add(far.extensions);
      for (const message of early) forward(far, message, isFragmented);
    });
  });
  context.after(() => new Promise((resolve) => server.close(resolve)));
  return { seen, url: `ws://127.0.0.1:${server.address().port}` };
}

for (const [how, options] of [
  ['as it is', {}],
  ['in fragments with pings between them', { isFragmented: true }],
  ['where it offers and would take compression', { perMessageDeflate: true }],
]) {
  test(`a file goes from command to command through ws in both roles, ${how}`, async (context) => {
    const { seed, inbox, paths } = await prepare(context, { 'a.bin': 5_000_001 });
    const receiver = await serveReceive(context, { seed, inbox });
    const { seen, url } = await relay(context, receiver.url, options);
    const { status, output } = await run(context, ['send', '--seed', seed, paths['a.bin'], url]);
    assert.equal(status, 0, output);
    await assertArrived(inbox, paths['a.bin'], 'a.bin');
    assert.deepEqual([...seen.extensions], [''], 'no extension is agreed on');
    assert.ok(seen.messages > 100);
    if (options.isFragmented) assert.ok(seen.pongs > 100, `${seen.pongs} pongs`);
    // RFC 6455 section 7.4.1: who is going away says so.
    assert.equal(seen.codes[0], 1001);
  });
}

test('the module sends by a WebSocket of ws what stt receive writes', async (context) => {
  const { seed, inbox } = await prepare(context);
  const receiver = await serveReceive(context, { seed, inbox });
  const session = await connectTo(context, receiver.url, seed);
  const bytes = pattern(3_000_000);
  await sendFiles(session, [{ name: 'b.bin', blob: new Blob([bytes]), lastModified: 1 }]);
  assert.ok((await readFile(join(inbox, 'b.bin'))).equals(Buffer.from(bytes)));
});
