// What the session measures, twice a second, for the last minute.
import type { Statistics } from '../../src/index.js';
import { Chart } from './chart.js';
import { byId } from './elements.js';
import { milliseconds, rate, size } from './format.js';
import type { Link } from './link.js';

const INTERVAL_MS = 500;
const CAPACITY = 120;

export class StatisticsPanel {
  readonly #link: Link;
  readonly #receiving = chart('Receiving', rate);
  readonly #sending = chart('Sending', rate);
  readonly #rtt = chart('Round trip', milliseconds);
  readonly #inFlight = chart('On the way', size);
  #last: { at: number; sent: number; received: number } | undefined;

  constructor(link: Link) {
    this.#link = link;
    const all = [this.#receiving, this.#sending, this.#rtt, this.#inFlight];
    byId('charts', HTMLDivElement).append(...all.map(({ element }) => element));
    setInterval(() => this.#measure(), INTERVAL_MS);
  }
  /** Counts begin anew with a session. */
  begin(): void {
    this.#last = undefined;
  }

  #measure(): void {
    const session = this.#link.session;
    if (session === undefined || !this.#link.isOpen) return;
    const at = performance.now();
    const now: Statistics = session.statistics();
    const last = this.#last;
    this.#last = { at, sent: now.bytesSent, received: now.bytesReceived };
    if (last === undefined) return;
    const seconds = Math.max(0.001, (at - last.at) / 1000);
    this.#receiving.add(Math.max(0, (now.bytesReceived - last.received) / seconds));
    this.#sending.add(Math.max(0, (now.bytesSent - last.sent) / seconds));
    if (now.hasRttSample) this.#rtt.add(now.rttSmoothed);
    this.#inFlight.add(now.bytesInFlight);
  }
}

function chart(title: string, format: (value: number) => string): Chart {
  return new Chart({ title, format, capacity: CAPACITY, intervalMs: INTERVAL_MS });
}
