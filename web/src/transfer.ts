// Files to and from a node: `stt receive` and `stt send` speak the same. Spec transfer.
import { SttError } from './errors.js';
import { Gate } from './gate.js';
import { moduleOf } from './module.js';
import type { IncomingStream, Session } from './session.js';
import { memorySink, type FileOffer, type FileSink } from './sink.js';
import { SliceReader } from './slice_reader.js';
import type { Stream } from './stream.js';
import {
  ReceiveMachine, ReceiveStep, SendMachine, SendStep, type Subject, type TransferProgress,
} from './transfer_engine.js';

/** The endpoint of a transfer's stream: give it to `session.handle()` to receive. */
export const TRANSFER_ENDPOINT = 'transfer';

// Spec transfer §7.1.
const CODE_STOPPED = 256;
const CODE_GAVE_UP = 257;
const ZEROS_SIZE = 1 << 20;

/** A file that is not a `File`; the name may be a path with folders, such as `photos/1.jpg`. */
export interface NamedBlob {
  name: string;
  blob: Blob;
  /** Milliseconds since 1970; now unless given. */
  lastModified?: number;
}

export interface SendFilesOptions {
  onProgress?: (progress: TransferProgress) => void;
  /** Gives the transfer up; the receiver keeps what it has for another time. */
  signal?: AbortSignal;
}

export interface FileFailure {
  name: string;
  reason: string;
}

export interface SendResult extends TransferProgress {
  /** Files that the receiver did not take or that could not be read. */
  failures: FileFailure[];
}

interface Source {
  name: string;
  blob: Blob;
}

/**
 * Sends files to a node, or page, that receives. A `File` of a chosen folder keeps its path. Each
 * is read in slices as the receiver takes them. Resolves when every file is settled there; rejects
 * when the transfer as a whole failed.
 */
export async function sendFiles(
  session: Session, files: Iterable<File | NamedBlob>, options: SendFilesOptions = {},
): Promise<SendResult> {
  const machine = new SendMachine(await moduleOf());
  try {
    const { sources, failures } = addSources(machine, files);
    machine.start();
    const stream = await session.openStream(TRANSFER_ENDPOINT);
    const result = await new Sending(machine, stream, sources, failures, options).run();
    return result;
  } finally {
    machine.delete();
  }
}

function addSources(
  machine: SendMachine, files: Iterable<File | NamedBlob>,
): { sources: Source[]; failures: FileFailure[] } {
  const sources: Source[] = [];
  const failures: FileFailure[] = [];
  for (const file of files) {
    const isNamed = 'blob' in file;
    const blob = isNamed ? file.blob : file;
    const name = isNamed ? file.name : file.webkitRelativePath || file.name;
    const fault = machine.add(name, blob.size, file.lastModified ?? Date.now());
    if (fault === undefined) sources.push({ name, blob });
    else failures.push({ name, reason: fault });
  }
  return { sources, failures };
}

class Sending {
  readonly #machine: SendMachine;
  readonly #stream: Stream;
  readonly #sources: Source[];
  readonly #failures: FileFailure[];
  readonly #options: SendFilesOptions;
  readonly #gate = new Gate();
  #reading: { source: number; reader: SliceReader } | undefined;
  #broken: unknown;
  #hasEnded = false;
  #isOver = false;

  constructor(
    machine: SendMachine, stream: Stream, sources: Source[], failures: FileFailure[],
    options: SendFilesOptions,
  ) {
    this.#machine = machine;
    this.#stream = stream;
    this.#sources = sources;
    this.#failures = failures;
    this.#options = options;
  }

  async run(): Promise<SendResult> {
    const onAbort = () => this.#break(new SttError('aborted', 'the transfer was given up'));
    const { signal } = this.#options;
    signal?.addEventListener('abort', onAbort);
    if (signal?.aborted) onAbort();
    const listening = this.#listen();
    const writer = this.#stream.writable.getWriter();
    writer.closed.catch((error: unknown) => this.#break(error));
    try {
      await this.#work(writer);
      await writer.close();
      while (!this.#hasEnded) await this.#wait();
      this.#report();
      return { ...this.#machine.progress(), failures: this.#failures };
    } catch (error) {
      const code = signal?.aborted ? CODE_STOPPED : CODE_GAVE_UP;
      this.#stream.reset(code);
      this.#stream.stop(code);
      throw error;
    } finally {
      this.#isOver = true;
      signal?.removeEventListener('abort', onAbort);
      await listening;
    }
  }

  async #work(writer: WritableStreamDefaultWriter<Uint8Array>): Promise<void> {
    while (true) {
      if (this.#broken !== undefined) throw this.#broken;
      switch (this.#machine.next()) {
        case SendStep.output:
          await writer.write(this.#machine.takeOutput());
          this.#report();
          break;
        case SendStep.content:
          await this.#read();
          break;
        case SendStep.wait:
          await this.#wait();
          break;
        case SendStep.finished:
          return;
        default:
          throw new SttError('transfer-failed', this.#machine.text());
      }
    }
  }
  async #read(): Promise<void> {
    const { source, offset, size } = this.#machine.wanted();
    if (this.#reading?.source !== source) {
      this.#reading = { source, reader: new SliceReader(this.#sources[source]!.blob) };
    }
    try {
      const bytes = await this.#readAll(this.#reading.reader, offset, size);
      // Meanwhile the receiver may have refused the file: then something else is wanted.
      if (bytes.length === size) this.#giveIfWanted(source, offset, bytes);
      else this.#machine.giveUp('it has become shorter');
    } catch (error) {
      this.#machine.giveUp(`it cannot be read: ${error instanceof Error ? error.name : error}`);
    }
  }
  async #readAll(reader: SliceReader, offset: number, size: number): Promise<Uint8Array> {
    const first = await reader.read(offset, size);
    if (first.length === size) return first;
    const rest = await reader.read(offset + first.length, size - first.length);
    const whole = new Uint8Array(first.length + rest.length);
    whole.set(first);
    whole.set(rest, first.length);
    return whole;
  }
  #giveIfWanted(source: number, offset: number, bytes: Uint8Array): void {
    if (this.#machine.next() !== SendStep.content) return;
    const wanted = this.#machine.wanted();
    if (wanted.source === source && wanted.offset === offset) this.#machine.give(bytes);
  }
  async #wait(): Promise<void> {
    if (this.#broken !== undefined) throw this.#broken;
    await this.#gate.wait();
    this.#report();
    if (this.#broken !== undefined) throw this.#broken;
  }

  async #listen(): Promise<void> {
    try {
      for await (const chunk of chunksOf(this.#stream.readable)) {
        if (this.#isOver) return;
        this.#machine.receive(chunk);
        this.#gate.open();
      }
      if (this.#isOver) return;
      if (!this.#machine.end()) {
        this.#break(new SttError('transfer-failed', 'the receiver ended early'));
      }
      this.#hasEnded = true;
      this.#gate.open();
    } catch (error) {
      this.#break(error);
    }
  }
  #break(error: unknown): void {
    this.#broken ??= error;
    this.#gate.open();
  }

  #report(): void {
    for (let one = this.#machine.takeFailure(); one !== undefined;) {
      this.#failures.push({ name: this.#sources[one.source]!.name, reason: one.reason });
      one = this.#machine.takeFailure();
    }
    this.#options.onProgress?.(this.#machine.progress());
  }
}

export interface ReceiveFilesOptions {
  /**
   * Whether a file is taken: true, or why not, for the sender. Asked in the order of the offers,
   * one at a time. All are taken unless given.
   */
  onOffer?: (offer: FileOffer) => boolean | string | Promise<boolean | string>;
  /** Where a file goes; into memory unless given, as a Blob. See also `directorySink()`. */
  sink?: (offer: FileOffer) => FileSink | Promise<FileSink>;
  /** A file that is whole, was checked against its digest, and has its name. */
  onFile?: (file: ReceivedFile) => void;
  onProgress?: (progress: TransferProgress) => void;
  /** Gives the transfer up; sinks that can keep what came for another time. */
  signal?: AbortSignal;
}

export interface ReceivedFile {
  offer: FileOffer;
  /** What the sink made of it; undefined when it was there already. */
  content: Blob | undefined;
}

export interface ReceiveResult extends TransferProgress {
  received: ReceivedFile[];
  failures: FileFailure[];
}

/**
 * Receives the files of one stream of the endpoint 'transfer':
 * `session.handle('transfer', (stream) => receiveFiles(stream, …))`.
 */
export async function receiveFiles(
  stream: IncomingStream, options: ReceiveFilesOptions = {},
): Promise<ReceiveResult> {
  if (stream.kind !== 'bytes') {
    stream.refuse();
    throw new SttError('transfer-failed', `a transfer takes no stream of ${stream.kind}`);
  }
  const machine = new ReceiveMachine(await moduleOf());
  const receiving = new Receiving(machine, stream, options);
  try {
    return await receiving.run();
  } finally {
    machine.delete();
  }
}

class Receiving {
  readonly #machine: ReceiveMachine;
  readonly #stream: Stream;
  readonly #options: ReceiveFilesOptions;
  readonly #open = new Map<number, { offer: FileOffer; sink: FileSink }>();
  readonly #files: ReceivedFile[] = [];
  readonly #failures: FileFailure[] = [];
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(machine: ReceiveMachine, stream: Stream, options: ReceiveFilesOptions) {
    this.#machine = machine;
    this.#stream = stream;
    this.#options = options;
    this.#reader = stream.readable.getReader();
    this.#writer = stream.writable.getWriter();
    this.#writer.closed.catch(() => {}); // what fails is seen where it is written or read
  }

  async run(): Promise<ReceiveResult> {
    const { signal } = this.#options;
    const onAbort = () => {
      this.#stream.reset(CODE_STOPPED);
      this.#stream.stop(CODE_STOPPED);
    };
    signal?.addEventListener('abort', onAbort);
    try {
      if (signal?.aborted) onAbort();
      await this.#work();
      return { ...this.#machine.progress(), received: this.#files, failures: this.#failures };
    } catch (error) {
      await this.#leave();
      this.#stream.reset(CODE_GAVE_UP);
      this.#stream.stop(CODE_GAVE_UP);
      throw signal?.aborted ? new SttError('aborted', 'the transfer was given up') : error;
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  async #work(): Promise<void> {
    while (true) {
      const step = this.#machine.next();
      if (step === ReceiveStep.complete) {
        await this.#writer.close();
        return this.#report();
      }
      if (step === ReceiveStep.failed) {
        const reason = this.#machine.subject().text;
        await this.#writer.write(this.#machine.takeOutput());
        await this.#writer.close();
        throw new SttError('transfer-failed', reason);
      }
      await this.#take(step);
    }
  }
  #take(step: ReceiveStep): Promise<void> {
    switch (step) {
      case ReceiveStep.output:
        return this.#writer.write(this.#machine.takeOutput());
      case ReceiveStep.offer:
        return this.#decide(this.#machine.subject());
      case ReceiveStep.begin:
        return this.#guard(this.#machine.subject(), (sink, subject) => this.#begin(sink, subject));
      case ReceiveStep.content:
        return this.#guard(this.#machine.subject(), (sink) => sink.write(this.#machine.piece()));
      case ReceiveStep.hole:
        return this.#guard(this.#machine.subject(), writeZeros);
      case ReceiveStep.commit:
        return this.#guard(this.#machine.subject(), (sink, subject) => this.#commit(sink, subject));
      case ReceiveStep.compare:
        return this.#guard(
          this.#machine.subject(), (sink, subject) => this.#compare(sink, subject));
      case ReceiveStep.discard:
        return this.#discard(this.#machine.subject());
      default:
        return this.#read();
    }
  }

  async #read(): Promise<void> {
    this.#report();
    if (this.#rest.length === 0) {
      const { value, done } = await this.#reader.read();
      if (done) return this.#machine.end();
      this.#rest = value;
    }
    const piece = this.#rest.subarray(0, this.#machine.inputSize);
    this.#rest = this.#rest.subarray(piece.length);
    this.#machine.push(piece);
  }
  #report(): void {
    this.#options.onProgress?.(this.#machine.progress());
  }

  async #decide(subject: Subject): Promise<void> {
    const offer: FileOffer = {
      path: subject.text, name: subject.text.slice(subject.text.lastIndexOf('/') + 1),
      size: subject.size, lastModified: subject.modifiedMs, partName: subject.secondText,
    };
    try {
      const answer = (await this.#options.onOffer?.(offer)) ?? true;
      if (answer !== true) return this.#refuse(subject.item, offer, answer || 'not wanted');
      const sink = await (this.#options.sink ?? memorySink)(offer);
      this.#open.set(subject.item, { offer, sink });
      if (sink.present !== undefined) this.#machine.compare(subject.item);
      else this.#machine.accept(subject.item, Math.min(sink.offset ?? 0, offer.size));
    } catch (error) {
      this.#refuse(subject.item, offer, reasonOf(error));
    }
  }
  #refuse(item: number, offer: FileOffer, reason: string): void {
    this.#open.delete(item);
    this.#failures.push({ name: offer.path, reason });
    this.#machine.refuse(item, reason);
  }
  // What a sink throws is about its file alone.
  async #guard(
    subject: Subject, act: (sink: FileSink, subject: Subject) => void | Promise<void>,
  ): Promise<void> {
    const one = this.#open.get(subject.item);
    if (one === undefined) return;
    try {
      await act(one.sink, subject);
    } catch (error) {
      this.#refuse(subject.item, one.offer, reasonOf(error));
      await Promise.resolve(one.sink.discard()).catch(() => {});
    }
  }

  async #begin(sink: FileSink, { offset }: Subject): Promise<void> {
    if (offset > 0) {
      if (sink.known === undefined) throw new Error('the sink has lost what it had');
      await this.#hash(await sink.known(), offset);
    }
    await sink.begin(offset);
  }
  async #hash(blob: Blob, size: number): Promise<void> {
    if (blob.size < size) throw new Error('the part has become shorter');
    for (let at = 0; at < size; at += this.#machine.inputSize) {
      const slice = blob.slice(at, Math.min(size, at + this.#machine.inputSize));
      this.#machine.known(new Uint8Array(await slice.arrayBuffer()));
    }
  }
  async #commit(sink: FileSink, { item }: Subject): Promise<void> {
    const content = await sink.commit();
    this.#settle(item, content ?? undefined);
    this.#machine.stored(item);
  }
  async #compare(sink: FileSink, { item, size }: Subject): Promise<void> {
    const { offer } = this.#open.get(item)!;
    const done = this.#machine.progress().filesDone;
    if (sink.present!.size === size) await this.#hash(sink.present!, size);
    this.#machine.compared(item);
    if (this.#machine.progress().filesDone > done) return this.#settle(item, undefined);
    this.#open.delete(item);
    this.#failures.push({ name: offer.path, reason: 'something else has its name' });
  }
  #settle(item: number, content: Blob | undefined): void {
    const { offer } = this.#open.get(item)!;
    this.#open.delete(item);
    const file = { offer, content };
    this.#files.push(file);
    this.#options.onFile?.(file);
  }
  async #discard({ item, isAgain, secondText }: Subject): Promise<void> {
    const one = this.#open.get(item);
    if (one === undefined) return;
    await Promise.resolve(one.sink.discard()).catch(() => {});
    if (isAgain) return;
    this.#open.delete(item);
    this.#failures.push({ name: one.offer.path, reason: secondText });
  }
  // The transfer ended early: what is there may be gone on with another time.
  async #leave(): Promise<void> {
    for (const { sink } of this.#open.values()) {
      await Promise.resolve((sink.suspend ?? sink.discard).call(sink)).catch(() => {});
    }
    this.#open.clear();
  }
}

async function writeZeros(sink: FileSink, { size }: Subject): Promise<void> {
  for (let left = size; left > 0;) {
    const piece = Math.min(left, ZEROS_SIZE);
    await sink.write(new Uint8Array(piece));
    left -= piece;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

// Not every browser can iterate over a ReadableStream.
async function* chunksOf(
  readable: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = readable.getReader();
  while (true) {
    const { value, done } = await reader.read();
    if (done) return;
    yield value;
  }
}
