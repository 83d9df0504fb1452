// What this page shows the others: the drawing or the camera, as frames.
import { Drawing } from './drawing.js';
import { byId, make } from './elements.js';
import {
  FRAMES_PER_SECOND, makeEncoder, type EncodedFrame, type FrameEncoder,
} from './frame_encoder.js';

export type SourceKind = 'none' | 'drawing' | 'camera';

const WIDTH = 640;
const HEIGHT = 360;
/** Whoever comes, or missed a frame without being able to say so, sees a picture again so soon. */
const KEY_INTERVAL_MS = 2_000;

export class Source {
  onFrame: ((frame: EncodedFrame) => void) | undefined;
  onError: ((error: unknown) => void) | undefined;
  /** False while the network is behind: then nothing is encoded. */
  isWanted: () => boolean = () => true;
  readonly drawing = new Drawing(byId('drawing', HTMLCanvasElement));
  readonly #video = byId('camera', HTMLVideoElement);
  readonly #canvas = make('canvas', { width: String(WIDTH), height: String(HEIGHT) });
  #kind: SourceKind = 'none';
  #camera: MediaStream | undefined;
  #encoder: FrameEncoder | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #lastKey = -Infinity;
  #wantsKey = true;
  #start = 0;

  get kind(): SourceKind {
    return this.#kind;
  }
  /** The next frame stands by itself. */
  requestKey(): void {
    this.#wantsKey = true;
  }

  async show(kind: SourceKind): Promise<void> {
    this.stop();
    const start = ++this.#start;
    if (kind === 'none') return;
    if (kind === 'camera') {
      const camera = await navigator.mediaDevices.getUserMedia({
        video: { width: { ideal: WIDTH }, height: { ideal: HEIGHT } },
      });
      if (start !== this.#start) return stopTracks(camera);
      this.#camera = camera;
      this.#video.srcObject = camera;
      await this.#video.play();
    }
    const encoder = await makeEncoder({
      width: WIDTH, height: HEIGHT,
      onFrame: (frame) => this.onFrame?.(frame),
      onError: (error) => this.onError?.(error),
    });
    if (start !== this.#start) return encoder.close();
    this.#encoder = encoder;
    this.#kind = kind;
    this.#wantsKey = true;
    this.#timer = setInterval(() => this.#tick(), 1000 / FRAMES_PER_SECOND);
  }
  stop(): void {
    ++this.#start;
    clearInterval(this.#timer);
    this.#encoder?.close();
    this.#encoder = undefined;
    if (this.#camera !== undefined) stopTracks(this.#camera);
    this.#camera = undefined;
    this.#video.srcObject = null;
    this.#kind = 'none';
  }

  #tick(): void {
    if (this.#encoder?.isReady !== true || !this.isWanted()) return;
    const now = performance.now();
    const isKeyDue = this.#wantsKey || now - this.#lastKey > KEY_INTERVAL_MS;
    const canvas = this.#picture(isKeyDue);
    if (canvas === undefined) return;
    if (isKeyDue) this.#lastKey = now;
    this.#wantsKey = false;
    this.#encoder.encode(canvas, isKeyDue);
  }
  /** Undefined: nothing has changed. */
  #picture(isDue: boolean): HTMLCanvasElement | undefined {
    if (this.#kind === 'drawing') {
      return this.drawing.takeChange() || isDue ? this.drawing.canvas : undefined;
    }
    const { videoWidth, videoHeight } = this.#video;
    if (videoWidth === 0) return undefined;
    const scale = Math.min(WIDTH / videoWidth, HEIGHT / videoHeight);
    const width = videoWidth * scale;
    const height = videoHeight * scale;
    const context = this.#canvas.getContext('2d')!;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.drawImage(this.#video, (WIDTH - width) / 2, (HEIGHT - height) / 2, width, height);
    return this.#canvas;
  }
}

function stopTracks(stream: MediaStream): void {
  for (const track of stream.getTracks()) track.stop();
}
