import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import { test } from 'node:test';
import WebSocket from 'ws';

import { connect, loadModule, measureFolding, SttError } from '../../build-web/module/index.js';
import { instantiate, moduleOf } from '../../build-web/module/module.js';
import { pattern } from './support/bytes.js';
import { serve } from './support/serve.js';

const address = new URL('../../build-web/module/stt.wasm', import.meta.url);

test('the module imports randomness, the report of a broken invariant, and its end', async () => {
  const compiled = await WebAssembly.compile(await readFile(address));
  const imports = WebAssembly.Module.imports(compiled);
  assert.deepEqual(imports.map(({ module, name }) => `${module}.${name}`).sort(), [
    'env.emscripten_notify_memory_growth', 'stt.check_failed', 'stt.fill_random',
    'wasi_snapshot_preview1.proc_exit',
  ]);
});

test('the module has under 400 KB when it is compressed', async () => {
  assert.ok(gzipSync(await readFile(address), { level: 9 }).length < 400_000);
});

test('the module loads from bytes, from what was compiled, and from an address', async () => {
  const bytes = await readFile(address);
  await instantiate(bytes);
  await instantiate(await WebAssembly.compile(bytes));
  await instantiate(address);
  await assert.rejects(instantiate(new URL('none.wasm', address)));
  await loadModule();
});

test('folding is right', async (context) => {
  for (const size of [1_400, 16_384]) {
    const { megabytesPerSecond, isCorrect } = await measureFolding(size, 200);
    assert.ok(isCorrect);
    context.diagnostic(`folding ${size} bytes under Node: ${megabytesPerSecond.toFixed(0)} MB/s`);
  }
});

test('a broken invariant stops the module with an error that says where', async () => {
  const module = await instantiate();
  const bench = module.calls.stt_bench_new(1_400);
  module.bytes(bench, 16_384).fill(0); // now its jobs have no key
  assert.throws(() => module.calls.stt_bench_fold(bench), (error) => {
    assert.ok(error instanceof SttError);
    assert.equal(error.code, 'internal');
    assert.match(error.message, /^broken invariant at stc\/dsf\.cpp:\d+: job\.key/);
    return true;
  });
  assert.ok(module.broken instanceof SttError);
});

test('a session ends with its module, and the next one has another', async (context) => {
  const seed = pattern(32, 7);
  const node = await serve(seed);
  context.after(() => node.close());
  const session = await connect(node.url, seed, { WebSocket });
  const stream = await session.openStream('x');
  const reading = stream.readable.getReader().read();
  const module = await moduleOf();
  const bench = module.calls.stt_bench_new(1_400);
  module.bytes(bench, 16_384).fill(0);
  assert.throws(() => module.calls.stt_bench_fold(bench), { code: 'internal' });
  await assert.rejects(session.ping());
  const { cause } = await session.closed;
  assert.equal(cause, 'internal');
  await assert.rejects(reading, { code: 'session-closed' });
  const another = await connect(node.url, seed, { WebSocket });
  assert.ok((await another.ping()) >= 0);
  await another.close();
});
