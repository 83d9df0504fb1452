// The WebAssembly module: where it comes from, and its memory.
import { SttError } from './errors.js';

/** What bindings/wasm exports. Handles, offsets and counts are doubles; -100 is "has ended". */
export interface Exports {
  memory: WebAssembly.Memory;
  _initialize(): void;
  stt_engine_new(identity: number): number;
  stt_engine_delete(engine: number): void;
  stt_set_time(engine: number, nowMs: number, unixMs: number): void;
  stt_buffer(engine: number): number;
  stt_buffer_size(engine: number): number;
  stt_message(engine: number): number;
  stt_record_numbers(engine: number): number;
  stt_record_text(engine: number): number;
  stt_record_text_size(engine: number): number;
  stt_add_seed(engine: number, size: number): number;
  stt_connect(engine: number, seed: number, socket: number, peerSize: number): number;
  stt_cancel(engine: number, attempt: number): void;
  stt_handshake_fault(engine: number): void;
  stt_receive(engine: number, socket: number, size: number): void;
  stt_route_closed(engine: number, socket: number): void;
  stt_move_to(engine: number, session: number, socket: number): void;
  stt_timeout(engine: number): void;
  stt_transmit(engine: number): number;
  stt_next_event(engine: number): number;
  stt_next_timeout(engine: number): number;
  stt_session_info(engine: number, session: number): number;
  stt_close(engine: number, session: number, code: number, reasonSize: number): void;
  stt_ask_peer(engine: number, session: number): void;
  stt_ping(engine: number, session: number): number;
  stt_progress(engine: number, index: number): number;
  stt_open(
    engine: number, session: number, kind: number, priority: number, deadlineMs: number,
    endpointSize: number): number;
  stt_stream_info(engine: number, session: number, stream: number): number;
  stt_write(engine: number, session: number, stream: number, size: number): number;
  stt_read(engine: number, session: number, stream: number, capacity: number): number;
  stt_send(
    engine: number, session: number, stream: number, size: number, deadlineMs: number): number;
  stt_receive_message(engine: number, session: number, stream: number): number;
  stt_received(engine: number): number;
  stt_received_size(engine: number): number;
  stt_finish(engine: number, session: number, stream: number): void;
  stt_reset(engine: number, session: number, stream: number, code: number): void;
  stt_stop(engine: number, session: number, stream: number, code: number): void;
  stt_refuse(engine: number, session: number, stream: number): void;
  stt_release(engine: number, session: number, stream: number): void;
  stt_set_priority(engine: number, session: number, stream: number, priority: number): number;
  stt_wait_acknowledged(engine: number, session: number, stream: number): number;
  stt_statistics(engine: number, session: number): number;
  stt_statistics_numbers(engine: number): number;
  stt_drop_reason(engine: number, index: number): number;
  stt_transfer_input_size(): number;
  stt_sending_new(): number;
  stt_sending_delete(sending: number): void;
  stt_sending_input(sending: number): number;
  stt_sending_numbers(sending: number): number;
  stt_sending_text(sending: number): number;
  stt_sending_text_size(sending: number): number;
  stt_sending_add(sending: number, pathSize: number, size: number, modifiedMs: number): number;
  stt_sending_start(sending: number, nowMs: number): void;
  stt_sending_receive(sending: number, size: number): void;
  stt_sending_end(sending: number): number;
  stt_sending_next(sending: number): number;
  stt_sending_output(sending: number): number;
  stt_sending_output_size(sending: number): number;
  stt_sending_take_output(sending: number): void;
  stt_sending_give(sending: number, size: number): void;
  stt_sending_give_up(sending: number, reasonSize: number): void;
  stt_sending_totals(sending: number): void;
  stt_sending_failure(sending: number): number;
  stt_receiving_new(): number;
  stt_receiving_delete(receiving: number): void;
  stt_receiving_input(receiving: number): number;
  stt_receiving_numbers(receiving: number): number;
  stt_receiving_text(receiving: number): number;
  stt_receiving_text_size(receiving: number): number;
  stt_receiving_second_text(receiving: number): number;
  stt_receiving_second_text_size(receiving: number): number;
  stt_receiving_push(receiving: number, size: number): void;
  stt_receiving_end(receiving: number): void;
  stt_receiving_next(receiving: number): number;
  stt_receiving_output(receiving: number): number;
  stt_receiving_output_size(receiving: number): number;
  stt_receiving_take_output(receiving: number): void;
  stt_receiving_piece(receiving: number): number;
  stt_receiving_piece_size(receiving: number): number;
  stt_receiving_accept(receiving: number, item: number, offset: number): void;
  stt_receiving_compare(receiving: number, item: number): void;
  stt_receiving_compared(receiving: number, item: number): void;
  stt_receiving_extra(receiving: number, size: number): number;
  stt_receiving_known(receiving: number): void;
  stt_receiving_refuse(receiving: number, item: number): void;
  stt_receiving_give_up(receiving: number): void;
  stt_receiving_stored(receiving: number, item: number): void;
  stt_receiving_totals(receiving: number): void;
  stt_secret_input(): number;
  stt_secret_input_size(): number;
  stt_parse_seed(size: number): number;
  stt_wipe_secret(): void;
  stt_bench_new(frameSize: number): number;
  stt_bench_delete(bench: number): void;
  stt_bench_fold(bench: number): void;
  stt_bench_unfold(bench: number): number;
  stt_bench_is_as_before(bench: number): number;
}

/** Where the module's bytes are: an address, the bytes, or what was compiled from them. */
export type ModuleSource = string | URL | BufferSource | WebAssembly.Module;

// crypto.getRandomValues() gives no more at once.
const RANDOM_SIZE_MAX = 65_536;

export class WebModule {
  readonly calls: Exports;
  /** Set once the module has found its own state broken: nothing in it may be called again. */
  broken: SttError | undefined;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();

  constructor(instance: WebAssembly.Instance) {
    this.calls = instance.exports as unknown as Exports;
    this.calls._initialize();
  }

  /** A view that is good until the next call into the module: its memory may move. */
  bytes(address: number, size: number): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.calls.memory.buffer as ArrayBuffer, address, size);
  }
  numbers(address: number, count: number): Float64Array {
    return new Float64Array(this.calls.memory.buffer, address, count);
  }
  text(address: number, size: number): string {
    return this.#decoder.decode(this.bytes(address, size));
  }
  encode(text: string): Uint8Array {
    return this.#encoder.encode(text);
  }
}

interface NodeCrypto {
  webcrypto: Crypto;
}
interface NodeFiles {
  readFile(path: URL): Promise<Uint8Array<ArrayBuffer>>;
}

// Not for bundlers: what only Node has they need not find.
function importOfNode(name: string): Promise<unknown> {
  return import(/* @vite-ignore */ /* webpackIgnore: true */ name);
}

// Node 18 has it, but not as a global.
async function findCrypto(): Promise<Crypto> {
  const found = (globalThis as { crypto?: Crypto }).crypto;
  if (found !== undefined) return found;
  return ((await importOfNode('node:crypto')) as NodeCrypto).webcrypto;
}

async function compile(source: ModuleSource): Promise<WebAssembly.Module> {
  if (source instanceof WebAssembly.Module) return source;
  if (typeof source !== 'string' && !(source instanceof URL)) return WebAssembly.compile(source);
  const address = new URL(source, import.meta.url);
  if (address.protocol === 'file:') {
    const files = (await importOfNode('node:fs/promises')) as NodeFiles;
    return WebAssembly.compile(await files.readFile(address));
  }
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address.href} answered with ${response.status}`);
  // Not compileStreaming(): it wants the MIME type application/wasm, which not every server sends.
  return WebAssembly.compile(await response.arrayBuffer());
}

let common: Promise<WebModule> | undefined;

/** Another instance than the page's common one: with memory, and errors, of its own. */
export async function instantiate(source?: ModuleSource): Promise<WebModule> {
  const compiled = await compile(source ?? new URL('./stt.wasm', import.meta.url));
  const crypto = await findCrypto();
  let memory: WebAssembly.Memory | undefined;
  let created: WebModule | undefined;
  const stop = (why: string): never => {
    const error = new SttError('internal', why);
    if (created !== undefined) created.broken = error;
    common = undefined; // whoever begins anew gets another
    throw error;
  };
  const viewOf = (address: number, size: number) =>
    new Uint8Array(memory!.buffer as ArrayBuffer, address, size);
  const instance = await WebAssembly.instantiate(compiled, {
    stt: {
      fill_random(address: number, size: number) {
        for (let done = 0; done < size; done += RANDOM_SIZE_MAX) {
          crypto.getRandomValues(viewOf(address + done, Math.min(RANDOM_SIZE_MAX, size - done)));
        }
      },
      check_failed(
        expression: number, expressionSize: number, file: number, fileSize: number, line: number,
      ) {
        const text = (address: number, size: number) =>
          new TextDecoder().decode(viewOf(address, size));
        const where = `${text(file, fileSize).replace(/^.*\/(?=\w+\/)/, '')}:${line}`;
        stop(`broken invariant at ${where}: ${text(expression, expressionSize)}`);
      },
    },
    env: { emscripten_notify_memory_growth() {} },
    wasi_snapshot_preview1: {
      proc_exit(code: number) {
        stop(`the module stopped with code ${code}: out of memory?`);
      },
    },
  });
  memory = instance.exports['memory'] as WebAssembly.Memory;
  created = new WebModule(instance);
  return created;
}

/**
 * Loads the WebAssembly module, once for the page; everything else does so by itself. Call it
 * first where `stt.wasm` does not lie beside this script.
 */
export async function loadModule(source?: ModuleSource): Promise<void> {
  await moduleOf(source);
}

export function moduleOf(source?: ModuleSource): Promise<WebModule> {
  common ??= instantiate(source).catch((error: unknown) => {
    common = undefined; // the next try may find the network again
    throw error;
  });
  return common;
}
