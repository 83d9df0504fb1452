// One line of a list of transfers: name, bar, numbers, and what can be done with it.
import { make, setText } from './elements.js';
import { duration, rate, size } from './format.js';
import { RateMeter } from './rate_meter.js';

export type RowState = 'waiting' | 'running' | 'asking' | 'done' | 'failed' | 'cancelled';

let rowCount = 0;

export class TransferRow {
  readonly element: HTMLLIElement;
  readonly #bar: HTMLProgressElement;
  readonly #numbers: HTMLParagraphElement;
  readonly #actions: HTMLDivElement;
  readonly #meter = new RateMeter();
  #state: RowState = 'waiting';
  #done = 0;
  #total: number;

  constructor(name: string, total: number, note = '') {
    const id = `transfer-${++rowCount}`;
    this.#total = total;
    this.#bar = make('progress', { 'aria-labelledby': id, max: '1', value: '0' });
    this.#numbers = make('p', { class: 'numbers' });
    this.#actions = make('div', { class: 'buttons' });
    this.element = make(
      'li', { class: 'transfer' },
      make('div', { class: 'transfer-head' },
        make('p', { class: 'name', id, title: name }, name),
        make('span', { class: 'help' }, note),
        this.#actions),
      this.#bar, this.#numbers);
    this.set('waiting', 'Waiting');
  }

  get state(): RowState {
    return this.#state;
  }
  get isOver(): boolean {
    return ['done', 'failed', 'cancelled'].includes(this.#state);
  }

  /** The words stand in place of the numbers until there is progress again. */
  set(state: RowState, words: string): void {
    this.#state = state;
    this.element.dataset['state'] = state;
    this.#bar.hidden = this.isOver;
    if (this.isOver) this.#actions.replaceChildren();
    setText(this.#numbers, words);
  }
  progress(done: number, total = this.#total): void {
    if (this.isOver) return;
    if (this.#state !== 'running') this.set('running', '');
    this.#done = done;
    this.#total = total;
    this.#meter.add(done);
  }
  /** Called a few times a second, so that numbers can be read. */
  draw(): void {
    if (this.#state !== 'running') return;
    this.#bar.value = this.#total === 0 ? 0 : this.#done / this.#total;
    const speed = this.#meter.rate();
    const parts = [`${size(this.#done)} of ${size(this.#total)}`, rate(speed)];
    if (speed > 0 && this.#done < this.#total) {
      parts.push(`${duration((this.#total - this.#done) / speed)} left`);
    }
    setText(this.#numbers, parts.join(' · '));
  }

  addButton(text: string, label: string, act: () => void): HTMLButtonElement {
    const button = make('button', { type: 'button', class: 'quiet', 'aria-label': label }, text);
    button.addEventListener('click', act);
    this.#actions.append(button);
    return button;
  }
  /** A link that saves what came. */
  addSaveLink(content: Blob, name: string): void {
    const link = make('a', {
      class: 'button', download: name, href: URL.createObjectURL(content),
      'aria-label': `Save ${name}`,
    }, 'Save');
    this.#actions.append(link);
  }
}

/** A list of rows, drawn as they change. */
export class TransferList {
  readonly #list: HTMLUListElement;
  readonly #rows = new Set<TransferRow>();
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(list: HTMLUListElement) {
    this.#list = list;
  }

  add(row: TransferRow): void {
    this.#list.hidden = false;
    this.#list.append(row.element);
    this.#rows.add(row);
    this.#timer ??= setInterval(() => this.#draw(), 200);
  }
  #draw(): void {
    for (const row of this.#rows) {
      if (row.isOver) this.#rows.delete(row);
      else row.draw();
    }
    if (this.#rows.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
