// Pictures to frames: by the browser's video encoder, or one compressed image each without one.
import type { FrameFormat } from './live_messages.js';

export interface EncodedFrame {
  format: FrameFormat;
  isKey: boolean;
  width: number;
  height: number;
  content: Uint8Array<ArrayBuffer>;
}

/** Makes a frame of what a canvas shows. */
export interface FrameEncoder {
  /** Whether it would take one now: what it cannot take in time is better left out. */
  readonly isReady: boolean;
  encode(canvas: HTMLCanvasElement, wantsKey: boolean): void;
  close(): void;
}

const BITRATE = 1_200_000;
export const FRAMES_PER_SECOND = 15;
const IMAGE_QUALITY = 0.7;
const CODECS: readonly { format: FrameFormat; codec: string }[] = [
  { format: 'vp8', codec: 'vp8' },
  { format: 'h264', codec: 'avc1.42001f' },
];

interface Target {
  width: number;
  height: number;
  onFrame: (frame: EncodedFrame) => void;
  onError: (error: unknown) => void;
}

export async function makeEncoder(target: Target): Promise<FrameEncoder> {
  if ('VideoEncoder' in globalThis) {
    for (const { format, codec } of CODECS) {
      const config: VideoEncoderConfig = {
        codec, width: target.width, height: target.height, bitrate: BITRATE,
        framerate: FRAMES_PER_SECOND, latencyMode: 'realtime',
        ...(format === 'h264' && { avc: { format: 'annexb' } }),
      };
      const { supported } = await VideoEncoder.isConfigSupported(config)
        .catch(() => ({ supported: false }));
      if (supported === true) return new CodecEncoder(format, config, target);
    }
  }
  return new ImageEncoder(target);
}

class CodecEncoder implements FrameEncoder {
  readonly #encoder: VideoEncoder;

  constructor(format: FrameFormat, config: VideoEncoderConfig, target: Target) {
    this.#encoder = new VideoEncoder({
      output: (chunk) => {
        const content = new Uint8Array(chunk.byteLength);
        chunk.copyTo(content);
        const { width, height } = target;
        target.onFrame({ format, isKey: chunk.type === 'key', width, height, content });
      },
      error: target.onError,
    });
    this.#encoder.configure(config);
  }
  get isReady(): boolean {
    return this.#encoder.state === 'configured' && this.#encoder.encodeQueueSize < 2;
  }
  encode(canvas: HTMLCanvasElement, wantsKey: boolean): void {
    const frame = new VideoFrame(canvas, { timestamp: performance.now() * 1000 });
    this.#encoder.encode(frame, { keyFrame: wantsKey });
    frame.close();
  }
  close(): void {
    if (this.#encoder.state !== 'closed') this.#encoder.close();
  }
}

class ImageEncoder implements FrameEncoder {
  readonly #target: Target;
  #isBusy = false;
  #isClosed = false;

  constructor(target: Target) {
    this.#target = target;
  }
  get isReady(): boolean {
    return !this.#isBusy && !this.#isClosed;
  }
  encode(canvas: HTMLCanvasElement): void {
    this.#isBusy = true;
    const { width, height } = canvas;
    // A browser without WebP makes a PNG of it, which the others can show as well.
    canvas.toBlob(async (blob) => {
      const content = blob === null ? undefined : new Uint8Array(await blob.arrayBuffer());
      this.#isBusy = false;
      if (this.#isClosed || content === undefined) return;
      this.#target.onFrame({ format: 'image', isKey: true, width, height, content });
    }, 'image/webp', IMAGE_QUALITY);
  }
  close(): void {
    this.#isClosed = true;
  }
}
