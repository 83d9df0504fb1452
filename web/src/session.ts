import {
  EventKind, FAILED_ENDED, OPEN_STREAM_LIMIT, STREAM_KINDS, type EngineEvent, type StreamKind,
} from './engine.js';
import { SttError } from './errors.js';
import { Gate } from './gate.js';
import type { Host } from './host.js';
import { statisticsOf, type Statistics } from './statistics.js';
import { MessageStream, Stream, type MessageKind } from './stream.js';

/** How a session ended. */
export interface CloseInfo {
  cause:
    /** `close()` was called here. */
    | 'local'
    /** The seed was removed. */
    | 'seed-removed'
    /** The peer closed it. */
    | 'peer'
    /** The peer broke the protocol. */
    | 'violation'
    /** Nothing was heard for 300 s, and nothing was asked. */
    | 'idle'
    /** The peer did not answer for 300 s, or has lost the session: see 'reconnected'. */
    | 'lost'
    /** The peer never confirmed the session. */
    | 'unconfirmed'
    /** The module stopped on an error of its own. */
    | 'internal';
  /** 0 none, 1 protocol … 255 internal; 256 and up are the application's. */
  code: number;
  reason: string;
  /** The session that took this one's place, when the peer had lost this one. */
  successor?: Session;
}

/** How far a stream had come when its session was lost: what going on in another one takes. */
export interface StreamProgress {
  id: number;
  endpoint: string;
  kind: StreamKind;
  /** Opened by this side. */
  isLocal: boolean;
  /** This side had written its end. */
  isFinished: boolean;
  bytesWritten: number;
  /** From the start without a gap, at the peer's node. */
  bytesAcknowledged: number;
  messagesWritten: number;
  messagesAcknowledged: number;
}

/** The peer had lost the session, as when it was restarted; a new one was made. */
export interface Reconnected {
  /** It has the handlers of the old one, and no streams. */
  session: Session;
  /** Every stream that the old one still had. */
  streams: StreamProgress[];
}

export interface SessionEvents {
  /**
   * Nothing answers, or the WebSocket is closed and could not be opened again at once. Streams
   * keep what they hold and go on when the peer is reachable.
   */
  unreachable: void;
  reachable: void;
  reconnected: Reconnected;
  closed: CloseInfo;
}

export interface StreamOptions {
  /** 0 (first) to 7; 3 unless given. */
  priority?: number;
}
export interface MessageOptions extends StreamOptions {
  /** On an expiring stream, which needs one: milliseconds from send() until it is given up. */
  deadline?: number;
}

export type IncomingStream = Stream | MessageStream;
/** Serves one stream that the peer opened. What it throws resets and stops the stream. */
export type StreamHandler = (stream: IncomingStream, session: Session) => void | Promise<void>;

interface Waiting<Result> {
  resolve: (result: Result) => void;
  reject: (error: SttError) => void;
}

const CAUSES: readonly CloseInfo['cause'][] = [
  'local', 'seed-removed', 'peer', 'violation', 'idle', 'lost', 'unconfirmed',
];
const PRIORITY_DEFAULT = 3;
const INTERNAL_CODE = 255;
// Well within the 300 s after which a session of which nothing is heard ends; and a WebSocket
// that is dead without having closed shows.
const ASK_INTERVAL_MS = 60_000;

/** An authenticated, encrypted session with a node. */
export class Session {
  /** 32 bytes that name the node. */
  readonly peerNodeId: Uint8Array;
  /** Resolves when the session has ended, and never rejects. */
  readonly closed: Promise<CloseInfo>;

  readonly #host: Host;
  readonly #number: number;
  readonly #streams = new Map<number, IncomingStream>();
  readonly #handlers = new Map<string, StreamHandler>();
  readonly #limitGate = new Gate();
  readonly #incomingGate = new Gate();
  readonly #listeners = new Map<keyof SessionEvents, Set<(detail: never) => void>>();
  readonly #pings = new Map<number, Waiting<number>>();
  #incoming: IncomingStream[] = [];
  #iteratorCount = 0;
  #isReachable = true;
  #lastStatistics: Statistics | undefined;
  #successor: Session | undefined;
  #closeInfo: CloseInfo | undefined;
  #resolveClosed!: (info: CloseInfo) => void;
  readonly #asking: ReturnType<typeof setInterval>;

  /** @internal */
  constructor(host: Host, number: number) {
    this.#host = host;
    this.#number = number;
    this.peerNodeId = host.engine.peerNodeId(number) ?? new Uint8Array(0);
    this.#lastStatistics = statisticsOf(host.engine, number);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
    this.#asking = setInterval(() => {
      host.engine.askPeer(number);
      host.schedule();
    }, ASK_INTERVAL_MS);
  }

  /** @internal */
  get number(): number {
    return this.#number;
  }
  /** Whether the peer answered when it was last asked. */
  get isReachable(): boolean {
    return this.#isReachable && this.#closeInfo === undefined;
  }

  /** Calls back at every such event, until the returned function is called. */
  on<Name extends keyof SessionEvents>(
    name: Name, listener: (detail: SessionEvents[Name]) => void,
  ): () => void {
    let listeners = this.#listeners.get(name);
    if (listeners === undefined) this.#listeners.set(name, (listeners = new Set()));
    listeners.add(listener);
    return () => listeners.delete(listener);
  }
  #emit<Name extends keyof SessionEvents>(name: Name, detail: SessionEvents[Name]): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) {
      // What a listener throws is the page's error, and stops nothing here.
      queueMicrotask(() => listener(detail as never));
    }
  }

  // ---- streams of this side

  /** Opens a stream of bytes. Waits while the peer allows no more streams. */
  async openStream(endpoint: string, options: StreamOptions = {}): Promise<Stream> {
    const key = await this.#open('bytes', endpoint, options);
    return this.#keep(key, new Stream(this.#host, this.#number, key, endpoint));
  }
  /** Opens a stream of messages of the given kind. */
  async openMessages(
    endpoint: string, kind: MessageKind = 'messages', options: MessageOptions = {},
  ): Promise<MessageStream> {
    const key = await this.#open(kind, endpoint, options);
    return this.#keep(key, new MessageStream(this.#host, this.#number, key, endpoint, kind));
  }
  async #open(kind: StreamKind, endpoint: string, options: MessageOptions): Promise<number> {
    const { priority = PRIORITY_DEFAULT, deadline = 0 } = options;
    if (options.deadline !== undefined && kind !== 'expiring') throw openError();
    while (true) {
      this.#checkOpen();
      const key = this.#host.engine.open(this.#number, kind, endpoint, priority, deadline);
      if (key >= 0) {
        this.#host.schedule();
        return key;
      }
      if (key === FAILED_ENDED) throw this.#endedError();
      if (key !== OPEN_STREAM_LIMIT) throw openError();
      await this.#limitGate.wait();
    }
  }
  #keep<Kind extends IncomingStream>(key: number, stream: Kind): Kind {
    this.#streams.set(key, stream);
    stream.onReleased = () => this.#streams.delete(key);
    return stream;
  }

  // ---- streams of the peer

  /**
   * Serves every stream that the peer opens with this endpoint, also those that wait already.
   * Streams of endpoints without a handler go to `incomingStreams`; are there handlers and nobody
   * iterates, they are refused.
   */
  handle(endpoint: string, handler: StreamHandler): void {
    this.#handlers.set(endpoint, handler);
    const waiting = this.#incoming;
    this.#incoming = [];
    for (const stream of waiting) this.#serve(stream);
  }
  removeHandler(endpoint: string): void {
    this.#handlers.delete(endpoint);
  }
  /** Streams that the peer opened and no handler serves. Ends with the session. */
  get incomingStreams(): AsyncIterableIterator<IncomingStream> {
    return this.#iterate();
  }
  async *#iterate(): AsyncGenerator<IncomingStream, void, undefined> {
    ++this.#iteratorCount;
    try {
      while (true) {
        const stream = this.#incoming.shift();
        if (stream !== undefined) yield stream;
        else if (this.#closeInfo !== undefined) return;
        else await this.#incomingGate.wait();
      }
    } finally {
      --this.#iteratorCount;
    }
  }
  #serve(stream: IncomingStream): void {
    const handler = this.#handlers.get(stream.endpoint);
    if (handler !== undefined) {
      // A microtask later: the handler may do anything, also throw at once.
      Promise.resolve()
        .then(() => handler(stream, this))
        .catch((error: unknown) => {
          stream.reset(INTERNAL_CODE);
          stream.stop(INTERNAL_CODE);
          // What the peer or the network did to the stream is no fault of the handler's.
          if (error instanceof SttError) return;
          console.error(`stt: the handler of the endpoint ${stream.endpoint} failed:`, error);
        });
    } else if (this.#iteratorCount > 0 || this.#handlers.size === 0) {
      this.#incoming.push(stream);
      this.#incomingGate.open();
    } else {
      stream.refuse();
    }
  }
  #onOpened(key: number): void {
    const info = this.#host.engine.streamInfo(this.#number, key);
    if (info === undefined) return;
    const kind = STREAM_KINDS[info.numbers[0]!]!;
    const stream = kind === 'bytes'
      ? new Stream(this.#host, this.#number, key, info.text)
      : new MessageStream(this.#host, this.#number, key, info.text, kind);
    this.#serve(this.#keep(key, stream));
  }

  // ---- the session

  /** Milliseconds for a question and its answer. Rejects when 16 are under way. */
  ping(): Promise<number> {
    if (this.#closeInfo !== undefined) return Promise.reject(this.#endedError());
    const number = this.#host.engine.ping(this.#number);
    if (number < 0) return Promise.reject(new SttError('bad-argument', '16 pings are under way'));
    this.#host.schedule();
    return new Promise((resolve, reject) => this.#pings.set(number, { resolve, reject }));
  }
  /** Of a session that has ended the last ones. */
  statistics(): Statistics {
    if (this.#closeInfo === undefined) {
      this.#lastStatistics = statisticsOf(this.#host.engine, this.#number) ?? this.#lastStatistics;
    }
    return this.#lastStatistics!;
  }
  /** Ends the session; streams end unfinished. `code` 0, or 256 and up for the application. */
  close(code = 0, reason = ''): Promise<CloseInfo> {
    if (this.#closeInfo === undefined) {
      this.#host.engine.close(this.#number, code, reason);
      this.#host.schedule();
    }
    return this.closed;
  }

  #checkOpen(): void {
    if (this.#closeInfo !== undefined) throw this.#endedError();
  }
  #endedError(): SttError {
    const info = this.#closeInfo;
    const why = info === undefined ? '' : `: ${info.cause}${info.reason && `, ${info.reason}`}`;
    return new SttError('session-closed', `the session has ended${why}`, info?.code);
  }

  // ---- from the engine

  /** @internal */
  handleEvent(event: EngineEvent): void {
    const { numbers, kind } = event;
    if (kind === EventKind.closed) {
      return this.end({
        cause: CAUSES[numbers[1]!] ?? 'internal', code: numbers[2]!, reason: event.text,
      });
    }
    if (kind === EventKind.unreachable) {
      this.setReachable(false);
      return this.onUnreachable?.();
    }
    if (kind === EventKind.reachable) return this.setReachable(true);
    if (kind === EventKind.pathTaken) {
      // Without any other path it is told of the one that closed.
      if (this.#host.isOpen(numbers[1]!)) this.#onPathTaken();
      return;
    }
    if (kind === EventKind.pong) {
      this.#pings.get(numbers[1]!)?.resolve(numbers[2]!);
      this.#pings.delete(numbers[1]!);
      return;
    }
    if (kind === EventKind.limitRaised) return this.#limitGate.open();
    if (kind === EventKind.opened) return this.#onOpened(numbers[1]!);
    this.#tellStream(this.#streams.get(numbers[1]!), kind, numbers[2]!);
  }
  // One that takes the place of a path that closed is taken before anything came by it: a node that
  // was started anew does not answer there.
  #onPathTaken(): void {
    if (this.#isReachable) return;
    this.ping().then(() => this.setReachable(true), () => {});
  }
  #tellStream(stream: IncomingStream | undefined, kind: EventKind, code: number): void {
    if (kind === EventKind.readable) stream?.onReadable();
    else if (kind === EventKind.writable) stream?.onWritable();
    else if (kind === EventKind.acknowledged) stream?.onAcknowledged();
    else if (kind === EventKind.reset) stream?.onReset(code);
    else if (kind === EventKind.stopped) stream?.onStopped(code);
  }
  /** @internal */
  setReachable(isReachable: boolean): void {
    if (this.#closeInfo !== undefined || isReachable === this.#isReachable) return;
    this.#isReachable = isReachable;
    this.#emit(isReachable ? 'reachable' : 'unreachable', undefined);
  }
  /** @internal */
  handleReconnected(successor: Session, streams: StreamProgress[]): void {
    for (const [endpoint, handler] of this.#handlers) successor.handle(endpoint, handler);
    this.#successor = successor;
    this.#emit('reconnected', { session: successor, streams });
  }
  /** @internal */
  end(info: CloseInfo): void {
    if (this.#closeInfo !== undefined) return;
    clearInterval(this.#asking);
    if (info.cause !== 'internal') this.statistics();
    if (this.#successor !== undefined) info.successor = this.#successor;
    this.#closeInfo = info;
    const error = this.#endedError();
    for (const stream of this.#streams.values()) stream.onSessionEnded(error);
    this.#streams.clear();
    for (const { reject } of this.#pings.values()) reject(error);
    this.#pings.clear();
    this.#limitGate.open();
    this.#incomingGate.open();
    this.#emit('closed', info);
    this.#resolveClosed(info);
    this.onEnded?.();
  }
  /** @internal Whoever owns the host: the engine still has to tell the peer. */
  onEnded: (() => void) | undefined;
  /** @internal Whoever can open another WebSocket: this one brings no answers. */
  onUnreachable: (() => void) | undefined;
}

function openError(): SttError {
  return new SttError(
    'bad-argument', 'an endpoint has at most 255 bytes, a priority is 0 to 7, and expiring ' +
      'streams, and no others, have a deadline');
}
