import { moduleOf } from './module.js';

export interface FoldSpeed {
  /** Bytes of each frame. */
  frameSize: number;
  /** Millions of bytes encrypted in a second. */
  megabytesPerSecond: number;
  /** Every frame decrypted to what it had been, and none was in the clear meanwhile. */
  isCorrect: boolean;
}

const FRAMES = 64;

/** Encrypts frames of one size, 64 at a time as the engine does, for about so many milliseconds. */
export async function measureFolding(frameSize: number, milliseconds = 500): Promise<FoldSpeed> {
  const { calls } = await moduleOf();
  const bench = calls.stt_bench_new(frameSize);
  try {
    calls.stt_bench_fold(bench);
    const isHidden = calls.stt_bench_is_as_before(bench) === 0;
    const isOpened = calls.stt_bench_unfold(bench) === 1;
    const isCorrect = isHidden && isOpened && calls.stt_bench_is_as_before(bench) === 1;
    const start = performance.now();
    let rounds = 0;
    let passed = 0;
    while (passed < milliseconds) {
      for (let i = 0; i < 16; ++i) calls.stt_bench_fold(bench);
      rounds += 16;
      passed = performance.now() - start;
    }
    const bytes = rounds * FRAMES * frameSize;
    return { frameSize, megabytesPerSecond: bytes / passed / 1_000, isCorrect };
  } finally {
    calls.stt_bench_delete(bench);
  }
}
