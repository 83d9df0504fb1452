// Files from the node: those that it sends by itself, and what it shares when asked.
import {
  directorySink, memorySink, receiveFiles, SttError, type FileOffer, type FileSink,
  type ReceivedFile, type Session, type Stream,
} from '../../src/index.js';
import { announce, byId, setText } from './elements.js';
import { count, messageOf, size } from './format.js';
import type { Link } from './link.js';
import { canSaveInto, canSaveTo, pickFile, pickFolder, writeSink } from './saving.js';
import { TransferList, TransferRow } from './transfer_row.js';

/** Larger files are not held in memory where the browser can write to a file. Chosen. */
const IN_MEMORY_MAX = 512_000_000;
const CODE_UNKNOWN_ENDPOINT = 7;

/** How the page asks for what the node shares. */
export const SHARE_ENDPOINT = 'share';

export class ReceivePanel {
  readonly #link: Link;
  readonly #list = new TransferList(byId('receiving', HTMLUListElement));
  readonly #note = byId('receive-note', HTMLParagraphElement);
  readonly #get = byId('get-shared', HTMLButtonElement);
  #folder: FileSystemDirectoryHandle | undefined;

  constructor(link: Link) {
    this.#link = link;
    this.#get.addEventListener('click', () => void this.#getShared());
    this.#setUpTarget();
  }
  #setUpTarget(): void {
    const button = byId('choose-target', HTMLButtonElement);
    button.hidden = !canSaveInto();
    button.addEventListener('click', async () => {
      this.#folder = await pickFolder();
      button.textContent = this.#folder === undefined ? 'Save into a folder…'
        : `Saving into ‘${this.#folder.name}’`;
    });
  }

  async #getShared(): Promise<void> {
    this.#get.disabled = true;
    this.#get.textContent = 'Getting shared files…';
    try {
      const received = await this.#link.run(async (session) => {
        const stream = await session.openStream(SHARE_ENDPOINT);
        return this.receive(stream);
      });
      this.#say(received === 0 ? 'The node shares no files now.'
        : `${count(received, 'shared file')} received.`);
    } catch (error) {
      this.#say(failureText(error));
    } finally {
      this.#get.disabled = false;
      this.#get.textContent = 'Get shared files';
    }
  }
  /** Serves the streams on which the node sends by itself. */
  serve(session: Session): void {
    session.handle('transfer', async (stream) => {
      if (stream.kind !== 'bytes') return stream.refuse();
      await this.receive(stream as Stream).catch((error) => this.#say(failureText(error)));
    });
  }
  #say(text: string): void {
    setText(this.#note, text);
    announce(text);
  }

  /** How many files came, of one stream. */
  async receive(stream: Stream): Promise<number> {
    const abort = new AbortController();
    const rows = new Map<string, TransferRow>();
    const settled = (file: ReceivedFile) => finish(rows.get(file.offer.path)!, file);
    try {
      const result = await receiveFiles(stream, {
        signal: abort.signal,
        onOffer: (offer) => {
          const row = new TransferRow(offer.path, offer.size);
          row.addButton('Cancel', `Cancel ${offer.path}`, () => abort.abort());
          rows.set(offer.path, row);
          this.#list.add(row);
          return true;
        },
        sink: (offer) => this.#sinkFor(offer, rows.get(offer.path)!),
        onFile: settled,
      });
      for (const { name, reason } of result.failures) {
        rows.get(name)?.set('failed', `Not received: ${reason}`);
      }
      return result.received.length;
    } catch (error) {
      for (const row of rows.values()) {
        if (row.isOver) continue;
        if (abort.signal.aborted) row.set('cancelled', 'Cancelled');
        else row.set('failed', failureText(error));
      }
      if (abort.signal.aborted) return 0;
      throw error;
    }
  }
  async #sinkFor(offer: FileOffer, row: TransferRow): Promise<FileSink> {
    if (this.#folder !== undefined) return watched(await directorySink(this.#folder)(offer), row);
    if (offer.size > IN_MEMORY_MAX && canSaveTo()) return watched(await askWhere(offer, row), row);
    return watched(memorySink(), row);
  }
}

/** A file picker opens only when a person did something: hence the button. */
function askWhere(offer: FileOffer, row: TransferRow): Promise<FileSink> {
  row.set('asking', `${size(offer.size)}: choose where to save it`);
  return new Promise((resolve, reject) => {
    const buttons: HTMLButtonElement[] = [];
    const settle = (act: () => void) => {
      for (const button of buttons) button.remove();
      act();
    };
    buttons.push(
      row.addButton('Save to…', `Choose where to save ${offer.name}`, async () => {
        const handle = await pickFile(offer.name);
        if (handle !== undefined) settle(() => resolve(writeSink(handle)));
      }),
      row.addButton('Decline', `Decline ${offer.name}`, () => {
        settle(() => reject(new Error('declined')));
      }));
  });
}

/** Tells the row how far the file is. */
function watched(sink: FileSink, row: TransferRow): FileSink {
  let done = 0;
  const wrapper: FileSink = {
    begin(offset) {
      done = offset;
      row.progress(done);
      return sink.begin(offset);
    },
    write(bytes) {
      done += bytes.length;
      row.progress(done);
      return sink.write(bytes);
    },
    commit: () => sink.commit(),
    discard: () => sink.discard(),
  };
  return {
    ...wrapper,
    ...(sink.offset !== undefined && { offset: sink.offset }),
    ...(sink.present !== undefined && { present: sink.present }),
    ...(sink.known !== undefined && { known: () => sink.known!() }),
    ...(sink.suspend !== undefined && { suspend: () => sink.suspend!() }),
  };
}

function finish(row: TransferRow, { offer, content }: ReceivedFile): void {
  if (content === undefined) {
    row.set('done', `${size(offer.size)} · it was there already, digest verified`);
  } else if (isHeld(content)) {
    row.set('done', `Arrived, digest verified · ${size(offer.size)}`);
    row.addSaveLink(content, offer.name);
  } else {
    row.set('done', `Saved, digest verified · ${size(offer.size)}`);
  }
  announce(`${offer.name} arrived, digest verified`);
}
/** A File has been written to a disk; a Blob is only here. */
function isHeld(content: Blob): boolean {
  return !(content instanceof File);
}

function failureText(error: unknown): string {
  if (!(error instanceof SttError)) return `Failed: ${messageOf(error)}`;
  if (error.code === 'stream-stopped' || error.code === 'stream-reset') {
    return error.peerCode === CODE_UNKNOWN_ENDPOINT ? 'The node shares no files.'
      : 'The node gave the transfer up.';
  }
  return `Failed: ${error.message}`;
}
