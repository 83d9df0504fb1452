import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';
import WebSocket from 'ws';

import {
  connect, memorySink, receiveFiles, sendFiles, TRANSFER_ENDPOINT,
} from '../../build-web/module/index.js';
import { pattern } from './support/bytes.js';
import { serve } from './support/serve.js';

const seed = pattern(32, 7);
let node;
let session;
let peer;

before(async () => {
  node = await serve(seed);
  session = await connect(node.url, seed, { WebSocket });
  await session.ping();
  peer = node.sessions[0];
});
after(async () => {
  await session.close();
  await node.close();
});

function named(name, size, seedOfBytes = size) {
  return { name, blob: new Blob([pattern(size, seedOfBytes)]), lastModified: 1_700_000_000_123 };
}

/** What the other side received, once. */
function receiveOnce(receiver, options) {
  return new Promise((resolve, reject) => {
    receiver.handle(TRANSFER_ENDPOINT, (stream) => {
      receiver.removeHandler(TRANSFER_ENDPOINT);
      receiveFiles(stream, options).then(resolve, reject);
    });
  });
}

async function assertSame(blob, source) {
  const [actual, expected] = await Promise.all(
    [blob, source.blob].map(async (each) => Buffer.from(await each.arrayBuffer())));
  assert.equal(actual.length, expected.length);
  assert.ok(actual.equals(expected), source.name);
}

for (const direction of ['from the page', 'to the page']) {
  test(`files in folders go ${direction}, each with its path, time and content`, async () => {
    const [sender, receiver] = direction === 'from the page' ? [session, peer] : [peer, session];
    const files = [
      named('b/deep/er.bin', 700_001), named('b.txt', 0), named('b/1.txt', 1), named('a', 300),
      named('b/deep/2.txt', 65_536), named('Grüße.txt', 12),
    ];
    const seen = [];
    const receiving = receiveOnce(receiver, { onFile: ({ offer }) => seen.push(offer.path) });
    const progress = [];
    const result = await sendFiles(sender, files, { onProgress: (one) => progress.push(one) });
    const { received, failures, ...counts } = await receiving;
    assert.deepEqual(failures, []);
    assert.deepEqual(result.failures, []);
    const bytes = files.reduce((sum, file) => sum + file.blob.size, 0);
    const expected = { files: 6, bytes, filesDone: 6, filesFailed: 0, bytesDone: bytes };
    assert.deepEqual(counts, expected);
    assert.deepEqual(progress.at(-1), expected);
    assert.equal(seen.length, 6);
    for (const { offer, content } of received) {
      const source = files.find((file) => file.name === offer.path);
      assert.equal(offer.lastModified, 1_700_000_000_123);
      assert.match(offer.partName, /^\..*\.[0-9a-f]{16}\.stt-part$/);
      await assertSame(content, source);
    }
  });
}

test('a large file passes in bounded memory while WebSockets are cut', async () => {
  const size = 40 << 20;
  const chunk = pattern(1 << 20);
  const source = { name: 'large', blob: new Blob(Array(size / chunk.length).fill(chunk)) };
  let received = 0;
  const sink = () => ({
    begin() {},
    write(bytes) {
      if (bytes[0] !== chunk[received % chunk.length]) throw new Error(`wrong at ${received}`);
      if (received % (10 << 20) > (received + bytes.length) % (10 << 20)) node.cut();
      received += bytes.length;
    },
    commit() {},
    discard() {},
  });
  const receiving = receiveOnce(peer, { sink });
  const { filesDone } = await sendFiles(session, [source]);
  await receiving;
  assert.equal(filesDone, 1);
  assert.equal(received, size);
  assert.ok(node.module.calls.memory.buffer.byteLength < 40 << 20);
});

test('paths that lead elsewhere are not even offered', async () => {
  const receiving = receiveOnce(peer);
  const { failures, filesDone } = await sendFiles(session, [
    named('../out', 5), named('/etc/passwd', 5), named('a//b', 5), named('ok', 5),
    named('x.stt-part', 5), named('a\u0000b', 5),
  ]);
  assert.equal(failures.length, 5);
  for (const { reason } of failures) assert.ok(reason.length > 0);
  assert.equal(filesDone, 1);
  assert.deepEqual((await receiving).received.map(({ offer }) => offer.path), ['ok']);
});

test('a file that is not wanted is refused, with a reason that the sender is told', async () => {
  const receiving = receiveOnce(peer, {
    onOffer: (offer) => (offer.name === 'no' ? 'we have enough of these' : true),
  });
  const result = await sendFiles(session, [named('no', 2_000_000), named('yes', 10)]);
  assert.deepEqual(result.failures, [{ name: 'no', reason: 'we have enough of these' }]);
  assert.equal(result.filesFailed, 1);
  const { received, failures } = await receiving;
  assert.equal(received.length, 1);
  assert.deepEqual(failures, [{ name: 'no', reason: 'we have enough of these' }]);
});

test('a sink that fails mid-file refuses that file, and the others come', async () => {
  let discarded = 0;
  const sink = (offer) => {
    if (offer.name !== 'bad') return memorySink(offer);
    let written = 0;
    return {
      begin() {},
      write(bytes) {
        written += bytes.length;
        if (written > 100_000) throw new Error('no room here');
      },
      commit() {},
      discard() {
        ++discarded;
      },
    };
  };
  const receiving = receiveOnce(peer, { sink });
  const result = await sendFiles(session, [named('bad', 3_000_000), named('good', 500_000)]);
  assert.deepEqual(result.failures, [{ name: 'bad', reason: 'no room here' }]);
  assert.equal(discarded, 1);
  const { received } = await receiving;
  assert.deepEqual(received.map(({ offer }) => offer.name), ['good']);
});

test('a source that cannot be read is abandoned, and the others go', async () => {
  const faulty = {
    size: 3_000_000,
    slice: (from, to) => ({
      arrayBuffer: async () => {
        if (from > 0) throw Object.assign(new Error('gone'), { name: 'NotReadableError' });
        return new ArrayBuffer(to - from);
      },
    }),
  };
  const receiving = receiveOnce(peer);
  const result = await sendFiles(session, [{ name: 'faulty', blob: faulty }, named('good', 10)]);
  assert.deepEqual(
    result.failures, [{ name: 'faulty', reason: 'it cannot be read: NotReadableError' }]);
  const { received, failures } = await receiving;
  assert.deepEqual(received.map(({ offer }) => offer.name), ['good']);
  assert.equal(failures.length, 1);
});

/** Keeps what came, as a folder does. */
function resumableSink(kept, written) {
  return () => {
    const sink = {
      offset: kept.length,
      known: () => new Blob([kept.subarray(0)]),
      begin(offset) {
        kept = kept.subarray(0, offset);
      },
      write(bytes) {
        written.count += bytes.length;
        kept = Buffer.concat([kept, bytes]);
      },
      commit: () => new Blob([kept]),
      discard() {
        kept = Buffer.alloc(0);
      },
    };
    return sink;
  };
}

test('a transfer goes on where an earlier one ended', async () => {
  const source = named('part', 2_000_000);
  const written = { count: 0 };
  const had = Buffer.from(pattern(2_000_000, 2_000_000).subarray(0, 1_200_000));
  const receiving = receiveOnce(peer, { sink: resumableSink(had, written) });
  const result = await sendFiles(session, [source]);
  assert.equal(written.count, 800_000);
  assert.equal(result.bytesDone, 2_000_000);
  await assertSame((await receiving).received[0].content, source);
});

test('a part of another file shows by its digest, and all is asked for', async () => {
  const source = named('part', 2_000_000);
  const written = { count: 0 };
  const wrong = Buffer.from(pattern(1_200_000, 99));
  const receiving = receiveOnce(peer, { sink: resumableSink(wrong, written) });
  await sendFiles(session, [source]);
  assert.equal(written.count, 2_800_000);
  await assertSame((await receiving).received[0].content, source);
});

test('a file that is there already is compared, and not sent again', async () => {
  const source = named('there', 500_000);
  const presentSink = (present) => () => ({
    present, begin() {}, write: () => assert.fail('content came'), commit() {}, discard() {},
  });
  let receiving = receiveOnce(peer, { sink: presentSink(source.blob) });
  assert.equal((await sendFiles(session, [source])).filesDone, 1);
  assert.equal((await receiving).received[0].content, undefined);
  for (const other of [named('', 500_000, 5).blob, named('', 499_999).blob]) {
    receiving = receiveOnce(peer, { sink: presentSink(other) });
    const { failures } = await sendFiles(session, [source]);
    assert.deepEqual(failures, [{ name: 'there', reason: 'something else has its name' }]);
    assert.equal((await receiving).failures.length, 1);
  }
});

test('a transfer that is given up lets the sink keep what came', async () => {
  const abort = new AbortController();
  let suspended = 0;
  const sink = (offer) => ({
    ...memorySink(offer),
    write: () => sleep(20),
    suspend() {
      ++suspended;
    },
  });
  const receiving = receiveOnce(peer, { sink });
  const receivingFails = assert.rejects(receiving, { code: 'stream-reset', peerCode: 256 });
  const sending = sendFiles(session, [named('long', 8_000_000)], { signal: abort.signal });
  const sendingFails = assert.rejects(sending, { code: 'aborted' });
  await sleep(200);
  abort.abort();
  await sendingFails;
  await receivingFails;
  assert.equal(suspended, 1);
});

test('who takes no files refuses the stream', async () => {
  peer.handle('something', () => {});
  await assert.rejects(sendFiles(session, [named('a', 10)]), (error) => error.peerCode === 7);
  peer.removeHandler('something');
});

test('a sender that breaks the protocol is told, and the transfer fails', async () => {
  for (const bytes of [[10, 0, 0, 0, 0], [4, 0, 0x20, 0, 0], [99, 0, 0, 0, 1, 0]]) {
    const receiving = receiveOnce(peer);
    const fails = assert.rejects(receiving, { code: 'transfer-failed' });
    const stream = await session.openStream(TRANSFER_ENDPOINT);
    await stream.writable.getWriter().write(new Uint8Array(bytes));
    await fails;
    stream.reset();
    stream.stop();
  }
});

test('many small files, more than may be unsettled at once', async () => {
  const files = [];
  for (let i = 0; i < 3_000; ++i) files.push(named(`folder${i % 7}/${i}`, i % 50));
  const receiving = receiveOnce(peer);
  const { filesDone, filesFailed } = await sendFiles(session, files);
  assert.equal(filesDone, 3_000);
  assert.equal(filesFailed, 0);
  assert.equal((await receiving).received.length, 3_000);
});
