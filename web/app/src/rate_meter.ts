/** Over how long a rate is taken: shorter jumps about, longer tells of what was. */
const WINDOW_MS = 2_000;
const SPACING_MS = 100;

/** The rate of a growing count of bytes. */
export class RateMeter {
  #samples: { at: number; bytes: number }[] = [];

  add(bytes: number, at = performance.now()): void {
    const last = this.#samples.at(-1);
    if (last !== undefined && at - last.at < SPACING_MS && this.#samples.length > 1) {
      last.bytes = bytes;
      return;
    }
    this.#samples.push({ at, bytes });
    while (this.#samples.length > 2 && at - this.#samples[0]!.at > WINDOW_MS) this.#samples.shift();
  }
  /** Bytes a second; it falls while nothing comes. */
  rate(now = performance.now()): number {
    const last = this.#samples.at(-1);
    const first = this.#samples.find(({ at }) => now - at <= WINDOW_MS);
    if (last === undefined || first === undefined || first === last) return 0;
    return ((last.bytes - first.bytes) * 1000) / Math.max(1, now - first.at);
  }
}
