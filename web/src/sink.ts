// Where received files go.

/** What a sender says of a file. */
export interface FileOffer {
  /** Relative, checked: it leads nowhere else. */
  path: string;
  /** Its last component. */
  name: string;
  size: number;
  /** Milliseconds since 1970. */
  lastModified: number;
  /** A file name that belongs to this very file, and to no other: for what is there of it. */
  partName: string;
}

/** Takes one file. What it throws refuses the file; the message is the reason. */
export interface FileSink {
  /** How much of the file is there from an earlier transfer: content comes from there on. */
  readonly offset?: number;
  /** A file that has the name already: kept, and taken for the same if its digest is. */
  readonly present?: Blob;
  /** What is there, of at least `offset` bytes. */
  known?(): Blob | Promise<Blob>;
  /** Content comes, from `offset` or from 0: what lies behind that is void. */
  begin(offset: number): void | Promise<void>;
  write(bytes: Uint8Array<ArrayBuffer>): void | Promise<void>;
  /** The file is whole and its digest right: now it may be handed out. */
  commit(): Blob | void | Promise<Blob | void>;
  /** What came is of no use; begin() may follow. */
  discard(): void | Promise<void>;
  /** The transfer ended early: keep what is there, for `offset` of another. */
  suspend?(): void | Promise<void>;
}

/** So many bytes become a Blob, which a browser may keep on its disk. */
const BLOB_SIZE = 8 << 20;

/** Into a Blob. */
export function memorySink(_offer?: FileOffer): FileSink {
  let blobs: Blob[] = [];
  let chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  const clear = () => {
    blobs = [];
    chunks = [];
    size = 0;
  };
  return {
    begin: clear,
    write(bytes) {
      chunks.push(bytes);
      size += bytes.length;
      if (size < BLOB_SIZE) return;
      blobs.push(new Blob(chunks));
      chunks = [];
      size = 0;
    },
    commit() {
      const whole = new Blob([...blobs, ...chunks]);
      clear();
      return whole;
    },
    discard: clear,
  };
}

async function ifThere<Kind>(find: () => Promise<Kind>): Promise<Kind | undefined> {
  try {
    return await find();
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFoundError') return undefined;
    throw error;
  }
}

interface MovableFileHandle extends FileSystemFileHandle {
  move?(name: string): Promise<void>;
}

/**
 * Into a folder: that of the page (`navigator.storage.getDirectory()`) or one that the user chose.
 * Folders are made as paths have them. A transfer that ends early leaves a part, with which the
 * next one goes on. Files that are there are never replaced.
 */
export function directorySink(
  root: FileSystemDirectoryHandle,
): (offer: FileOffer) => Promise<FileSink> {
  return async (offer) => {
    let folder = root;
    for (const name of offer.path.split('/').slice(0, -1)) {
      folder = await folder.getDirectoryHandle(name, { create: true });
    }
    const present = await ifThere(() => folder.getFileHandle(offer.name));
    if (present !== undefined) return presentSink(await present.getFile());
    const part = await folder.getFileHandle(offer.partName, { create: true });
    return new PartSink(folder, part, (await part.getFile()).size, offer);
  };
}

function presentSink(present: File): FileSink {
  const never = () => {
    throw new Error('something has its name');
  };
  return { present, begin: never, write: never, commit: never, discard() {} };
}

class PartSink implements FileSink {
  readonly offset: number;
  readonly #folder: FileSystemDirectoryHandle;
  #part: MovableFileHandle;
  readonly #offer: FileOffer;
  #writing: FileSystemWritableFileStream | undefined;

  constructor(
    folder: FileSystemDirectoryHandle, part: FileSystemFileHandle, size: number, offer: FileOffer,
  ) {
    this.#folder = folder;
    this.#part = part;
    this.#offer = offer;
    this.offset = size <= offer.size ? size : 0;
  }
  known(): Promise<Blob> {
    return this.#part.getFile();
  }
  async begin(offset: number): Promise<void> {
    // discard() may have removed it.
    this.#part = await this.#folder.getFileHandle(this.#offer.partName, { create: true });
    this.#writing = await this.#part.createWritable({ keepExistingData: true });
    await this.#writing.truncate(offset);
    await this.#writing.seek(offset);
  }
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#writing!.write(bytes);
  }
  async commit(): Promise<Blob> {
    await this.suspend();
    if (this.#part.move !== undefined) {
      await this.#part.move(this.#offer.name);
      return this.#part.getFile();
    }
    // Where a file cannot get another name, another file gets its content.
    const whole = await this.#folder.getFileHandle(this.#offer.name, { create: true });
    const copy = await whole.createWritable();
    await (await this.#part.getFile()).stream().pipeTo(copy);
    await this.#folder.removeEntry(this.#offer.partName);
    return whole.getFile();
  }
  async discard(): Promise<void> {
    await this.#writing?.abort();
    this.#writing = undefined;
    await this.#folder.removeEntry(this.#offer.partName).catch(() => {});
  }
  // Only what is closed is in the file.
  async suspend(): Promise<void> {
    await this.#writing?.close();
    this.#writing = undefined;
  }
}
