// Text and pictures between the pages that are connected to the node.
import { SttError, type Session } from '../../src/index.js';
import { byId, make, setText } from './elements.js';
import { messageOf } from './format.js';
import type { EncodedFrame } from './frame_encoder.js';
import type { Link } from './link.js';
import { decodeFrame, decodeNote, encodeFrame, encodeNote, type Note } from './live_messages.js';
import { PeerClock } from './peer_clock.js';
import { Room } from './room.js';
import { Screen } from './screen.js';
import { Source, type SourceKind } from './source.js';

/** A source of which nothing comes for so long is gone: its key frames come sooner. */
const SILENCE_MAX_MS = 8_000;
const MESSAGE_COUNT_MAX = 500;
const SCREEN_COUNT_MAX = 8;
const KEY_REQUEST_INTERVAL_MS = 500;
const SERVED_WITHIN_MS = 3_000;
/** Of a stream that the node does not serve. */
const CODE_UNKNOWN_ENDPOINT = 7;

interface Peer {
  screen: Screen;
  clock: PeerClock;
  lastRequest: number;
}

export class LivePanel {
  readonly #link: Link;
  /** Of this page, for as long as it is open. */
  readonly #name = Array.from(crypto.getRandomValues(new Uint8Array(4)), hexOf).join('');
  readonly #source = new Source();
  readonly #peers = new Map<string, Peer>();
  readonly #log = byId('chat-log', HTMLOListElement);
  readonly #text = byId('chat-text', HTMLInputElement);
  readonly #count = byId('live-peers', HTMLParagraphElement);
  readonly #error = byId('live-error', HTMLParagraphElement);
  #room: Room | undefined;
  #sequence = 0;
  #messageCount = 0;

  constructor(link: Link) {
    this.#link = link;
    this.#source.onFrame = (frame) => this.#sendFrame(frame);
    this.#source.onError = (error) => this.#failSource(error);
    this.#source.isWanted = () => link.state.kind === 'connected' &&
      this.#room?.isReadyForFrame === true;
    byId('chat-form', HTMLFormElement).addEventListener('submit', (event) => {
      event.preventDefault();
      void this.#say();
    });
    byId('drawing-clear', HTMLButtonElement).addEventListener(
      'click', () => this.#source.drawing.clear());
    byId('camera-choice', HTMLLabelElement).hidden = navigator.mediaDevices === undefined;
    for (const choice of document.querySelectorAll<HTMLInputElement>('input[name="source"]')) {
      choice.addEventListener('change', () => void this.#choose(choice.value as SourceKind));
    }
    setInterval(() => this.#drawScreens(), 500);
  }

  // ---- the room

  join(session: Session): void {
    void this.#join(session).catch((error: unknown) => this.#onLeft(session, error));
  }
  async #join(session: Session): Promise<void> {
    const room = await Room.join(session);
    room.onNote = (bytes) => this.#takeNote(bytes);
    room.onFrame = (bytes) => this.#takeFrame(bytes);
    room.onCount = (pages) => {
      setText(this.#count, countText(pages));
      if (room === this.#room && this.#source.kind === 'none') setText(this.#error, '');
    };
    this.#room = room;
    setText(this.#error, '');
    this.#source.requestKey();
    // A node that passes nothing on may leave such streams without an answer.
    setTimeout(() => {
      if (this.#room === room && !room.isServed) this.#tellUnserved();
    }, SERVED_WITHIN_MS);
    await room.listen();
  }
  #tellUnserved(): void {
    setText(this.#error, 'This node passes nothing on between pages.');
  }
  #onLeft(session: Session, error: unknown): void {
    if (session !== this.#link.session) return; // another has taken its place
    this.#room = undefined;
    setText(this.#count, '');
    const isRefused = error instanceof SttError && error.peerCode === CODE_UNKNOWN_ENDPOINT;
    if (isRefused) return this.#tellUnserved();
    setText(
      this.#error, `Live streams ended: ${messageOf(error)}`);
  }
  leave(): void {
    this.#room = undefined;
    void this.#choose('none');
    setText(this.#count, '');
    setText(this.#error, '');
    for (const name of [...this.#peers.keys()]) this.#removePeer(name);
  }
  #send(note: Note): void {
    // What cannot be sent any more is told by the room's end.
    this.#room?.sendNote(encodeNote(this.#name, note)).catch(() => {});
  }

  // ---- text

  async #say(): Promise<void> {
    const text = this.#text.value.trim();
    if (text === '' || this.#room === undefined) return;
    this.#text.value = '';
    this.#addMessage(text);
    this.#send({ kind: 'text', text, number: ++this.#messageCount });
  }
  #addMessage(text: string, from?: { name: string; number: number }): void {
    const isAtEnd = this.#log.scrollTop + this.#log.clientHeight >= this.#log.scrollHeight - 8;
    const message = make(
      'li', { class: from === undefined ? 'message own' : 'message' },
      make('span', { class: 'from' }, from === undefined ? 'You' : titleOf(from.name)), text);
    if (from !== undefined) {
      message.dataset['from'] = from.name;
      message.dataset['number'] = String(from.number);
    }
    this.#log.insertBefore(message, from === undefined ? null : this.#laterThan(from));
    while (this.#log.childElementCount > MESSAGE_COUNT_MAX) this.#log.firstElementChild!.remove();
    if (isAtEnd || from === undefined) this.#log.scrollTop = this.#log.scrollHeight;
  }
  // Messages may overtake one another, Spec live §1.3.
  #laterThan({ name, number }: { name: string; number: number }): Element | null {
    let first: Element | null = null;
    for (let at = this.#log.lastElementChild; at !== null; at = at.previousElementSibling) {
      const { dataset } = at as HTMLElement;
      if (dataset['from'] !== name) continue;
      if (Number(dataset['number']) < number) break;
      first = at;
    }
    return first;
  }

  #takeNote(bytes: Uint8Array): void {
    const decoded = decodeNote(bytes);
    if (decoded === undefined || decoded.from === this.#name) return;
    const { from, note } = decoded;
    if (note.kind === 'text') {
      return this.#addMessage(note.text, { name: from, number: note.number });
    }
    if (note.kind === 'end') return this.#removePeer(from);
    if (note.to !== this.#name) return;
    if (note.kind === 'key') this.#source.requestKey();
    else if (note.kind === 'time') this.#peers.get(from)?.clock.learn(note.asked, note.time);
    else this.#send({ kind: 'time', to: from, asked: note.asked, time: Date.now() });
  }

  // ---- pictures of others

  #takeFrame(bytes: Uint8Array<ArrayBuffer>): void {
    const frame = decodeFrame(bytes);
    if (frame === undefined || frame.from === this.#name) return;
    const peer = this.#peers.get(frame.from) ?? this.#addPeer(frame.from);
    if (peer === undefined) return;
    if (peer.clock.isDue) this.#send({ kind: 'clock', to: frame.from, asked: peer.clock.ask() });
    peer.screen.take(frame, peer.clock.offset);
  }
  #addPeer(name: string): Peer | undefined {
    if (this.#peers.size >= SCREEN_COUNT_MAX) return undefined;
    const peer = { screen: new Screen(titleOf(name)), clock: new PeerClock(), lastRequest: 0 };
    peer.screen.onKeyWanted = () => {
      const now = performance.now();
      if (now - peer.lastRequest < KEY_REQUEST_INTERVAL_MS) return;
      peer.lastRequest = now;
      this.#send({ kind: 'key', to: name });
    };
    this.#peers.set(name, peer);
    byId('screens', HTMLDivElement).append(peer.screen.element);
    return peer;
  }
  #removePeer(name: string): void {
    this.#peers.get(name)?.screen.remove();
    this.#peers.delete(name);
  }
  #drawScreens(): void {
    for (const [name, { screen }] of this.#peers) {
      const isGone = screen.silence > SILENCE_MAX_MS && this.#link.state.kind === 'connected';
      if (isGone) this.#removePeer(name);
      else screen.draw();
    }
  }

  // ---- the picture of this page

  async #choose(kind: SourceKind): Promise<void> {
    const wasShowing = this.#source.kind !== 'none';
    setText(this.#error, '');
    try {
      await this.#source.show(kind);
    } catch (error) {
      return this.#failSource(error);
    }
    if (kind === 'none' && wasShowing) this.#send({ kind: 'end' });
    this.#showSource(kind);
  }
  #failSource(error: unknown): void {
    this.#source.stop();
    this.#showSource('none');
    this.#send({ kind: 'end' });
    const isCamera = error instanceof DOMException &&
      ['NotAllowedError', 'NotFoundError', 'NotReadableError'].includes(error.name);
    setText(this.#error, isCamera ? 'There is no camera that this page may use.'
      : `The picture cannot be sent: ${messageOf(error)}`);
  }
  #showSource(kind: SourceKind): void {
    byId('source-view', HTMLDivElement).hidden = kind === 'none';
    byId('drawing', HTMLCanvasElement).hidden = kind !== 'drawing';
    byId('drawing-clear', HTMLButtonElement).hidden = kind !== 'drawing';
    byId('camera', HTMLVideoElement).hidden = kind !== 'camera';
    setText(
      byId('source-text', HTMLParagraphElement),
      kind === 'drawing' ? 'Draw here: the others see it.' : 'The others see this.');
    for (const choice of document.querySelectorAll<HTMLInputElement>('input[name="source"]')) {
      choice.checked = choice.value === kind;
    }
  }
  #sendFrame({ content, format, height, isKey, width }: EncodedFrame): void {
    const frame = encodeFrame({
      from: this.#name, format, isKey, sequence: this.#sequence, time: Date.now(), width, height,
      content,
    });
    this.#sequence = (this.#sequence + 1) % 2 ** 32;
    this.#room?.sendFrame(frame).catch(() => {});
  }
}

function hexOf(byte: number): string {
  return byte.toString(16).padStart(2, '0');
}
function countText(pages: number): string {
  return pages <= 1 ? 'Nobody else is here' : `${pages - 1} other${pages > 2 ? 's' : ''} here`;
}
function titleOf(name: string): string {
  return `Page ${name.slice(0, 4)}`;
}
