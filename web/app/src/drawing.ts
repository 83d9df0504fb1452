// A board to draw on: with a pointer, or with the keyboard.

const PAPER = '#ffffff';
const INK = '#0d5c63';
const PEN_WIDTH = 4;
const KEY_STEP = 8;

interface Point {
  x: number;
  y: number;
}

export class Drawing {
  readonly canvas: HTMLCanvasElement;
  readonly #context: CanvasRenderingContext2D;
  #last: Point | undefined;
  #pen: Point;
  #isPenDown = false;
  #hasChanged = true;

  constructor(canvas: HTMLCanvasElement) {
    this.canvas = canvas;
    this.#context = canvas.getContext('2d')!;
    this.#pen = { x: canvas.width / 2, y: canvas.height / 2 };
    this.clear();
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#last = this.#pointOf(event);
      this.#line(this.#last, this.#last);
    });
    canvas.addEventListener('pointermove', (event) => this.#onMove(event));
    const lift = () => {
      this.#last = undefined;
    };
    canvas.addEventListener('pointerup', lift);
    canvas.addEventListener('pointercancel', lift);
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
  }

  clear(): void {
    this.#context.fillStyle = PAPER;
    this.#context.fillRect(0, 0, this.canvas.width, this.canvas.height);
    this.#hasChanged = true;
  }
  /** Whether it has changed since it was last asked. */
  takeChange(): boolean {
    const hasChanged = this.#hasChanged;
    this.#hasChanged = false;
    return hasChanged;
  }

  #pointOf(event: PointerEvent): Point {
    const { left, top, width, height } = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - left) / width) * this.canvas.width,
      y: ((event.clientY - top) / height) * this.canvas.height,
    };
  }
  #onMove(event: PointerEvent): void {
    if (this.#last === undefined) return;
    // All that happened since the last event: fast strokes stay round.
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length > 0 ? events : [event]) {
      const point = this.#pointOf(one);
      this.#line(this.#last, point);
      this.#last = point;
    }
  }
  #onKey(event: KeyboardEvent): void {
    const from = this.#pen;
    const to = { ...from };
    if (event.key === 'ArrowLeft') to.x -= KEY_STEP;
    else if (event.key === 'ArrowRight') to.x += KEY_STEP;
    else if (event.key === 'ArrowUp') to.y -= KEY_STEP;
    else if (event.key === 'ArrowDown') to.y += KEY_STEP;
    else if (event.key === ' ') this.#isPenDown = !this.#isPenDown;
    else return;
    event.preventDefault();
    this.#pen = {
      x: Math.max(0, Math.min(this.canvas.width, to.x)),
      y: Math.max(0, Math.min(this.canvas.height, to.y)),
    };
    if (this.#isPenDown) this.#line(from, this.#pen);
  }
  #line(from: Point, to: Point): void {
    this.#context.strokeStyle = INK;
    this.#context.lineWidth = PEN_WIDTH;
    this.#context.lineCap = 'round';
    this.#context.beginPath();
    this.#context.moveTo(from.x, from.y);
    this.#context.lineTo(to.x, to.y);
    this.#context.stroke();
    this.#hasChanged = true;
  }
}
