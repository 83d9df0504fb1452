// The one session of the page: how it comes, goes away, comes back and ends.
import { connect, parseSeed, SttError, type CloseInfo, type Session } from '../../src/index.js';

export type LinkState =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  | { kind: 'connected' }
  | { kind: 'reconnecting' }
  | { kind: 'closed'; why: string };

/** Chosen: a person waits, and a node takes a second to start. */
const SEEK_INTERVAL_MS = 1_500;

export class Link {
  /** Each change of the state. */
  onState: ((state: LinkState) => void) | undefined;
  /** A session, also one that takes the place of another that the node has lost. */
  onSession: ((session: Session) => void) | undefined;
  #session: Session | undefined;
  #state: LinkState = { kind: 'idle' };
  #attempt: AbortController | undefined;
  #url = '';
  /** While there is a session: to meet the node anew when it was started anew. */
  #seed: Uint8Array | undefined;
  #isSeeking = false;

  get session(): Session | undefined {
    return this.#session;
  }
  get state(): LinkState {
    return this.#state;
  }
  get isOpen(): boolean {
    return this.#state.kind === 'connected' || this.#state.kind === 'reconnecting';
  }

  /** Rejects with an SttError. */
  async connect(url: string, seedText: string): Promise<void> {
    this.#attempt?.abort();
    const attempt = new AbortController();
    this.#attempt = attempt;
    this.#become({ kind: 'connecting' });
    try {
      const seed = await parseSeed(seedText);
      this.#adopt(await connect(url, seed, { signal: attempt.signal }));
      this.#url = url;
      this.#seed = seed;
    } catch (error) {
      if (this.#attempt === attempt) this.#become({ kind: 'idle' });
      throw error;
    }
  }
  cancel(): void {
    this.#attempt?.abort();
  }
  async disconnect(): Promise<void> {
    await this.#session?.close();
  }

  /**
   * Runs a task in the session, and anew in the session that takes its place when the node was
   * started anew: what the task then repeats is the task's to know.
   */
  async run<Result>(task: (session: Session) => Promise<Result>): Promise<Result> {
    while (true) {
      const session = this.#session;
      if (session === undefined) throw new SttError('session-closed', 'not connected');
      try {
        return await task(session);
      } catch (error) {
        const isEnded = error instanceof SttError && error.code === 'session-closed';
        await Promise.resolve(); // the link learns of it in the same turn
        if (!isEnded || this.#session === undefined || this.#session === session) throw error;
      }
    }
  }

  #adopt(session: Session): void {
    this.#session = session;
    session.on('unreachable', () => {
      this.#tell(session, { kind: 'reconnecting' });
      void this.#seek(session);
    });
    session.on('reachable', () => this.#tell(session, { kind: 'connected' }));
    session.on('reconnected', ({ session: successor }) => this.#adopt(successor));
    session.on('closed', (info) => {
      if (info.successor === undefined) this.#tell(session, { kind: 'closed', why: reason(info) });
    });
    this.onSession?.(session);
    this.#become({ kind: 'connected' });
  }
  #tell(session: Session, state: LinkState): void {
    if (session !== this.#session) return;
    if (state.kind === 'closed') {
      this.#session = undefined;
      this.#seed?.fill(0);
      this.#seed = undefined;
    }
    this.#become(state);
  }
  // The session looks for its node by itself. One that was started anew may be another node by its
  // id, and then knows nothing of the session: who answers with the seed takes its place.
  async #seek(session: Session): Promise<void> {
    if (this.#isSeeking) return;
    this.#isSeeking = true;
    const isWanted = () => this.#seed !== undefined && this.#session === session &&
      this.#state.kind === 'reconnecting';
    while (isWanted()) {
      await new Promise((resolve) => setTimeout(resolve, SEEK_INTERVAL_MS));
      if (!isWanted()) break;
      const found = await connect(this.#url, this.#seed!).catch(() => undefined);
      if (found === undefined) continue;
      if (isWanted() && !isSame(found.peerNodeId, session.peerNodeId)) {
        this.#adopt(found);
        void session.close();
      } else {
        void found.close();
      }
    }
    this.#isSeeking = false;
  }
  #become(state: LinkState): void {
    this.#state = state;
    this.onState?.(state);
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, index) => byte === other[index]);
}

function reason(info: CloseInfo): string {
  const said = info.reason === '' ? '' : ` It said: “${info.reason}”`;
  switch (info.cause) {
    case 'local':
      return 'You disconnected.';
    case 'peer':
      return info.code === 0 ? `The node ended the session.${said}`
        : `The node ended the session with code ${info.code}.${said}`;
    case 'lost':
      return 'The node did not answer for five minutes, or was started anew.';
    case 'idle':
      return 'Nothing was heard of the node for five minutes.';
    case 'violation':
      return `The node broke the protocol.${said}`;
    case 'unconfirmed':
      return 'The node did not confirm the session.';
    default:
      return `Something in this page failed: ${info.reason || 'unknown'}. Reload it.`;
  }
}
