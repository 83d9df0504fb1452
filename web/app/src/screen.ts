// What another page shows: its frames on a canvas, with how fast and how late they come.
import { make, setText } from './elements.js';
import { count, milliseconds, rate } from './format.js';
import type { Frame } from './live_messages.js';
import { RateMeter } from './rate_meter.js';

const CODEC_OF = { vp8: 'vp8', h264: 'avc1.42001f' } as const;
/** So many pictures may wait to be decoded; what is beyond is late anyway. */
const DECODE_QUEUE_MAX = 4;

export class Screen {
  readonly element: HTMLElement;
  /** The source must send a frame that stands by itself. */
  onKeyWanted: (() => void) | undefined;
  readonly #canvas = make('canvas', { role: 'img' });
  readonly #numbers = make('span', { class: 'numbers' });
  readonly #bytes = new RateMeter();
  readonly #frames = new RateMeter();
  #decoder: VideoDecoder | undefined;
  #format: Frame['format'] | undefined;
  #byteCount = 0;
  #frameCount = 0;
  #missedCount = 0;
  #latency: number | undefined;
  #next: number | undefined;
  #waitsForKey = true;
  #lastArrival = performance.now();

  constructor(title: string) {
    this.#canvas.setAttribute('aria-label', title);
    this.element = make(
      'figure', { class: 'screen' }, this.#canvas,
      make('figcaption', {}, make('span', {}, title), this.#numbers));
  }

  /** Milliseconds since the last frame. */
  get silence(): number {
    return performance.now() - this.#lastArrival;
  }

  /** `offset`: what the source's clock is ahead of this page's, when it is known. */
  take(frame: Frame, offset: number | undefined): void {
    this.#lastArrival = performance.now();
    this.#byteCount += frame.content.length;
    this.#bytes.add(this.#byteCount);
    if (!this.#count(frame)) return;
    if (offset !== undefined) this.#measure(Date.now() + offset - frame.time);
    if (frame.isKey) this.#waitsForKey = false;
    if (this.#waitsForKey) return this.onKeyWanted?.();
    if (frame.format === 'image') void this.#showImage(frame);
    else this.#decode(frame, CODEC_OF[frame.format]);
  }
  /** False: it was overtaken by a later one, and is of no use any more. */
  #count(frame: Frame): boolean {
    const gap = this.#next === undefined ? 0 : frame.sequence - this.#next;
    if (gap < 0) return false;
    this.#next = frame.sequence + 1;
    if (gap > 0) {
      this.#missedCount += gap;
      this.#waitsForKey = true;
    }
    return true;
  }
  #measure(latency: number): void {
    const value = Math.max(0, latency);
    const before = this.#latency ?? value;
    this.#latency = before + (value - before) / 8;
  }

  async #showImage(frame: Frame): Promise<void> {
    try {
      const picture = await createImageBitmap(new Blob([frame.content]));
      this.#show(picture, frame.width, frame.height);
      picture.close();
    } catch {
      ++this.#missedCount; // not a picture
    }
  }
  #decode(frame: Frame, codec: string): void {
    if (!('VideoDecoder' in globalThis)) return;
    if (this.#decoder === undefined || this.#format !== frame.format) this.#begin(frame, codec);
    const decoder = this.#decoder!;
    if (decoder.decodeQueueSize > DECODE_QUEUE_MAX && !frame.isKey) {
      ++this.#missedCount;
      this.#waitsForKey = true;
      return;
    }
    try {
      decoder.decode(new EncodedVideoChunk({
        type: frame.isKey ? 'key' : 'delta', timestamp: frame.sequence, data: frame.content,
      }));
    } catch {
      this.#fail();
    }
  }
  #begin(frame: Frame, codec: string): void {
    this.#close();
    this.#format = frame.format;
    this.#decoder = new VideoDecoder({
      output: (picture) => {
        this.#show(picture, picture.displayWidth, picture.displayHeight);
        picture.close();
      },
      error: () => this.#fail(),
    });
    this.#decoder.configure({ codec, optimizeForLatency: true });
  }
  #fail(): void {
    this.#close();
    ++this.#missedCount;
    this.#waitsForKey = true;
    this.onKeyWanted?.();
  }
  #close(): void {
    if (this.#decoder !== undefined && this.#decoder.state !== 'closed') this.#decoder.close();
    this.#decoder = undefined;
  }
  #show(picture: CanvasImageSource, width: number, height: number): void {
    if (this.#canvas.width !== width) this.#canvas.width = width;
    if (this.#canvas.height !== height) this.#canvas.height = height;
    this.#canvas.getContext('2d')!.drawImage(picture, 0, 0, width, height);
    ++this.#frameCount;
    this.#frames.add(this.#frameCount);
    this.element.dataset['frames'] = String(this.#frameCount);
  }

  draw(): void {
    const parts = [
      `${this.#frames.rate().toFixed(0)} frames/s`, rate(this.#bytes.rate()),
    ];
    if (this.#latency !== undefined) parts.push(`${milliseconds(this.#latency)} late`);
    if (this.#missedCount > 0) parts.push(`${count(this.#missedCount, 'frame')} dropped`);
    setText(this.#numbers, parts.join(' · '));
  }
  remove(): void {
    this.#close();
    this.element.remove();
  }
}
