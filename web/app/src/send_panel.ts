// Files to the node. One transfer runs at a time, as Spec transfer §1.3 has it; the others wait.
import { sendFiles, SttError, type SendResult } from '../../src/index.js';
import { chosenOf, droppedOf, sizeOf, type Chosen } from './chosen_files.js';
import { announce, byId } from './elements.js';
import { count, duration, messageOf, rate, size } from './format.js';
import type { Link } from './link.js';
import { TransferList, TransferRow } from './transfer_row.js';

interface Job {
  chosen: Chosen;
  row: TransferRow;
  abort: AbortController;
}

export class SendPanel {
  readonly #link: Link;
  readonly #list = new TransferList(byId('sending', HTMLUListElement));
  readonly #queue: Job[] = [];
  #isRunning = false;

  constructor(link: Link) {
    this.#link = link;
    this.#setUpInput('choose-files', 'file-input');
    const folderInput = this.#setUpInput('choose-folder', 'folder-input');
    byId('choose-folder', HTMLButtonElement).hidden = !('webkitdirectory' in folderInput);
    this.#setUpDrop();
  }

  #setUpInput(buttonId: string, inputId: string): HTMLInputElement {
    const input = byId(inputId, HTMLInputElement);
    byId(buttonId, HTMLButtonElement).addEventListener('click', () => input.click());
    input.addEventListener('change', () => {
      this.send(chosenOf(input.files ?? []));
      input.value = ''; // so that the same file can be chosen again
    });
    return input;
  }
  #setUpDrop(): void {
    const overlay = byId('drop-overlay', HTMLDivElement);
    const hasFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
    addEventListener('dragover', (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault(); // also where nothing may be dropped: a page is not to be left so
      event.dataTransfer!.dropEffect = this.#link.isOpen ? 'copy' : 'none';
      overlay.hidden = !this.#link.isOpen;
    });
    addEventListener('dragleave', (event) => {
      if (event.relatedTarget === null) overlay.hidden = true;
    });
    addEventListener('drop', (event) => {
      overlay.hidden = true;
      if (!hasFiles(event)) return;
      event.preventDefault();
      if (this.#link.isOpen) void droppedOf(event.dataTransfer!).then((all) => this.send(all));
    });
  }

  send(all: Chosen[]): void {
    for (const chosen of all) {
      const note = chosen.isFolder ? count(chosen.files.length, 'file') : '';
      const row = new TransferRow(chosen.name, sizeOf(chosen), note);
      const job = { chosen, row, abort: new AbortController() };
      row.addButton('Cancel', `Cancel ${chosen.name}`, () => {
        job.abort.abort();
        if (row.state === 'waiting') row.set('cancelled', 'Cancelled');
      });
      this.#list.add(row);
      this.#queue.push(job);
    }
    void this.#work();
  }
  async #work(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    for (let job = this.#queue.shift(); job !== undefined; job = this.#queue.shift()) {
      if (!job.row.isOver) await this.#run(job);
    }
    this.#isRunning = false;
  }
  async #run({ chosen, row, abort }: Job): Promise<void> {
    const start = performance.now();
    const total = sizeOf(chosen);
    row.progress(0);
    try {
      const result = await this.#link.run((session) => sendFiles(session, chosen.files, {
        signal: abort.signal,
        onProgress: ({ bytesDone }) => row.progress(Math.min(bytesDone, total)),
      }));
      this.#finish(chosen, row, result, (performance.now() - start) / 1000);
    } catch (error) {
      if (abort.signal.aborted) row.set('cancelled', 'Cancelled');
      else row.set('failed', failureText(error));
    }
    announce(`${chosen.name}: ${row.element.querySelector('.numbers')!.textContent}`);
  }
  #finish(chosen: Chosen, row: TransferRow, result: SendResult, seconds: number): void {
    const [failure] = result.failures;
    const sum = sizeOf(chosen);
    if (failure === undefined) {
      const speed = seconds < 1 ? '' : ` in ${duration(seconds)} (${rate(sum / seconds)})`;
      row.set('done', `Arrived, digest verified · ${size(sum)}${speed}`);
    } else if (chosen.files.length === 1) {
      row.set('failed', `Not taken: ${failure.reason}`);
    } else {
      const failed = count(result.failures.length, 'file');
      row.set('failed', `${failed} not taken; ‘${failure.name}’: ${failure.reason}. All others ` +
        'arrived, digests verified');
    }
  }
}

function failureText(error: unknown): string {
  if (!(error instanceof SttError)) return `Failed: ${messageOf(error)}`;
  if (error.code === 'stream-stopped' || error.code === 'stream-reset') {
    return error.peerCode === 7 ? 'The node takes no files' : 'The node gave the transfer up';
  }
  return `Failed: ${error.message}`;
}
