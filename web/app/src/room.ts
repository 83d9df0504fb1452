// The pages of one node, together: what each publishes, the node passes on. Spec live.
import { SttError, type MessageStream, type Session } from '../../src/index.js';

const NOTES = 'notes';
const PICTURES = 'pictures';
/** A frame that is later than this is not worth its bytes. Chosen: four frames. */
const FRAME_DEADLINE_MS = 300;
/** Before files, which have 3: people wait for both. */
const NOTE_PRIORITY = 1;
const FRAME_PRIORITY = 2;
/** Spec live §2.2: the watcher was a whole buffer behind, and may watch anew. */
const CODE_BEHIND = 8;
/** Spec live §4.2. */
const MESSAGE_SIZE_MAX = 262_144;

export class Room {
  onNote: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  onFrame: ((bytes: Uint8Array<ArrayBuffer>) => void) | undefined;
  /** How many pages watch, this one among them. */
  onCount: ((pages: number) => void) | undefined;
  readonly #session: Session;
  readonly #notes: MessageStream;
  readonly #frames: MessageStream;
  #framesUnderWay = 0;
  #isServed = false;

  private constructor(session: Session, notes: MessageStream, frames: MessageStream) {
    this.#session = session;
    this.#notes = notes;
    this.#frames = frames;
  }
  static async join(session: Session): Promise<Room> {
    const notes = await session.openMessages(
      `live/publish/${NOTES}`, 'messages', { priority: NOTE_PRIORITY });
    const frames = await session.openMessages(
      `live/publish/${PICTURES}`, 'expiring',
      { priority: FRAME_PRIORITY, deadline: FRAME_DEADLINE_MS });
    return new Room(session, notes, frames);
  }

  /** Until the session ends. Rejects with an SttError when the node passes nothing on. */
  async listen(): Promise<void> {
    await Promise.all([this.#watchNotes(), this.#watchFrames(), this.#watchPresence()]);
  }
  /** Whether the node has told who is here, which it does at once if it passes anything on. */
  get isServed(): boolean {
    return this.#isServed;
  }
  async #watchNotes(): Promise<void> {
    while (true) {
      try {
        const stream = await this.#session.openMessages(
          `live/watch/${NOTES}`, 'messages', { priority: NOTE_PRIORITY });
        for await (const note of stream) this.onNote?.(note);
        return;
      } catch (error) {
        if (!(error instanceof SttError) || error.peerCode !== CODE_BEHIND) throw error;
      }
    }
  }
  async #watchFrames(): Promise<void> {
    const stream = await this.#session.openMessages(
      `live/watch/${PICTURES}`, 'expiring',
      { priority: FRAME_PRIORITY, deadline: FRAME_DEADLINE_MS });
    for await (const frame of stream) this.onFrame?.(frame);
  }
  async #watchPresence(): Promise<void> {
    const stream = await this.#session.openMessages('live/channels', 'messages');
    for await (const list of stream) {
      this.#isServed = true;
      this.onCount?.(watchersOf(NOTES, list));
    }
  }

  sendNote(note: string): Promise<void> {
    return this.#notes.send(note);
  }
  /** Whether a frame would go out at once: one that waits here only gets old. */
  get isReadyForFrame(): boolean {
    return this.#framesUnderWay === 0;
  }
  async sendFrame(frame: Uint8Array): Promise<void> {
    if (frame.length > MESSAGE_SIZE_MAX) return;
    ++this.#framesUnderWay;
    try {
      await this.#frames.send(frame);
    } finally {
      --this.#framesUnderWay;
    }
  }
}

// Spec live §3.2: lines of "PUBLISHERS WATCHERS NAME".
function watchersOf(channel: string, list: Uint8Array): number {
  for (const line of new TextDecoder().decode(list).split('\n')) {
    const [, watchers, name] = line.split(' ', 3);
    if (name === channel) return Number(watchers) || 0;
  }
  return 0;
}
