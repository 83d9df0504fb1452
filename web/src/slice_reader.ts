// Reads a Blob ahead of who wants it: one request to the browser takes about a millisecond, however
// small it is.

/** Chosen: two of them in memory, and few requests. */
const READ_SIZE = 1 << 20;

interface Read {
  offset: number;
  bytes: Promise<Uint8Array>;
}

export class SliceReader {
  readonly #blob: Blob;
  #current: Read | undefined;
  #next: Read | undefined;

  constructor(blob: Blob) {
    this.#blob = blob;
  }

  /** Up to `size` bytes from `offset` on: fewer where a read ends, none at the end of the Blob. */
  async read(offset: number, size: number): Promise<Uint8Array> {
    if (!covers(this.#current, offset)) {
      this.#current = covers(this.#next, offset) ? this.#next! : this.#begin(offset);
      const { offset: start } = this.#current;
      this.#next = this.#begin(start + READ_SIZE);
    }
    const { bytes, offset: start } = this.#current!;
    return (await bytes).subarray(offset - start, offset - start + size);
  }
  #begin(offset: number): Read {
    const slice = this.#blob.slice(offset, offset + READ_SIZE);
    const bytes = slice.arrayBuffer().then((buffer) => new Uint8Array(buffer));
    bytes.catch(() => {}); // whoever reads it is told
    return { offset, bytes };
  }
}

function covers(read: Read | undefined, offset: number): boolean {
  return read !== undefined && offset >= read.offset && offset < read.offset + READ_SIZE;
}
