import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';

import { connect } from '../../build-web/module/index.js';
import { pattern, readAll } from './support/bytes.js';
import { serve } from './support/serve.js';

const seed = pattern(32, 7);
let node;
let session;

before(async () => {
  node = await serve(seed, {
    onSession(peer) {
      peer.handle('echo', async (stream) => {
        await stream.readable.pipeTo(stream.writable);
      });
      peer.handle('mirror', async (stream) => {
        for await (const message of stream) await stream.send(message);
        await stream.finish();
      });
    },
  });
  session = await connect(node.url, seed, { WebSocket });
});
after(async () => {
  await session.close();
  await node.close();
});

test('a stream of bytes carries them both ways', async () => {
  const stream = await session.openStream('echo');
  assert.equal(stream.kind, 'bytes');
  assert.equal(stream.endpoint, 'echo');
  const sent = pattern(300_000);
  const received = readAll(stream.readable);
  const writer = stream.writable.getWriter();
  await writer.write(sent);
  await writer.close();
  assert.deepEqual(await received, Buffer.from(sent));
});
