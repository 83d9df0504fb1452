// What pages say to each other. Others hold the seed too and may still err: what does not parse is
// ignored, and sizes are bounded.

export const TEXT_MAX = 4_000;

/** On the channel of notes: nothing is lost. */
export type Note =
  | { kind: 'text'; text: string; number: number }
  /** A viewer has missed a frame, or has just come: the next one must stand by itself. */
  | { kind: 'key'; to: string }
  /** A source shows nothing any more. */
  | { kind: 'end' }
  /** A question for another page's clock, and its answer. */
  | { kind: 'clock'; to: string; asked: number }
  | { kind: 'time'; to: string; asked: number; time: number };

export function encodeNote(from: string, note: Note): string {
  return JSON.stringify({ from, ...note });
}

export function decodeNote(bytes: Uint8Array): { from: string; note: Note } | undefined {
  let value: { [key: string]: unknown };
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as typeof value;
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { kind, from, to, text, number, asked, time } = value;
  if (!isName(from)) return undefined;
  if (kind === 'text' && typeof text === 'string' && text.length <= TEXT_MAX && isNumber(number)) {
    return { from, note: { kind, text, number } };
  }
  if (kind === 'end') return { from, note: { kind } };
  if (!isName(to)) return undefined;
  if (kind === 'key') return { from, note: { kind, to } };
  if (kind === 'clock' && isNumber(asked)) return { from, note: { kind, to, asked } };
  if (kind === 'time' && isNumber(asked) && isNumber(time)) {
    return { from, note: { kind, to, asked, time } };
  }
  return undefined;
}
function isName(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9a-f]{8}$/.test(value);
}
function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

export type FrameFormat = 'vp8' | 'h264' | 'image';
const FORMATS: readonly FrameFormat[] = ['vp8', 'h264', 'image'];

/** On the channel of frames: what is late is given up. */
export interface Frame {
  from: string;
  format: FrameFormat;
  /** Can be shown without those before it. */
  isKey: boolean;
  /** Counts up by one: a gap is a frame that was too late. */
  sequence: number;
  /** Milliseconds of the sender's clock. */
  time: number;
  width: number;
  height: number;
  content: Uint8Array<ArrayBuffer>;
}

/** from u32 ‖ format u8 ‖ is key u8 ‖ width u16 ‖ height u16 ‖ sequence u32 ‖ time f64 ‖ content */
const HEADER_SIZE = 22;
const SIDE_MAX = 4_096;

export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(HEADER_SIZE + frame.content.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Number.parseInt(frame.from, 16));
  view.setUint8(4, FORMATS.indexOf(frame.format));
  view.setUint8(5, frame.isKey ? 1 : 0);
  view.setUint16(6, frame.width);
  view.setUint16(8, frame.height);
  view.setUint32(10, frame.sequence);
  view.setFloat64(14, frame.time);
  bytes.set(frame.content, HEADER_SIZE);
  return bytes;
}

export function decodeFrame(bytes: Uint8Array<ArrayBuffer>): Frame | undefined {
  if (bytes.length <= HEADER_SIZE) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const format = FORMATS[view.getUint8(4)];
  const width = view.getUint16(6);
  const height = view.getUint16(8);
  const time = view.getFloat64(14);
  if (format === undefined || width < 1 || width > SIDE_MAX || height < 1 || height > SIDE_MAX ||
      !Number.isFinite(time)) {
    return undefined;
  }
  return {
    from: view.getUint32(0).toString(16).padStart(8, '0'), format, width, height, time,
    isKey: view.getUint8(5) === 1, sequence: view.getUint32(10),
    content: bytes.subarray(HEADER_SIZE),
  };
}
