import {
  READ_RESET, SEND_STOPPED, SEND_TOO_LARGE, SEND_WOULD_BLOCK, WRITE_STOPPED,
  type StreamKind,
} from './engine.js';
import { SttError } from './errors.js';
import { Gate } from './gate.js';
import type { Host } from './host.js';

/** Of a read of a stream of bytes. Chosen: few calls, and few bytes that nobody has asked for. */
const READ_SIZE = 131_072;

/** What the engine had received when its session ended: it can still be read. */
interface Leftover<Item> {
  items: Item[];
  isEnd: boolean;
}

/** What both kinds of streams are made of. */
export abstract class StreamBase<Item, Kind extends StreamKind> {
  /** The name that the opener gave. */
  readonly endpoint: string;
  /** 'bytes', 'messages', 'datagrams' or 'expiring'. */
  readonly kind: Kind;
  /** @internal */
  protected readonly host: Host;
  /** @internal */
  protected readonly session: number;
  /** @internal */
  protected readonly key: number;
  /** @internal */
  protected readonly readableGate = new Gate();
  /** @internal */
  protected readonly writableGate = new Gate();
  #leftover: Leftover<Item> | undefined;
  #ended: SttError | undefined;
  #peerCode = 0;
  #isReadDone = false;
  #isWriteDone = false;
  #isReleased = false;
  #acknowledged: { resolve: () => void; reject: (error: SttError) => void }[] = [];

  /** @internal */
  constructor(host: Host, session: number, key: number, endpoint: string, kind: Kind) {
    this.host = host;
    this.session = session;
    this.key = key;
    this.endpoint = endpoint;
    this.kind = kind;
    // Both may have come before anybody took the stream.
    const code = host.engine.streamInfo(session, key)?.numbers[2];
    if (code !== undefined && code >= 0) this.#peerCode = code;
  }

  /** The stream's ID in the session. */
  get id(): number {
    return this.key % 65_536;
  }

  /** Gives up sending: what is not delivered need not be. The peer is told the code. */
  reset(code = 0): void {
    if (this.#isWriteDone) return;
    if (this.#ended === undefined) {
      this.host.engine.reset(this.session, this.key, code);
      this.host.schedule();
    }
    this.onWriteOver(new SttError('stream-finished', 'this side has reset the stream'));
    this.writeIsDone();
  }
  /** Wants no more: the peer is told the code, and answers with RESET. */
  stop(code = 0): void {
    if (this.#isReadDone) return;
    if (this.#ended === undefined) {
      this.host.engine.stop(this.session, this.key, code);
      this.host.schedule();
    }
    this.onReadOver(new SttError('stream-finished', 'this side has stopped the stream'));
    this.readIsDone();
  }
  /** 0 (first) to 7, for both directions. */
  setPriority(priority: number): void {
    if (this.#ended !== undefined) return;
    if (this.host.engine.setPriority(this.session, this.key, priority) === -1) {
      throw new SttError('bad-argument', 'a priority is 0 to 7');
    }
    this.host.schedule();
  }
  /**
   * Resolves when all that was written until now has arrived at the peer's node, or was given up
   * as its kind has it.
   */
  acknowledged(): Promise<void> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const outcome = this.host.engine.waitAcknowledged(this.session, this.key);
    if (outcome < 0) return Promise.reject(this.writeError(outcome));
    this.host.schedule();
    return new Promise((resolve, reject) => this.#acknowledged.push({ resolve, reject }));
  }

  // ---- from the session

  /** @internal Nobody serves it: the peer is told code 7. */
  refuse(): void {
    this.host.engine.refuse(this.session, this.key);
    this.#isReleased = true;
    this.#isReadDone = this.#isWriteDone = true;
    this.host.schedule();
    this.onReleased?.();
  }
  /** @internal The engine knows it no more. */
  onReleased: (() => void) | undefined;
  /** @internal */
  onReadable(): void {
    this.readableGate.open();
  }
  /** @internal */
  onWritable(): void {
    this.writableGate.open();
  }
  /** @internal */
  onAcknowledged(): void {
    for (const { resolve } of this.#acknowledged.splice(0)) resolve();
    this.#releaseIfDone();
  }
  /** @internal */
  onReset(code: number): void {
    this.#peerCode = code;
    this.readableGate.open();
  }
  /** @internal */
  onStopped(code: number): void {
    this.#peerCode = code;
    const error = this.stoppedError();
    for (const { reject } of this.#acknowledged.splice(0)) reject(error);
    this.writableGate.open();
    if (this.#isWriteDone) return;
    this.onWriteOver(error);
    this.writeIsDone();
  }
  /** @internal The engine still has what came, unless it is broken; soon it will not. */
  onSessionEnded(error: SttError): void {
    const leftover: Leftover<Item> = { items: [], isEnd: false };
    while (!this.#isReadDone && !this.host.isDisposed) {
      const item = this.takeFromEngine();
      if (item === 'end') leftover.isEnd = true;
      if (item === 'end' || item === null || item instanceof SttError) break;
      leftover.items.push(item);
    }
    this.#leftover = leftover;
    this.#ended = error;
    for (const { reject } of this.#acknowledged.splice(0)) reject(error);
    if (!this.#isWriteDone) this.onWriteOver(error);
    this.#isWriteDone = true;
    this.readableGate.open();
    this.writableGate.open();
  }

  // ---- for the two kinds

  /** @internal The next item, 'end', null when none has come, or why none will. */
  protected abstract takeFromEngine(): Item | 'end' | null | SttError;
  /** @internal Nothing can be read any more: tell whoever holds the reading end. */
  protected abstract onReadOver(error: SttError): void;
  /** @internal Nothing can be written any more: tell whoever holds the writing end. */
  protected abstract onWriteOver(error: SttError): void;

  /** @internal */
  protected get ended(): SttError | undefined {
    return this.#ended;
  }
  /** @internal */
  protected get isReadDone(): boolean {
    return this.#isReadDone;
  }
  /** @internal */
  protected get isWriteDone(): boolean {
    return this.#isWriteDone;
  }
  /** @internal */
  protected take(): Item | 'end' | null | SttError {
    if (this.#leftover === undefined) return this.takeFromEngine();
    const item = this.#leftover.items.shift();
    if (item !== undefined) return item;
    return this.#leftover.isEnd ? 'end' : this.#ended!;
  }
  /** @internal */
  protected finishWriting(): void {
    if (this.#isWriteDone) return;
    if (this.#ended !== undefined) throw this.#ended;
    this.host.engine.finish(this.session, this.key);
    this.host.schedule();
    this.writeIsDone();
  }
  /** @internal */
  protected readIsDone(): void {
    this.#isReadDone = true;
    this.#releaseIfDone();
  }
  /** @internal */
  protected writeIsDone(): void {
    this.#isWriteDone = true;
    this.#releaseIfDone();
  }
  // What was finished is still delivered.
  #releaseIfDone(): void {
    if (!this.#isReadDone || !this.#isWriteDone || this.#isReleased) return;
    if (this.#ended !== undefined || this.#acknowledged.length > 0) return;
    this.#isReleased = true;
    this.host.engine.release(this.session, this.key);
    this.host.schedule();
    this.onReleased?.();
  }

  /** @internal */
  protected stoppedError(): SttError {
    return new SttError('stream-stopped', 'the peer wants no more of the stream', this.#peerCode);
  }
  /** @internal */
  protected writeError(outcome: number): SttError {
    if (this.#ended !== undefined) return this.#ended;
    if (outcome === WRITE_STOPPED) return this.stoppedError();
    return new SttError('stream-finished', 'the stream is finished in this direction');
  }
  /** @internal */
  protected readError(outcome: number): SttError {
    if (outcome === READ_RESET) {
      return new SttError('stream-reset', 'the peer has given the stream up', this.#peerCode);
    }
    return this.#ended ?? new SttError('stream-finished', 'the stream has ended');
  }
}

/** Reliable, ordered bytes in both directions. */
export class Stream extends StreamBase<Uint8Array<ArrayBuffer>, 'bytes'> {
  /** What the peer sends; it may send on as this is read, and no faster. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /**
   * What goes to the peer: a write waits until the bytes have a place in the engine's buffer.
   * Closing it ends this direction, aborting it resets the stream with code 0.
   */
  readonly writable: WritableStream<Uint8Array>;
  #reading: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  #writing: WritableStreamDefaultController | undefined;
  #isEndTaken = false;

  /** @internal */
  constructor(host: Host, session: number, key: number, endpoint: string) {
    super(host, session, key, endpoint, 'bytes');
    this.readable = new ReadableStream<Uint8Array<ArrayBuffer>>(
      {
        start: (controller) => {
          this.#reading = controller;
        },
        pull: (controller) => this.#pull(controller),
        cancel: (reason: unknown) => this.#cancel(reason),
      },
      // Credit is given for what somebody has asked for.
      { highWaterMark: 0 },
    );
    this.writable = new WritableStream<Uint8Array>({
      start: (controller) => {
        this.#writing = controller;
      },
      write: (chunk) => this.#write(chunk),
      close: () => this.finishWriting(),
      abort: (reason: unknown) => this.#abort(reason),
    });
  }

  /** @internal */
  protected takeFromEngine(): Uint8Array<ArrayBuffer> | 'end' | null | SttError {
    if (this.#isEndTaken) return 'end';
    const outcome = this.host.engine.read(this.session, this.key, READ_SIZE);
    if (typeof outcome === 'number') return this.readError(outcome);
    if (outcome.isEnd) this.#isEndTaken = true;
    if (outcome.bytes.length > 0) {
      this.host.schedule(); // a credit may have been raised
      return outcome.bytes;
    }
    return outcome.isEnd ? 'end' : null;
  }
  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (!this.isReadDone) {
      const item = this.take();
      if (item === 'end') {
        controller.close();
        return this.readIsDone();
      }
      if (item instanceof SttError) {
        controller.error(item);
        return this.readIsDone();
      }
      if (item !== null) {
        controller.enqueue(item);
        // Its end is known with its last bytes: whoever counts them need not ask once more.
        if (!this.#isEndTaken || this.ended !== undefined) return;
        controller.close();
        return this.readIsDone();
      }
      await this.readableGate.wait();
    }
  }
  #cancel(reason: unknown): void {
    this.#reading = undefined;
    this.stop(codeOf(reason));
    this.readableGate.open();
  }
  async #write(chunk: Uint8Array): Promise<void> {
    if (!ArrayBuffer.isView(chunk)) throw new TypeError('a stream takes Uint8Arrays');
    let rest: Uint8Array = new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    while (rest.length > 0) {
      if (this.ended !== undefined) throw this.ended;
      const piece = rest.subarray(0, this.host.engine.bufferSize);
      const taken = this.host.engine.write(this.session, this.key, piece);
      if (taken < 0) throw this.writeError(taken);
      if (taken > 0) this.host.schedule();
      rest = rest.subarray(taken);
      if (taken < piece.length) await this.writableGate.wait();
    }
  }
  #abort(reason: unknown): void {
    this.#writing = undefined;
    this.reset(codeOf(reason));
  }
  /** @internal */
  protected onReadOver(error: SttError): void {
    this.#reading?.error(error);
    this.readableGate.open();
  }
  /** @internal */
  protected onWriteOver(error: SttError): void {
    this.#writing?.error(error);
    this.writableGate.open();
  }
}

// abort(7) and cancel(7) tell the peer 7.
function codeOf(reason: unknown): number {
  return typeof reason === 'number' && Number.isSafeInteger(reason) && reason >= 0 ? reason : 0;
}

/** What a stream of messages is: see the table of kinds in docs/guide/library.md. */
export type MessageKind = Exclude<StreamKind, 'bytes'>;

export interface SendOptions {
  /** On an expiring stream: milliseconds in place of the stream's deadline. */
  deadline?: number;
}

/** Whole messages in both directions; iterate over it to receive. */
export class MessageStream extends StreamBase<Uint8Array<ArrayBuffer>, MessageKind> {
  #sending: Promise<void> = Promise.resolve();

  /** @internal */
  constructor(
    host: Host, session: number, key: number, endpoint: string, kind: MessageKind,
  ) {
    super(host, session, key, endpoint, kind);
  }

  /**
   * Resolves when the message has a place in the engine's buffer: who waits for that before the
   * next message sends no faster than the peer takes them. Messages keep their order.
   */
  send(message: Uint8Array | string, options: SendOptions = {}): Promise<void> {
    const bytes = typeof message === 'string' ? new TextEncoder().encode(message) : message;
    const sent = this.#sending.then(() => this.#send(bytes, options.deadline ?? -1));
    this.#sending = sent.catch(() => {});
    return sent;
  }
  async #send(bytes: Uint8Array, deadline: number): Promise<void> {
    if (bytes.length > this.host.engine.bufferSize) throw tooLarge();
    while (true) {
      if (this.ended !== undefined) throw this.ended;
      const outcome = this.host.engine.send(this.session, this.key, bytes, deadline);
      if (outcome === 0) return this.host.schedule();
      if (outcome === SEND_TOO_LARGE) throw tooLarge();
      if (outcome === SEND_STOPPED) throw this.stoppedError();
      if (outcome !== SEND_WOULD_BLOCK) throw this.writeError(outcome);
      await this.writableGate.wait();
    }
  }
  /** No message follows; those under way are delivered. */
  finish(): Promise<void> {
    const finished = this.#sending.then(() => this.finishWriting());
    this.#sending = finished.catch(() => {});
    return finished;
  }

  /** The next message; null at the end. */
  async receive(): Promise<Uint8Array<ArrayBuffer> | null> {
    while (!this.isReadDone) {
      const item = this.take();
      if (item === 'end') {
        this.readIsDone();
        return null;
      }
      if (item instanceof SttError) {
        this.readIsDone();
        throw item;
      }
      if (item !== null) return item;
      await this.readableGate.wait();
    }
    return null;
  }
  /** Leaving the loop early stops the stream with code 0. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    try {
      for (let next = await this.receive(); next !== null; next = await this.receive()) yield next;
    } finally {
      this.stop();
    }
  }

  /** @internal */
  protected takeFromEngine(): Uint8Array<ArrayBuffer> | 'end' | null | SttError {
    const outcome = this.host.engine.receiveMessage(this.session, this.key);
    if (typeof outcome === 'number') return this.readError(outcome);
    if (outcome !== null && outcome !== 'end') this.host.schedule();
    return outcome;
  }
  /** @internal */
  protected onReadOver(): void {
    this.readableGate.open();
  }
  /** @internal */
  protected onWriteOver(): void {
    this.writableGate.open();
  }
}

function tooLarge(): SttError {
  return new SttError('message-too-large', 'the message is larger than the stream carries');
}
