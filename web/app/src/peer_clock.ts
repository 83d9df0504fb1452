// How far another page's clock is ahead: asked now and then, believed when the answer came fast.

const INTERVAL_MS = 5_000;

export class PeerClock {
  #asked = -Infinity;
  #best = Infinity;
  #offset: number | undefined;

  get isDue(): boolean {
    return performance.now() - this.#asked > INTERVAL_MS;
  }
  /** What to ask with; learn() gets it back. */
  ask(): number {
    this.#asked = performance.now();
    return this.#asked;
  }
  /** `time`: of the other's clock, when it answered what was asked at `asked` of this one's. */
  learn(asked: number, time: number): void {
    const roundTrip = performance.now() - asked;
    if (asked !== this.#asked || roundTrip > 2 * this.#best) return;
    this.#best = Math.min(this.#best, roundTrip);
    this.#offset = time + roundTrip / 2 - Date.now();
  }
  /** Milliseconds to add to Date.now(), wrong by half a round trip at most; undefined: unknown. */
  get offset(): number | undefined {
    return this.#offset;
  }
}
