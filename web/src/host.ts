// One engine with its sockets and its timer: what src/node is to the engine elsewhere.
import { Engine, EventKind, type EngineEvent } from './engine.js';
import type { WebModule } from './module.js';

/** What is used of a WebSocket; the browser's and the `ws` package's have it. */
export interface SocketLike {
  readonly readyState: number;
  readonly bufferedAmount: number;
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: string, listener: (event: never) => void): void;
}

/** Who is told what happens to a session. */
export interface SessionSink {
  handleEvent(event: EngineEvent): void;
}

/** Who is told what happens to the endpoint. */
export interface HostListener {
  accepted?(session: number): SessionSink;
  connected?(session: number, attempt: number): SessionSink;
  connectFailed?(attempt: number, error: string): void;
  reconnected?(event: EngineEvent): SessionSink | undefined;
  socketClosed?(socket: number): void;
  /** A message was taken, and what it brought has been told. */
  received?(): void;
  /** The engine's own state is broken: nothing works any more. */
  broken?(error: unknown): void;
}

const OPEN = 1;
// What may wait in a socket: enough for the path, and no more than a page can do without. The
// engine keeps what does not go out, and its bounded buffers hold the writers.
const BUFFERED_MAX = 1_048_576;
const BUFFERED_POLL_MS = 4;
// What came in meanwhile has its turn after so many messages of up to 64 KiB.
const BURSTS_PER_TURN = 16;
// A socket that takes nothing for so long takes no leave either.
const DISPOSE_TIMEOUT_MS = 3_000;
// setTimeout() takes no more.
const TIMEOUT_MAX_MS = 2_147_483_647;

// A macrotask without the delay that setTimeout() has, or would have in a hidden page.
function makeYield(): (task: () => void) => void {
  const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => void };
  if (setImmediate !== undefined) return setImmediate;
  const channel = new MessageChannel();
  const tasks: (() => void)[] = [];
  channel.port1.onmessage = () => tasks.shift()?.();
  return (task) => {
    tasks.push(task);
    channel.port2.postMessage(0);
  };
}
const yieldThen = makeYield();

export class Host {
  readonly engine: Engine;
  readonly #module: WebModule;
  readonly #listener: HostListener;
  readonly #sockets = new Map<number, SocketLike>();
  readonly #sessions = new Map<number, SessionSink>();
  #socketCount = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isScheduled = false;
  #isDisposed = false;

  constructor(module: WebModule, listener: HostListener, identity?: Uint8Array) {
    this.engine = new Engine(module, identity);
    this.#module = module;
    this.#listener = listener;
  }

  get isDisposed(): boolean {
    return this.#isDisposed;
  }

  /** Takes an open socket, whose messages then belong to the engine; returns its number. */
  addSocket(socket: SocketLike): number {
    const number = ++this.#socketCount;
    this.#sockets.set(number, socket);
    socket.binaryType = 'arraybuffer';
    socket.addEventListener('message', (event: { data: unknown }) => {
      if (this.#isDisposed || !(event.data instanceof ArrayBuffer)) return;
      const message = new Uint8Array(event.data);
      this.#guard(() => this.engine.receive(number, message));
      this.#run();
      if (!this.#isDisposed) this.#listener.received?.();
    });
    socket.addEventListener('close', () => this.#forget(number));
    socket.addEventListener('error', () => this.#forget(number));
    return number;
  }
  isOpen(socket: number): boolean {
    return this.#sockets.get(socket)?.readyState === OPEN;
  }
  closeSocket(socket: number): void {
    const closing = this.#sockets.get(socket);
    this.#forget(socket);
    closing?.close(1000);
  }
  #forget(number: number): void {
    if (!this.#sockets.delete(number) || this.#isDisposed) return;
    this.#guard(() => this.engine.routeClosed(number));
    this.#listener.socketClosed?.(number);
    this.schedule();
  }

  addSession(session: number, sink: SessionSink): void {
    this.#sessions.set(session, sink);
  }
  removeSession(session: number): void {
    this.#sessions.delete(session);
  }
  get sessionCount(): number {
    return this.#sessions.size;
  }

  /** One turn serves all that was asked for until it runs. */
  schedule(): void {
    if (this.#isScheduled || this.#isDisposed) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  /** Closes the sockets behind what is in them, and wipes the keys. */
  dispose(): void {
    if (this.#isDisposed) return;
    this.#isDisposed = true;
    clearTimeout(this.#timer);
    for (const socket of this.#sockets.values()) socket.close(1000);
    this.#sockets.clear();
    this.engine.delete();
  }

  /** The same once the engine has told the peers what it has to, or 3 s have passed. */
  disposeWhenSent(): void {
    const end = performance.now() + DISPOSE_TIMEOUT_MS;
    const look = () => {
      if (this.#isFull() && performance.now() < end) setTimeout(look, BUFFERED_POLL_MS);
      else this.dispose();
    };
    this.schedule(); // before the first look, which is a task later
    setTimeout(look, 0);
  }

  #guard(call: () => void): void {
    try {
      // An application's call may have been the one that found it.
      if (this.#module.broken !== undefined) throw this.#module.broken;
      call();
    } catch (error) {
      // Nothing in the module can be trusted now, not even to wipe its keys.
      this.#isDisposed = true;
      clearTimeout(this.#timer);
      for (const socket of this.#sockets.values()) socket.close();
      this.#listener.broken?.(error);
    }
  }

  #run(): void {
    if (this.#isDisposed) return;
    this.#guard(() => this.#transmit());
    // A listener may dispose of the host; each event may bring more to send.
    while (!this.#isDisposed) {
      let event: EngineEvent | undefined;
      this.#guard(() => {
        event = this.engine.nextEvent();
      });
      if (event === undefined) break;
      this.#dispatch(event);
    }
    if (!this.#isDisposed) this.#guard(() => this.#arm());
  }

  #transmit(): void {
    for (let burst = 0; ; ++burst) {
      if (this.#isFull()) return;
      if (burst === BURSTS_PER_TURN) return yieldThen(() => this.#run());
      const transmit = this.engine.transmit();
      if (transmit === undefined) return;
      const socket = this.#sockets.get(transmit.socket);
      // To one that has just closed: the engine learns of it, and repeats what was lost.
      if (socket?.readyState === OPEN) socket.send(transmit.message);
    }
  }
  #isFull(): boolean {
    for (const socket of this.#sockets.values()) {
      if (socket.bufferedAmount > BUFFERED_MAX) return true;
    }
    return false;
  }

  #dispatch(event: EngineEvent): void {
    const session = event.numbers[0]!;
    if (event.kind === EventKind.accepted) {
      const sink = this.#listener.accepted?.(session);
      if (sink !== undefined) this.#sessions.set(session, sink);
    } else if (event.kind === EventKind.connected) {
      const sink = this.#listener.connected?.(session, event.numbers[1]!);
      if (sink !== undefined) this.#sessions.set(session, sink);
    } else if (event.kind === EventKind.connectFailed) {
      this.#listener.connectFailed?.(event.numbers[1]!, event.text);
    } else if (event.kind === EventKind.reconnected) {
      const sink = this.#listener.reconnected?.(event);
      if (sink !== undefined) this.#sessions.set(event.numbers[1]!, sink);
    } else {
      this.#sessions.get(session)?.handleEvent(event);
    }
  }

  #arm(): void {
    clearTimeout(this.#timer);
    const timeout = this.engine.nextTimeout();
    const wait = this.#isFull() ? BUFFERED_POLL_MS : Infinity;
    const delay = Math.min(timeout ?? Infinity, wait);
    if (delay === Infinity) return;
    // Rounded up: a timer that fires early finds nothing due.
    this.#timer = setTimeout(() => this.#onTimer(), Math.min(Math.ceil(delay), TIMEOUT_MAX_MS));
  }
  #onTimer(): void {
    if (this.#isDisposed) return;
    this.#guard(() => this.engine.handleTimeout());
    this.#run();
  }
}
