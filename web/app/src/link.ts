// The one session of the page: how it comes, goes away, comes back and ends.
import { connect, parseSeed, SttError, type CloseInfo, type Session } from '../../src/index.js';

export type LinkState =
  | { kind: 'idle' }
  | { kind: 'connecting' }
  | { kind: 'connected' }
  | { kind: 'reconnecting' }
  | { kind: 'closed'; why: string };

export class Link {
  /** Each change of the state. */
  onState: ((state: LinkState) => void) | undefined;
  /** A session, also one that takes the place of another that the node has lost. */
  onSession: ((session: Session) => void) | undefined;
  #session: Session | undefined;
  #state: LinkState = { kind: 'idle' };
  #attempt: AbortController | undefined;

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
      try {
        this.#adopt(await connect(url, seed, { signal: attempt.signal }));
      } finally {
        seed.fill(0);
      }
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
   * Runs a task in the session, and anew in the session that takes its place when the node lost
   * it: what the task then repeats is the task's to know.
   */
  async run<Result>(task: (session: Session) => Promise<Result>): Promise<Result> {
    while (true) {
      const session = this.#session;
      if (session === undefined) throw new SttError('session-closed', 'not connected');
      try {
        return await task(session);
      } catch (error) {
        const isEnded = error instanceof SttError && error.code === 'session-closed';
        if (!isEnded || (await session.closed).successor === undefined) throw error;
      }
    }
  }

  #adopt(session: Session): void {
    this.#session = session;
    session.on('unreachable', () => this.#tell(session, { kind: 'reconnecting' }));
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
    if (state.kind === 'closed') this.#session = undefined;
    this.#become(state);
  }
  #become(state: LinkState): void {
    this.#state = state;
    this.onState?.(state);
  }
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
