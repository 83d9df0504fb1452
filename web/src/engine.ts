// The exported functions as methods; every one that needs the time tells it first.
import { SttError } from './errors.js';
import type { WebModule } from './module.js';

/** bindings/wasm/engine.hpp, EventKind. */
export const enum EventKind {
  none = 0,
  accepted = 1,
  connected = 2,
  reconnected = 3,
  connectFailed = 4,
  opened = 5,
  readable = 6,
  writable = 7,
  acknowledged = 8,
  reset = 9,
  stopped = 10,
  limitRaised = 11,
  confirmed = 12,
  pong = 13,
  unreachable = 14,
  reachable = 15,
  pathTaken = 16,
  closed = 17,
}

/** What a call of the engine tells beside its result. */
export interface Record {
  numbers: number[];
  text: string;
}
export interface EngineEvent extends Record {
  kind: EventKind;
}

export const STREAM_KINDS = ['bytes', 'messages', 'datagrams', 'expiring'] as const;
export type StreamKind = (typeof STREAM_KINDS)[number];

/** Results below 0. */
export const FAILED_ENDED = -100;
export const OPEN_STREAM_LIMIT = -1;
export const WRITE_STOPPED = -3;
export const SEND_STOPPED = -3;
export const SEND_TOO_LARGE = -5;
export const SEND_WOULD_BLOCK = -6;
export const READ_RESET = -2;

const RECORD_COUNT = 8;

export class Engine {
  readonly #module: WebModule;
  readonly #handle: number;
  readonly #buffer: number;
  /** Bytes that cross in one call. */
  readonly bufferSize: number;

  /** `identity`: 32 bytes of which the node id is made; another node each time without. */
  constructor(module: WebModule, identity?: Uint8Array) {
    this.#module = module;
    this.#handle = createEngine(module, identity);
    this.#buffer = module.calls.stt_buffer(this.#handle);
    this.bufferSize = module.calls.stt_buffer_size(this.#handle);
  }
  /** Wipes all keys. The object may not be used afterwards. */
  delete(): void {
    this.#module.calls.stt_engine_delete(this.#handle);
  }

  #now(): number {
    this.#module.calls.stt_set_time(this.#handle, performance.now(), Date.now());
    return this.#handle;
  }
  #put(bytes: Uint8Array): number {
    if (bytes.length > this.bufferSize) throw new RangeError('more than fits into the buffer');
    this.#module.bytes(this.#buffer, bytes.length).set(bytes);
    return bytes.length;
  }
  #record(): Record {
    const { calls } = this.#module;
    const numbers = this.#module.numbers(calls.stt_record_numbers(this.#handle), RECORD_COUNT);
    const size = calls.stt_record_text_size(this.#handle);
    const text = size === 0 ? '' : this.#module.text(calls.stt_record_text(this.#handle), size);
    return { numbers: Array.from(numbers), text };
  }

  // ---- the endpoint

  addSeed(seed: Uint8Array): number {
    const fits = seed.length <= this.bufferSize;
    const added = fits ? this.#module.calls.stt_add_seed(this.#handle, this.#put(seed)) : 0;
    if (added === 0) throw new SttError('bad-seed', 'a seed has 16 to 4,096 bytes');
    return added;
  }
  connect(seed: number, socket: number, peer?: Uint8Array): number {
    const size = peer === undefined ? 0 : this.#put(peer);
    return this.#module.calls.stt_connect(this.#now(), seed, socket, size);
  }
  cancel(attempt: number): void {
    this.#module.calls.stt_cancel(this.#handle, attempt);
  }
  /** Why no answer to a HELLO was of use so far; empty: none came. */
  handshakeFault(): string {
    this.#module.calls.stt_handshake_fault(this.#handle);
    return this.#record().text;
  }
  receive(socket: number, message: Uint8Array): void {
    if (message.length > this.bufferSize) return; // no node sends such
    this.#module.calls.stt_receive(this.#now(), socket, this.#put(message));
  }
  routeClosed(socket: number): void {
    this.#module.calls.stt_route_closed(this.#now(), socket);
  }
  moveTo(session: number, socket: number): void {
    this.#module.calls.stt_move_to(this.#now(), session, socket);
  }
  handleTimeout(): void {
    this.#module.calls.stt_timeout(this.#now());
  }
  /** The next message and its socket. Copied: whoever sends it may take its time. */
  transmit(): { socket: number; message: Uint8Array<ArrayBuffer> } | undefined {
    const { calls } = this.#module;
    const size = calls.stt_transmit(this.#now());
    if (size === 0) return undefined;
    const message = this.#module.bytes(calls.stt_message(this.#handle), size).slice();
    const numbers = this.#module.numbers(calls.stt_record_numbers(this.#handle), 1);
    return { socket: numbers[0]!, message };
  }
  nextEvent(): EngineEvent | undefined {
    const kind = this.#module.calls.stt_next_event(this.#handle);
    if (kind === EventKind.none) return undefined;
    return { kind, ...this.#record() };
  }
  /** Milliseconds; undefined: nothing waits for time to pass. */
  nextTimeout(): number | undefined {
    const timeout = this.#module.calls.stt_next_timeout(this.#now());
    return timeout < 0 ? undefined : timeout;
  }

  // ---- sessions

  peerNodeId(session: number): Uint8Array | undefined {
    const { calls } = this.#module;
    if (calls.stt_session_info(this.#handle, session) < 0) return undefined;
    const size = calls.stt_record_text_size(this.#handle);
    return this.#module.bytes(calls.stt_record_text(this.#handle), size).slice();
  }
  /** The socket of the path that the session uses. */
  routeOf(session: number): number | undefined {
    if (this.#module.calls.stt_session_info(this.#handle, session) < 0) return undefined;
    return this.#record().numbers[3];
  }
  close(session: number, code: number, reason: string): void {
    const size = this.#put(this.#module.encode(reason).subarray(0, this.bufferSize));
    this.#module.calls.stt_close(this.#now(), session, code, size);
  }
  askPeer(session: number): void {
    this.#module.calls.stt_ask_peer(this.#now(), session);
  }
  ping(session: number): number {
    return this.#module.calls.stt_ping(this.#now(), session);
  }
  progress(index: number): Record | undefined {
    return this.#module.calls.stt_progress(this.#handle, index) < 0 ? undefined : this.#record();
  }
  statistics(session: number): Float64Array | undefined {
    const { calls } = this.#module;
    const count = calls.stt_statistics(this.#now(), session);
    if (count === 0) return undefined;
    return this.#module.numbers(calls.stt_statistics_numbers(this.#handle), count).slice();
  }
  dropReasons(): string[] {
    const reasons: string[] = [];
    while (this.#module.calls.stt_drop_reason(this.#handle, reasons.length) === 0) {
      reasons.push(this.#record().text);
    }
    return reasons;
  }

  // ---- streams

  open(
    session: number, kind: StreamKind, endpoint: string, priority: number, deadlineMs: number,
  ): number {
    const size = this.#put(this.#module.encode(endpoint));
    return this.#module.calls.stt_open(
      this.#now(), session, STREAM_KINDS.indexOf(kind), priority, deadlineMs, size);
  }
  streamInfo(session: number, stream: number): Record | undefined {
    const outcome = this.#module.calls.stt_stream_info(this.#handle, session, stream);
    return outcome < 0 ? undefined : this.#record();
  }
  write(session: number, stream: number, bytes: Uint8Array): number {
    return this.#module.calls.stt_write(this.#now(), session, stream, this.#put(bytes));
  }
  /** The bytes read, whether the stream's end is behind them; or a result below 0. */
  read(
    session: number, stream: number, capacity: number,
  ): number | { bytes: Uint8Array<ArrayBuffer>; isEnd: boolean } {
    const { calls } = this.#module;
    const size = calls.stt_read(this.#now(), session, stream, Math.min(capacity, this.bufferSize));
    if (size < 0) return size;
    const numbers = this.#module.numbers(calls.stt_record_numbers(this.#handle), 1);
    return { bytes: this.#module.bytes(this.#buffer, size).slice(), isEnd: numbers[0] === 1 };
  }
  send(session: number, stream: number, message: Uint8Array, deadlineMs: number): number {
    const size = this.#put(message);
    return this.#module.calls.stt_send(this.#now(), session, stream, size, deadlineMs);
  }
  /** A message; null when none has come; 'end'; or a result below 0. */
  receiveMessage(
    session: number, stream: number,
  ): number | 'end' | null | Uint8Array<ArrayBuffer> {
    const { calls } = this.#module;
    const outcome = calls.stt_receive_message(this.#now(), session, stream);
    if (outcome < 0) return outcome;
    if (outcome === 0) return null;
    if (outcome === 2) return 'end';
    const size = calls.stt_received_size(this.#handle);
    return this.#module.bytes(calls.stt_received(this.#handle), size).slice();
  }
  finish(session: number, stream: number): void {
    this.#module.calls.stt_finish(this.#now(), session, stream);
  }
  reset(session: number, stream: number, code: number): void {
    this.#module.calls.stt_reset(this.#now(), session, stream, code);
  }
  stop(session: number, stream: number, code: number): void {
    this.#module.calls.stt_stop(this.#now(), session, stream, code);
  }
  refuse(session: number, stream: number): void {
    this.#module.calls.stt_refuse(this.#now(), session, stream);
  }
  release(session: number, stream: number): void {
    this.#module.calls.stt_release(this.#now(), session, stream);
  }
  setPriority(session: number, stream: number, priority: number): number {
    return this.#module.calls.stt_set_priority(this.#now(), session, stream, priority);
  }
  waitAcknowledged(session: number, stream: number): number {
    return this.#module.calls.stt_wait_acknowledged(this.#now(), session, stream);
  }
}

function createEngine(module: WebModule, identity: Uint8Array | undefined): number {
  if (identity === undefined) return module.calls.stt_engine_new(0);
  if (identity.length !== 32) throw new SttError('bad-argument', 'an identity has 32 bytes');
  const place = module.calls.stt_secret_input();
  module.bytes(place, identity.length).set(identity);
  const engine = module.calls.stt_engine_new(place);
  module.calls.stt_wipe_secret();
  return engine;
}
