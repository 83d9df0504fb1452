import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import WebSocket from 'ws';

import { connect } from '../../build-web/module/index.js';
import { pattern, readAll } from './support/bytes.js';
import { serve } from './support/serve.js';

const seed = pattern(32, 7);
let node;
let session;
const held = [];

async function until(condition) {
  for (let i = 0; i < 500 && !condition(); ++i) await sleep(10);
  assert.ok(condition());
}

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
      peer.handle('held', (stream) => {
        held.push(stream);
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

for (const kind of ['messages', 'datagrams', 'expiring']) {
  test(`a stream of ${kind} carries whole messages both ways`, async () => {
    const options = kind === 'expiring' ? { deadline: 5_000 } : {};
    const stream = await session.openMessages('mirror', kind, options);
    const sent = [0, 1, 100, 900].map((size) => pattern(size, size + 1));
    for (const message of sent) await stream.send(message);
    await stream.finish();
    const received = [];
    for await (const message of stream) received.push(message);
    const bySize = (a, b) => a.length - b.length;
    assert.deepEqual(received.sort(bySize).map(Buffer.from), sent.map(Buffer.from));
  });
}

test('messages of up to a MiB arrive, text as UTF-8; larger ones are refused', async () => {
  const stream = await session.openMessages('mirror');
  const large = pattern(1_048_573);
  await stream.send(large);
  assert.deepEqual(Buffer.from(await stream.receive()), Buffer.from(large));
  await stream.send('Grüße');
  assert.equal(new TextDecoder().decode(await stream.receive()), 'Grüße');
  await assert.rejects(stream.send(new Uint8Array(1_048_574)), { code: 'message-too-large' });
  await assert.rejects(stream.send(new Uint8Array(2_000_000)), { code: 'message-too-large' });
  await stream.finish();
  assert.equal(await stream.receive(), null);
  await assert.rejects(stream.send('late'), { code: 'stream-finished' });
});

test('an expiring stream needs a deadline, and no other kind takes one', async () => {
  const wrong = { code: 'bad-argument' };
  await assert.rejects(session.openMessages('mirror', 'expiring'), wrong);
  await assert.rejects(session.openMessages('mirror', 'messages', { deadline: 5 }), wrong);
  await assert.rejects(session.openStream('x'.repeat(256)), wrong);
  await assert.rejects(session.openStream('x', { priority: 8 }), wrong);
});

test('who is not read holds the writer, in bounded memory; all arrives later', async () => {
  const stream = await session.openStream('held');
  const size = 48 << 20;
  const chunk = pattern(1 << 20);
  const writer = stream.writable.getWriter();
  let written = 0;
  const writing = (async () => {
    for (; written < size; written += chunk.length) await writer.write(chunk);
    await writer.close();
  })();
  await until(() => held.length === 1);
  await sleep(500);
  const stalled = written;
  await sleep(200);
  assert.equal(written, stalled, 'the writer goes on although nobody reads');
  // The send buffer of 2 MiB, and the credit that the peer gave without being read.
  assert.ok(stalled <= 8 << 20, `${stalled} bytes were taken`);
  const other = held.pop();
  let received = 0;
  for await (const piece of other.readable) {
    for (let i = 0; i < piece.length; i += 4_093) {
      if (piece[i] !== chunk[(received + i) % chunk.length]) assert.fail(`at ${received + i}`);
    }
    received += piece.length;
  }
  await writing;
  assert.equal(received, size);
  assert.ok(node.module.calls.memory.buffer.byteLength < 40 << 20);
  assert.ok(node.largest.first <= 2_048 && node.largest.any <= 131_072);
});

test('codes of reset and stop come to the other side', async () => {
  const stream = await session.openStream('held');
  const writer = stream.writable.getWriter();
  await writer.write(pattern(10));
  await until(() => held.length === 1);
  const other = held.pop();
  const reader = other.readable.getReader();
  await reader.read();
  stream.reset(300);
  await assert.rejects(reader.read(), { code: 'stream-reset', peerCode: 300 });
  await assert.rejects(writer.write(pattern(1)), { code: 'stream-finished' });
  stream.stop(301);
  const back = other.writable.getWriter();
  await assert.rejects(back.closed, { code: 'stream-stopped', peerCode: 301 });
  await assert.rejects(back.write(pattern(1)), { code: 'stream-stopped', peerCode: 301 });
});

test('cancelling a readable stops the stream, aborting a writable resets it', async () => {
  const stream = await session.openStream('held');
  const writer = stream.writable.getWriter();
  await writer.write(pattern(10));
  await until(() => held.length === 1);
  const other = held.pop();
  await stream.readable.cancel(400);
  await assert.rejects(other.writable.getWriter().closed, { peerCode: 400 });
  const reader = other.readable.getReader();
  await reader.read();
  await writer.abort(401);
  await assert.rejects(reader.read(), { code: 'stream-reset', peerCode: 401 });
});

test('acknowledged() says when all has arrived', async () => {
  const stream = await session.openStream('held');
  const writer = stream.writable.getWriter();
  await writer.write(pattern(50_000));
  await stream.acknowledged();
  const other = held.pop();
  other.stop();
  await writer.closed.catch(() => {});
});

test('an endpoint that nobody serves is refused with code 7', async () => {
  const stream = await session.openStream('nothing');
  await assert.rejects(readAll(stream.readable), { code: 'stream-reset', peerCode: 7 });
});

test('a handler that throws resets and stops its stream', async (context) => {
  context.mock.method(console, 'error', () => {});
  node.sessions[0].handle('faulty', () => {
    throw new Error('as the test wants');
  });
  const stream = await session.openStream('faulty');
  await assert.rejects(readAll(stream.readable), { peerCode: 255 });
});

test('streams that the peer opens come to a handler, or to who iterates', async () => {
  const peer = node.sessions[0];
  const first = await peer.openStream('for-iterators');
  await first.writable.getWriter().write(pattern(3));
  for await (const stream of session.incomingStreams) {
    assert.equal(stream.endpoint, 'for-iterators');
    const { value } = await stream.readable.getReader().read();
    assert.deepEqual(Buffer.from(value), Buffer.from(pattern(3)));
    break;
  }
  const served = new Promise((resolve) => session.handle('for-handlers', resolve));
  const second = await peer.openMessages('for-handlers', 'datagrams');
  await second.send('x');
  assert.equal((await served).kind, 'datagrams');
  session.removeHandler('for-handlers');
});

test('more streams than the peer allows wait for one to close', async () => {
  const opened = [];
  let waiting;
  while (waiting === undefined) {
    const opening = session.openStream('held');
    const stream = await Promise.race([opening, sleep(500)]);
    if (stream === undefined) waiting = opening;
    else opened.push(stream);
  }
  assert.ok(opened.length > 900 && opened.length <= 1_024, `${opened.length} streams`);
  await until(() => held.length === opened.length);
  for (const stream of [...opened, ...held.splice(0)]) {
    stream.reset();
    stream.stop();
  }
  const late = await waiting;
  late.reset();
  late.stop();
});

test('statistics tell what went and came, and a ping its time', async () => {
  assert.ok((await session.ping()) >= 0);
  const statistics = session.statistics();
  assert.ok(statistics.hasRttSample);
  assert.ok(statistics.bytesSent > 48 << 20 && statistics.framesReceived > 100);
  assert.ok(statistics.streamsOpened > 1_000);
  assert.equal(statistics.framesLost, 0);
  for (const count of Object.values(statistics.drops)) assert.ok(count > 0);
  assert.equal(session.peerNodeId.length, 32);
  assert.deepEqual(node.sessions[0].peerNodeId.length, 32);
});
