// Straight to a person's disk, where the browser lets a page do that.
import type { FileSink } from '../../src/index.js';

interface Pickers {
  showSaveFilePicker?(options: { suggestedName: string }): Promise<FileSystemFileHandle>;
  showDirectoryPicker?(options: { mode: 'readwrite' }): Promise<FileSystemDirectoryHandle>;
}
const pickers = globalThis as Pickers;

export function canSaveTo(): boolean {
  return pickers.showSaveFilePicker !== undefined;
}
export function canSaveInto(): boolean {
  return pickers.showDirectoryPicker !== undefined;
}

/** Undefined when the person closed the picker. */
export function pickFile(name: string): Promise<FileSystemFileHandle | undefined> {
  return orUndefined(pickers.showSaveFilePicker!({ suggestedName: name }));
}
export function pickFolder(): Promise<FileSystemDirectoryHandle | undefined> {
  return orUndefined(pickers.showDirectoryPicker!({ mode: 'readwrite' }));
}
async function orUndefined<Handle>(picked: Promise<Handle>): Promise<Handle | undefined> {
  try {
    return await picked;
  } catch (error) {
    if (error instanceof Error && error.name === 'AbortError') return undefined;
    throw error;
  }
}

/** Into a chosen file. The browser writes aside until close(): only what is right gets there. */
export function writeSink(handle: FileSystemFileHandle): FileSink {
  let writing: FileSystemWritableFileStream | undefined;
  return {
    async begin() {
      writing = await handle.createWritable();
    },
    write: (bytes) => writing!.write(bytes),
    async commit() {
      await writing!.close();
      return handle.getFile();
    },
    async discard() {
      await writing?.abort();
      writing = undefined;
    },
  };
}
