import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import WebSocket, { WebSocketServer } from 'ws';

import { connect, parseSeed, SttError } from '../../build-web/module/index.js';
import { pattern } from './support/bytes.js';
import { serve } from './support/serve.js';

const seed = pattern(32, 7);
const identity = pattern(32, 9);
const options = { WebSocket };

/** A node, and a session with it, for one test. */
async function withSession(context, settings = {}) {
  const node = await serve(seed, settings);
  context.after(() => node.close());
  const session = await connect(node.url, seed, { ...options, ...settings.connect });
  context.after(() => session.close());
  await session.ping(); // the node has it too
  return { node, session };
}

function nextEvent(session, name) {
  return new Promise((resolve) => session.on(name, resolve));
}

test('a wrong seed has an error of its own, within 6 s', async (context) => {
  const node = await serve(seed);
  context.after(() => node.close());
  const start = performance.now();
  await assert.rejects(connect(node.url, pattern(32, 8), options), (error) => {
    assert.ok(error instanceof SttError);
    assert.equal(error.code, 'handshake-unanswered');
    assert.match(error.message, /most likely the seed/);
    return true;
  });
  assert.ok(performance.now() - start < 6_000);
  assert.equal(node.sessions.length, 0);
});

test('a node that closes the WebSocket unanswered has the same error', async (context) => {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  context.after(() => server.close());
  server.on('connection', (socket) => socket.on('message', () => socket.close(1008)));
  await new Promise((resolve) => server.once('listening', resolve));
  const url = `ws://127.0.0.1:${server.address().port}/stt`;
  await assert.rejects(connect(url, seed, options), { code: 'handshake-unanswered' });
});

test('where nobody listens, or not for WebSockets, the node is unreachable', async (context) => {
  const server = createServer((socket) => socket.end('no\r\n'));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const unreachable = { code: 'unreachable' };
  const { port } = server.address();
  await assert.rejects(connect(`ws://127.0.0.1:${port}/stt`, seed, options), unreachable);
  await assert.rejects(connect('ws://127.0.0.1:1/stt', seed, options), unreachable);
  await assert.rejects(connect('http ://', seed, options), { code: 'bad-argument' });
});

test('seeds of a wrong size, and what is no node id, are refused at once', async () => {
  const url = 'ws://127.0.0.1:1/stt';
  await assert.rejects(connect(url, new Uint8Array(15), options), { code: 'bad-seed' });
  await assert.rejects(connect(url, new Uint8Array(4_097), options), { code: 'bad-seed' });
  const short = { ...options, peer: new Uint8Array(31) };
  await assert.rejects(connect(url, seed, short), { code: 'bad-argument' });
  const nameless = { ...options, identity: new Uint8Array(31) };
  await assert.rejects(connect(url, seed, nameless), { code: 'bad-argument' });
});

test('a seed is what the command prints, in either case, with white space around it', async () => {
  const hex = Buffer.from(seed).toString('hex');
  for (const text of [hex, ` \n${hex}\r\n`, hex.toUpperCase()]) {
    assert.deepEqual(Buffer.from(await parseSeed(text)), Buffer.from(seed));
  }
  assert.equal((await parseSeed('ab'.repeat(4_096))).length, 4_096);
  const wrong = ['', 'ab'.repeat(15), `${hex}0`, `${hex.slice(2)} 0`, 'zz'.repeat(16),
    'correct horse', 'ab'.repeat(4_097), 'ab'.repeat(9_000)];
  for (const text of wrong) await assert.rejects(parseSeed(text), { code: 'bad-seed' });
});

test('an AbortSignal gives connecting up', async (context) => {
  const server = createServer(() => {}); // takes connections, and says nothing
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  const url = `ws://127.0.0.1:${server.address().port}/stt`;
  const aborted = { code: 'aborted' };
  await assert.rejects(connect(url, seed, { ...options, signal: AbortSignal.abort() }), aborted);
  const signal = AbortSignal.timeout(100);
  await assert.rejects(connect(url, seed, { ...options, signal }), aborted);
});

test('the node that was wanted answers, and no other does', async (context) => {
  const { session } = await withSession(context);
  const node = await serve(seed, { identity });
  context.after(() => node.close());
  const wanted = { ...options, peer: session.peerNodeId };
  await assert.rejects(connect(node.url, seed, wanted), { code: 'wrong-peer' });
  const other = await connect(node.url, seed, options);
  const again = await connect(node.url, seed, { ...options, peer: other.peerNodeId });
  await again.close();
  await other.close();
});

test('an identity makes a page the same node each time', async (context) => {
  const node = await serve(seed);
  context.after(() => node.close());
  for (const own of [{ identity }, { identity }, {}]) {
    const session = await connect(node.url, seed, { ...options, ...own });
    await session.ping();
    context.after(() => session.close());
  }
  const ids = node.sessions.map((session) => Buffer.from(session.peerNodeId).toString('hex'));
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[0], ids[2]);
});

test('close() tells the peer code and reason, and ends the streams', async (context) => {
  const { node, session } = await withSession(context);
  const stream = await session.openStream('x');
  const reader = stream.readable.getReader();
  const info = await session.close(300, 'enough');
  assert.deepEqual(info, { cause: 'local', code: 300, reason: 'enough' });
  assert.deepEqual(
    await node.sessions[0].closed, { cause: 'peer', code: 300, reason: 'enough' });
  await assert.rejects(reader.read(), { code: 'session-closed' });
  await assert.rejects(session.openStream('x'), { code: 'session-closed' });
  await assert.rejects(session.ping(), { code: 'session-closed' });
  assert.ok(session.statistics().framesSent > 0);
});

test('what had come when the peer closed can still be read', async (context) => {
  const { node, session } = await withSession(context);
  const other = await node.sessions[0].openStream('x');
  const incoming = session.incomingStreams;
  const { value: stream } = await (async () => {
    const next = incoming.next();
    await other.writable.getWriter().write(pattern(1_000));
    return next;
  })();
  await other.acknowledged();
  node.sessions[0].close(0, '');
  await session.closed;
  const reader = stream.readable.getReader();
  const { value } = await reader.read();
  assert.deepEqual(Buffer.from(value), Buffer.from(pattern(1_000)));
  await assert.rejects(reader.read(), { code: 'session-closed' });
});

test('a WebSocket cut three times mid-transfer costs no byte, either way', async (context) => {
  const { node, session } = await withSession(context, {
    onSession(peer) {
      peer.handle('echo', (stream) => stream.readable.pipeTo(stream.writable));
    },
  });
  const events = [];
  for (const name of ['unreachable', 'reconnected', 'closed']) {
    session.on(name, () => events.push(name));
  }
  const size = 24 << 20;
  const chunk = pattern(1 << 20);
  const stream = await session.openStream('echo');
  const writer = stream.writable.getWriter();
  const writing = (async () => {
    for (let written = 0; written < size; written += chunk.length) await writer.write(chunk);
    await writer.close();
  })();
  let received = 0;
  let cuts = 0;
  for await (const piece of stream.readable) {
    for (let i = 0; i < piece.length; ++i) {
      if (piece[i] !== chunk[(received + i) % chunk.length]) assert.fail(`at ${received + i}`);
    }
    received += piece.length;
    if (cuts < 3 && received > (cuts + 1) * (size / 4)) {
      ++cuts;
      node.cut();
    }
  }
  await writing;
  assert.equal(received, size);
  assert.equal(cuts, 3);
  assert.deepEqual(events, []);
  assert.equal(node.sessions.length, 1);
  assert.ok(session.isReachable);
  assert.ok(node.largest.first <= 2_048);
});

test('a node that is away is unreachable, and the session goes on after', async (context) => {
  const { node, session } = await withSession(context);
  const events = [];
  for (const name of ['unreachable', 'reachable', 'reconnected', 'closed']) {
    session.on(name, () => events.push(name));
  }
  const stream = await session.openStream('x');
  const writer = stream.writable.getWriter();
  await writer.write(pattern(10));
  node.pause();
  await nextEvent(session, 'unreachable');
  assert.equal(session.isReachable, false);
  await writer.write(pattern(20));
  await sleep(1_000);
  await node.resume();
  await nextEvent(session, 'reachable');
  await stream.acknowledged();
  assert.deepEqual(events, ['unreachable', 'reachable']);
  assert.equal(node.sessions.length, 1);
});

test('a WebSocket that hangs without closing is replaced', async (context) => {
  const { node, session } = await withSession(context);
  const stream = await session.openStream('x');
  node.freeze();
  const writer = stream.writable.getWriter();
  await writer.write(pattern(50_000));
  await nextEvent(session, 'unreachable');
  await nextEvent(session, 'reachable');
  await stream.acknowledged();
  assert.equal(node.sessions.length, 1);
});

test('a restarted node has lost the session: the page is told, with a new one', async (context) => {
  const node = await serve(seed, { identity });
  const session = await connect(node.url, seed, options);
  let served = 0;
  session.handle('greet', () => {
    ++served;
  });
  const stream = await session.openStream('work');
  await stream.writable.getWriter().write(pattern(1_000));
  await stream.acknowledged();
  node.vanish();
  const again = await serve(seed, { identity, port: node.port });
  context.after(() => again.close());
  const { session: successor, streams } = await nextEvent(session, 'reconnected');
  context.after(() => successor.close());
  assert.equal(streams.length, 1);
  assert.deepEqual(
    { ...streams[0], id: 0 },
    { id: 0, endpoint: 'work', kind: 'bytes', isLocal: true, isFinished: false, bytesWritten: 1_000,
      bytesAcknowledged: 1_000, messagesWritten: 0, messagesAcknowledged: 0 });
  const info = await session.closed;
  assert.equal(info.cause, 'lost');
  assert.equal(info.successor, successor);
  assert.ok((await successor.ping()) >= 0);
  const greeting = await again.sessions[0].openStream('greet');
  await greeting.writable.getWriter().write(pattern(1));
  await greeting.acknowledged();
  assert.equal(served, 1);
});

test('without reconnecting a session ends with its WebSocket', async (context) => {
  const { node, session } = await withSession(context, { connect: { reconnect: false } });
  node.cut();
  const info = await session.closed;
  assert.equal(info.cause, 'lost');
  assert.equal(session.isReachable, false);
});
