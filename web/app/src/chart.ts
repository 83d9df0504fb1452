// A sparkline with its newest value; the pointer, or the arrow keys, show older ones.
import { make, setText } from './elements.js';

const NAMESPACE = 'http://www.w3.org/2000/svg';
const WIDTH = 240;
const HEIGHT = 48;

export interface ChartOptions {
  title: string;
  format: (value: number) => string;
  /** How many values are kept. */
  capacity: number;
  intervalMs: number;
}

function shape(name: string, attributes: { [name: string]: string }): SVGElement {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

export class Chart {
  readonly element: HTMLElement;
  readonly #options: ChartOptions;
  readonly #value = make('p', { class: 'chart-value' });
  readonly #when = make('p', { class: 'chart-when' });
  readonly #line = shape('polyline', { class: 'chart-line' });
  readonly #area = shape('polygon', { class: 'chart-area' });
  readonly #cursor = shape('line', { class: 'chart-cursor', y1: '0', y2: String(HEIGHT) });
  #values: number[] = [];
  /** How many values before the newest is shown; undefined: the newest, as it changes. */
  #back: number | undefined;

  constructor(options: ChartOptions) {
    this.#options = options;
    const picture = shape('svg', {
      viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: 'none', 'aria-hidden': 'true',
    });
    picture.append(this.#area, this.#line, this.#cursor);
    this.element = make(
      'div', { class: 'chart', tabindex: '0', role: 'img' },
      make('div', { class: 'chart-head' }, make('h3', {}, options.title), this.#when),
      this.#value);
    this.element.append(picture);
    this.element.addEventListener('pointermove', (event) => {
      const { left, width } = picture.getBoundingClientRect();
      this.#show(Math.round((1 - (event.clientX - left) / width) * (options.capacity - 1)));
    });
    this.element.addEventListener('pointerleave', () => this.#show(undefined));
    this.element.addEventListener('blur', () => this.#show(undefined));
    this.element.addEventListener('keydown', (event) => this.#onKey(event));
    this.clear();
  }

  add(value: number): void {
    this.#values.push(value);
    if (this.#values.length > this.#options.capacity) this.#values.shift();
    this.#draw();
  }
  clear(): void {
    this.#values = [];
    this.#back = undefined;
    this.#draw();
  }

  #onKey(event: KeyboardEvent): void {
    if (event.key === 'ArrowLeft') this.#show((this.#back ?? 0) + 1);
    else if (event.key === 'ArrowRight') this.#show((this.#back ?? 0) - 1);
    else if (event.key === 'Escape') this.#show(undefined);
    else return;
    event.preventDefault();
  }
  #show(back: number | undefined): void {
    const most = this.#values.length - 1;
    this.#back = back === undefined || most < 0 ? undefined : Math.max(0, Math.min(most, back));
    this.#draw();
  }

  #xOf(index: number): number {
    const { capacity } = this.#options;
    return ((capacity - this.#values.length + index) / (capacity - 1)) * WIDTH;
  }
  #draw(): void {
    const { format, intervalMs, title } = this.#options;
    const peak = Math.max(...this.#values, 1e-9);
    const points = this.#values.map(
      (value, index) => `${this.#xOf(index).toFixed(1)},${
        (HEIGHT - 1.5 - (value / peak) * (HEIGHT - 5)).toFixed(1)}`);
    this.#line.setAttribute('points', points.join(' '));
    this.#area.setAttribute('points', points.length === 0 ? ''
      : `${this.#xOf(0).toFixed(1)},${HEIGHT} ${points.join(' ')} ${WIDTH},${HEIGHT}`);
    const index = this.#values.length - 1 - (this.#back ?? 0);
    const value = this.#values[index];
    setText(this.#value, value === undefined ? '–' : format(value));
    setText(this.#when, this.#back === undefined ? ''
      : `${((this.#back * intervalMs) / 1000).toFixed(0)} s ago`);
    this.#cursor.toggleAttribute('hidden', this.#back === undefined);
    this.#cursor.setAttribute('x1', this.#xOf(index).toFixed(1));
    this.#cursor.setAttribute('x2', this.#xOf(index).toFixed(1));
    this.element.setAttribute('aria-label', value === undefined ? title
      : `${title}: ${this.#value.textContent} ${this.#when.textContent || 'now'}, at most ${
        format(peak)}`);
  }
}
