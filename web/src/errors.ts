/** What went wrong, for programs; `message` says it for people. */
export type SttErrorCode =
  /** No WebSocket could be opened: wrong address, no node there, or no network. */
  | 'unreachable'
  /** The node opened the WebSocket and stayed silent: most likely the seed is not the node's. */
  | 'handshake-unanswered'
  /** Another node answered than the one that was wanted. */
  | 'wrong-peer'
  /** The node holds the seed and speaks another version of the protocol. */
  | 'incompatible'
  /** What was given as a seed is none: 16 to 4,096 bytes, as text 32 to 8,192 hex digits. */
  | 'bad-seed'
  /** The caller's AbortSignal said so. */
  | 'aborted'
  /** The session has ended; `Session.closed` says how. */
  | 'session-closed'
  /** The peer gave up sending: `peerCode`. */
  | 'stream-reset'
  /** The peer wants no more: `peerCode`. */
  | 'stream-stopped'
  /** This side had finished or given up the stream. */
  | 'stream-finished'
  /** Over 1,048,573 bytes, or over what one frame carries on a stream of datagrams. */
  | 'message-too-large'
  /** A priority, a deadline, an endpoint's name or a size that the protocol does not have. */
  | 'bad-argument'
  /** A transfer of files failed. */
  | 'transfer-failed'
  /** The module found its own state broken and stopped; reload the page. */
  | 'internal';

export class SttError extends Error {
  override readonly name = 'SttError';
  readonly code: SttErrorCode;
  /** The application's code in the peer's RESET or STOP. */
  readonly peerCode: number | undefined;

  constructor(code: SttErrorCode, message: string, peerCode?: number) {
    super(message);
    this.code = code;
    this.peerCode = peerCode;
  }
}
