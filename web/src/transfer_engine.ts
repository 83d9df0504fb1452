// The two state machines of a transfer as objects. Spec transfer; bindings/wasm/transfer_*.hpp.
import type { WebModule } from './module.js';

/** Counts of a transfer: of all files, and of what is done with. */
export interface TransferProgress {
  /** As far as it is known: 0 before. */
  files: number;
  bytes: number;
  filesDone: number;
  filesFailed: number;
  /** Also what the receiver had already. */
  bytesDone: number;
}

/** TransferSender::Next. */
export const enum SendStep {
  wait = 0,
  output = 1,
  content = 2,
  finished = 3,
  failed = 4,
}
/** TransferReceiver::Next. */
export const enum ReceiveStep {
  wait = 0,
  output = 1,
  offer = 2,
  begin = 3,
  content = 4,
  hole = 5,
  commit = 6,
  discard = 7,
  compare = 8,
  complete = 9,
  failed = 10,
}

function progressOf(numbers: Float64Array): TransferProgress {
  return {
    files: numbers[0]!, bytes: numbers[1]!, filesDone: numbers[2]!, filesFailed: numbers[3]!,
    bytesDone: numbers[4]!,
  };
}

export class SendMachine {
  readonly #module: WebModule;
  readonly #handle: number;
  readonly #inputSize: number;

  constructor(module: WebModule) {
    this.#module = module;
    this.#handle = module.calls.stt_sending_new();
    this.#inputSize = module.calls.stt_transfer_input_size();
  }
  delete(): void {
    this.#module.calls.stt_sending_delete(this.#handle);
  }
  #put(bytes: Uint8Array): number {
    const { calls } = this.#module;
    const put = bytes.subarray(0, this.#inputSize);
    this.#module.bytes(calls.stt_sending_input(this.#handle), put.length).set(put);
    return put.length;
  }
  #numbers(): Float64Array {
    return this.#module.numbers(this.#module.calls.stt_sending_numbers(this.#handle), 8);
  }
  text(): string {
    const { calls } = this.#module;
    return this.#module.text(
      calls.stt_sending_text(this.#handle), calls.stt_sending_text_size(this.#handle));
  }

  /** Why a receiver would refuse the path, or undefined. */
  add(path: string, size: number, modifiedMs: number): string | undefined {
    const pathSize = this.#put(this.#module.encode(path));
    const taken = this.#module.calls.stt_sending_add(this.#handle, pathSize, size, modifiedMs);
    return taken === 1 ? undefined : this.text();
  }
  start(): void {
    this.#module.calls.stt_sending_start(this.#handle, Date.now());
  }
  receive(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += this.#inputSize) {
      const size = this.#put(bytes.subarray(at, at + this.#inputSize));
      this.#module.calls.stt_sending_receive(this.#handle, size);
    }
  }
  end(): boolean {
    return this.#module.calls.stt_sending_end(this.#handle) === 1;
  }
  next(): SendStep {
    return this.#module.calls.stt_sending_next(this.#handle);
  }
  wanted(): { source: number; offset: number; size: number } {
    const numbers = this.#numbers();
    return { source: numbers[0]!, offset: numbers[1]!, size: numbers[2]! };
  }
  takeOutput(): Uint8Array {
    const { calls } = this.#module;
    const output = this.#module.bytes(
      calls.stt_sending_output(this.#handle), calls.stt_sending_output_size(this.#handle)).slice();
    calls.stt_sending_take_output(this.#handle);
    return output;
  }
  give(content: Uint8Array): void {
    this.#module.calls.stt_sending_give(this.#handle, this.#put(content));
  }
  giveUp(reason: string): void {
    this.#module.calls.stt_sending_give_up(
      this.#handle, this.#put(this.#module.encode(reason)));
  }
  progress(): TransferProgress {
    this.#module.calls.stt_sending_totals(this.#handle);
    return progressOf(this.#numbers());
  }
  takeFailure(): { source: number; reason: string } | undefined {
    if (this.#module.calls.stt_sending_failure(this.#handle) === 0) return undefined;
    return { source: this.#numbers()[0]!, reason: this.text() };
  }
}

export interface Subject {
  item: number;
  size: number;
  offset: number;
  isAgain: boolean;
  modifiedMs: number;
  text: string;
  secondText: string;
}

export class ReceiveMachine {
  readonly #module: WebModule;
  readonly #handle: number;
  readonly inputSize: number;

  constructor(module: WebModule) {
    this.#module = module;
    this.#handle = module.calls.stt_receiving_new();
    this.inputSize = module.calls.stt_transfer_input_size();
  }
  delete(): void {
    this.#module.calls.stt_receiving_delete(this.#handle);
  }
  #numbers(): Float64Array {
    return this.#module.numbers(this.#module.calls.stt_receiving_numbers(this.#handle), 8);
  }
  #extra(bytes: Uint8Array): void {
    const put = bytes.subarray(0, this.inputSize);
    const place = this.#module.calls.stt_receiving_extra(this.#handle, put.length);
    this.#module.bytes(place, put.length).set(put);
  }

  /** Only where next() said wait; at most inputSize bytes. */
  push(bytes: Uint8Array): void {
    const place = this.#module.calls.stt_receiving_input(this.#handle);
    this.#module.bytes(place, bytes.length).set(bytes);
    this.#module.calls.stt_receiving_push(this.#handle, bytes.length);
  }
  end(): void {
    this.#module.calls.stt_receiving_end(this.#handle);
  }
  next(): ReceiveStep {
    return this.#module.calls.stt_receiving_next(this.#handle);
  }
  subject(): Subject {
    const { calls } = this.#module;
    const numbers = this.#numbers();
    return {
      item: numbers[0]!, size: numbers[1]!, offset: numbers[2]!, isAgain: numbers[3] === 1,
      modifiedMs: numbers[4]!,
      text: this.#module.text(
        calls.stt_receiving_text(this.#handle), calls.stt_receiving_text_size(this.#handle)),
      secondText: this.#module.text(
        calls.stt_receiving_second_text(this.#handle),
        calls.stt_receiving_second_text_size(this.#handle)),
    };
  }
  takeOutput(): Uint8Array {
    const { calls } = this.#module;
    const size = calls.stt_receiving_output_size(this.#handle);
    const output = this.#module.bytes(calls.stt_receiving_output(this.#handle), size).slice();
    calls.stt_receiving_take_output(this.#handle);
    return output;
  }
  piece(): Uint8Array<ArrayBuffer> {
    const { calls } = this.#module;
    return this.#module.bytes(
      calls.stt_receiving_piece(this.#handle), calls.stt_receiving_piece_size(this.#handle),
    ).slice();
  }
  accept(item: number, offset: number): void {
    this.#module.calls.stt_receiving_accept(this.#handle, item, offset);
  }
  compare(item: number): void {
    this.#module.calls.stt_receiving_compare(this.#handle, item);
  }
  compared(item: number): void {
    this.#module.calls.stt_receiving_compared(this.#handle, item);
  }
  known(content: Uint8Array): void {
    this.#extra(content);
    this.#module.calls.stt_receiving_known(this.#handle);
  }
  refuse(item: number, reason: string): void {
    this.#extra(this.#module.encode(reason));
    this.#module.calls.stt_receiving_refuse(this.#handle, item);
  }
  giveUp(reason: string): void {
    this.#extra(this.#module.encode(reason));
    this.#module.calls.stt_receiving_give_up(this.#handle);
  }
  stored(item: number): void {
    this.#module.calls.stt_receiving_stored(this.#handle, item);
  }
  progress(): TransferProgress {
    this.#module.calls.stt_receiving_totals(this.#handle);
    return progressOf(this.#numbers());
  }
}
