// A session over WebSockets: the first, and those that take the place of one that closed.
import { type EngineEvent } from './engine.js';
import { STREAM_KINDS } from './engine.js';
import { SttError } from './errors.js';
import { Host, type SessionSink, type SocketLike } from './host.js';
import { moduleOf, type WebModule } from './module.js';
import { Session, type StreamProgress } from './session.js';

/** What can open a WebSocket: the browser's, or that of the `ws` package. */
export type WebSocketConstructor = new (url: string, protocols: string) => unknown;

export interface ConnectOptions {
  /** Gives up connecting; without effect on a session that was made. */
  signal?: AbortSignal;
  /** The 32 bytes that name the node that must answer. */
  peer?: Uint8Array;
  /**
   * 32 random bytes that the page keeps, and nobody else has: so it is the same node to its peers
   * each time. Another one each time unless given.
   */
  identity?: Uint8Array;
  /** Whether a WebSocket that closes is opened anew; true unless given. */
  reconnect?: boolean;
  /** Where there is none of the browser's. */
  WebSocket?: WebSocketConstructor;
}

const SUBPROTOCOL = 'stt.v1';
/** Until a WebSocket is open. Chosen: a network that takes longer is of no use. */
const OPEN_TIMEOUT_MS = 10_000;
/** From an open WebSocket until an answer to the handshake. */
const HANDSHAKE_TIMEOUT_MS = 5_000;
/**
 * From another WebSocket until the session uses it, or a new session does: that is made when the
 * old one was silent for 4 s. A server closes one of nobody after 10 s.
 */
const ANSWER_TIMEOUT_MS = 15_000;
const ANSWER_POLL_MS = 50;
const BACKOFF_FIRST_MS = 250;
const BACKOFF_MAX_MS = 10_000;
/** A WebSocket that is replaced sooner is nothing to tell of. */
const UNREACHABLE_AFTER_MS = 2_000;

/**
 * Connects to a node: `ws://` or `wss://`, path `/stt`. Rejects with an SttError that says which
 * of the two failed, the WebSocket ('unreachable') or the handshake ('handshake-unanswered', the
 * sign of a wrong seed).
 */
export async function connect(
  url: string, seed: Uint8Array, options: ConnectOptions = {},
): Promise<Session> {
  const module = await moduleOf();
  throwIfAborted(options.signal);
  return new Connector(module, url, options).connect(seed);
}

function abortedError(): SttError {
  return new SttError('aborted', 'connecting was given up');
}
function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedError();
}

function unreachableError(url: string, why: string): SttError {
  return new SttError('unreachable', `no WebSocket at ${url}: ${why}`);
}

function constructorOf(options: ConnectOptions): WebSocketConstructor {
  const found = options.WebSocket ??
    (globalThis as { WebSocket?: WebSocketConstructor }).WebSocket;
  if (found === undefined) {
    throw new SttError('bad-argument', 'there is no WebSocket here: give one in the options');
  }
  return found;
}

/** An open WebSocket, or why there is none. */
function openSocket(
  url: string, options: ConnectOptions, signal: AbortSignal | undefined,
): Promise<SocketLike> {
  const Constructor = constructorOf(options);
  return new Promise((resolve, reject) => {
    let socket: SocketLike;
    try {
      socket = new Constructor(url, SUBPROTOCOL) as SocketLike;
    } catch (error) {
      return reject(new SttError('bad-argument', `${url} is no address of a WebSocket: ${error}`));
    }
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const fail = (error: SttError) => settle(() => {
      reject(error);
      socket.close();
    });
    const onAbort = () => fail(abortedError());
    const timer = setTimeout(
      () => fail(unreachableError(url, 'nothing answered for 10 s')), OPEN_TIMEOUT_MS);
    signal?.addEventListener('abort', onAbort);
    socket.addEventListener('open', () => settle(() => resolve(socket)));
    const refused = () => fail(unreachableError(url, 'nobody listens there, or not for STT'));
    socket.addEventListener('error', refused);
    socket.addEventListener('close', refused);
  });
}

class Connector {
  readonly #url: string;
  readonly #options: ConnectOptions;
  readonly #host: Host;
  #pending: { resolve: (session: Session) => void; reject: (error: SttError) => void } | undefined;
  #session: Session | undefined;
  #socket = 0;
  #isOver = false;
  #isReopening = false;
  #hurry: (() => void) | undefined;

  constructor(module: WebModule, url: string, options: ConnectOptions) {
    this.#url = url;
    this.#options = options;
    this.#host = new Host(module, {
      connected: (session) => this.#onConnected(session),
      connectFailed: (_attempt, error) => this.#onConnectFailed(error),
      received: () => this.#checkAnswer(),
      reconnected: (event) => this.#onReconnected(event),
      socketClosed: (socket) => this.#onSocketClosed(socket),
      broken: (error) => this.#onBroken(error),
    }, options.identity);
  }

  async connect(seed: Uint8Array): Promise<Session> {
    const { signal, peer } = this.#options;
    try {
      if (peer !== undefined && peer.length !== 32) {
        throw new SttError('bad-argument', 'a node id has 32 bytes');
      }
      const seedId = this.#host.engine.addSeed(seed);
      const socket = await openSocket(this.#url, this.#options, signal);
      this.#socket = this.#host.addSocket(socket);
      return await this.#shakeHands(seedId, signal, peer);
    } catch (error) {
      this.#isOver = true;
      this.#host.dispose();
      throw error;
    }
  }

  async #shakeHands(
    seedId: number, signal: AbortSignal | undefined, peer: Uint8Array | undefined,
  ): Promise<Session> {
    const onAbort = () => this.#pending?.reject(abortedError());
    const timer = setTimeout(() => this.#pending?.reject(unansweredError()), HANDSHAKE_TIMEOUT_MS);
    signal?.addEventListener('abort', onAbort);
    try {
      return await new Promise<Session>((resolve, reject) => {
        this.#pending = { resolve, reject };
        this.#host.engine.connect(seedId, this.#socket, peer);
        this.#host.schedule();
      });
    } finally {
      this.#pending = undefined;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
    }
  }

  // On a WebSocket nobody else can answer: there is nothing to wait for.
  #checkAnswer(): void {
    if (this.#pending === undefined || this.#session !== undefined) return;
    const fault = this.#host.engine.handshakeFault();
    if (fault !== '') this.#pending.reject(connectError(fault));
  }
  #onConnected(handle: number): SessionSink {
    this.#session = this.#adopt(handle);
    this.#pending?.resolve(this.#session);
    return this.#session;
  }
  #adopt(handle: number): Session {
    const session = new Session(this.#host, handle);
    session.onEnded = () => this.#onEnded(session);
    session.onUnreachable = () => this.#onUnreachable();
    return session;
  }
  #onConnectFailed(error: string): void {
    this.#pending?.reject(connectError(error));
  }
  #onReconnected(event: EngineEvent): SessionSink | undefined {
    const old = this.#session;
    if (old === undefined) return undefined;
    const successor = this.#adopt(event.numbers[1]!);
    this.#session = successor;
    old.handleReconnected(successor, progressOf(this.#host, event.numbers[3]!));
    return successor;
  }

  #onEnded(session: Session): void {
    this.#host.removeSession(session.number);
    if (session !== this.#session) return;
    this.#isOver = true;
    this.#hurry?.();
    this.#host.disposeWhenSent();
  }

  #onSocketClosed(socket: number): void {
    if (socket !== this.#socket || this.#isOver) return;
    this.#pending?.reject(unansweredError());
    if (this.#session === undefined || this.#isReopening) return;
    if (this.#options.reconnect === false) {
      this.#session.end({ cause: 'lost', code: 8, reason: 'the WebSocket closed' });
      return;
    }
    void this.#reopen();
  }

  // A WebSocket may hang for minutes before it closes, as when a device changes networks. A new
  // one costs a round trip, and what was under way is sent again.
  #onUnreachable(): void {
    if (this.#isReopening || this.#isOver || this.#options.reconnect === false) return;
    this.#host.closeSocket(this.#socket);
  }

  // Until a WebSocket is open, and once more if it closes. Whether the session goes on over it is
  // the engine's to find out.
  async #reopen(): Promise<void> {
    this.#isReopening = true;
    const silence = setTimeout(() => this.#session?.setReachable(false), UNREACHABLE_AFTER_MS);
    let backoff = BACKOFF_FIRST_MS;
    while (!this.#isOver) {
      // Not all pages of a node that comes back at one moment.
      await this.#pause(backoff * (0.75 + Math.random() / 2));
      backoff = Math.min(2 * backoff, BACKOFF_MAX_MS);
      if (this.#isOver) break;
      try {
        const socket = await openSocket(this.#url, this.#options, undefined);
        if (this.#isOver) socket.close(1000);
        else await this.#goOnOver(socket);
        if (this.#isOver || this.#host.isOpen(this.#socket)) break;
      } catch {
        // Not there yet: the next try is later.
      }
    }
    clearTimeout(silence);
    this.#isReopening = false;
  }
  // Resolves when the session uses the socket, or that has closed.
  async #goOnOver(socket: SocketLike): Promise<void> {
    this.#socket = this.#host.addSocket(socket);
    const number = this.#socket;
    this.#host.engine.moveTo(this.#session!.number, number);
    this.#host.schedule();
    const end = performance.now() + ANSWER_TIMEOUT_MS;
    while (!this.#isOver && this.#host.isOpen(number)) {
      if (this.#host.engine.routeOf(this.#session!.number) === number) return;
      if (performance.now() > end) return this.#host.closeSocket(number);
      await new Promise((resolve) => setTimeout(resolve, ANSWER_POLL_MS));
    }
  }
  // A device that comes back to its network need not wait.
  #pause(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const target = globalThis as Partial<EventTarget>;
      const over = () => {
        clearTimeout(timer);
        target.removeEventListener?.('online', over);
        this.#hurry = undefined;
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      target.addEventListener?.('online', over);
      this.#hurry = over;
    });
  }

  #onBroken(error: unknown): void {
    this.#isOver = true;
    const told = error instanceof SttError ? error : new SttError('internal', String(error));
    this.#pending?.reject(told);
    this.#session?.end({ cause: 'internal', code: 255, reason: told.message });
  }
}

function unansweredError(): SttError {
  return new SttError(
    'handshake-unanswered',
    'the node opened the WebSocket and did not answer the handshake: most likely the seed is ' +
      'not the one that the node has, or the clocks differ by more than two minutes');
}

function connectError(error: string): SttError {
  switch (error) {
    case 'wrong_peer':
      return new SttError('wrong-peer', 'another node answered than the one that was wanted');
    case 'incompatible':
      return new SttError('incompatible', 'the node speaks another version of the protocol');
    default:
      return unansweredError();
  }
}

function progressOf(host: Host, count: number): StreamProgress[] {
  const streams: StreamProgress[] = [];
  for (let index = 0; index < count; ++index) {
    const record = host.engine.progress(index);
    if (record === undefined) break;
    const [id, kind, isLocal, isFinished, written, acknowledged, messages, messagesAcknowledged] =
      record.numbers as [number, number, number, number, number, number, number, number];
    streams.push({
      id, endpoint: record.text, kind: STREAM_KINDS[kind]!, isLocal: isLocal === 1,
      isFinished: isFinished === 1, bytesWritten: written, bytesAcknowledged: acknowledged,
      messagesWritten: messages, messagesAcknowledged,
    });
  }
  return streams;
}
