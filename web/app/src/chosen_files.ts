// What was dropped or chosen, as things to send: single files, and whole folders.
import type { NamedBlob } from '../../src/index.js';

export interface Chosen {
  name: string;
  /** The paths of a folder's files begin with its name. */
  files: (File | NamedBlob)[];
  isFolder: boolean;
}

export function sizeOf({ files }: Chosen): number {
  return files.reduce((sum, file) => sum + ('blob' in file ? file.blob : file).size, 0);
}

/** What an input element has; a folder is known by the paths of its files. */
export function chosenOf(list: Iterable<File>): Chosen[] {
  const folders = new Map<string, Chosen>();
  const chosen: Chosen[] = [];
  for (const file of list) {
    const [folder, rest] = file.webkitRelativePath.split('/', 2);
    if (folder === undefined || rest === undefined) {
      chosen.push({ name: file.name, files: [file], isFolder: false });
      continue;
    }
    let one = folders.get(folder);
    if (one === undefined) {
      one = { name: folder, files: [], isFolder: true };
      folders.set(folder, one);
      chosen.push(one);
    }
    one.files.push(file);
  }
  return chosen;
}

/** What was dropped, with the folders that the browser tells of. */
export async function droppedOf(transfer: DataTransfer): Promise<Chosen[]> {
  // All must be asked for before the first wait: afterwards the drop is over.
  const items = [...transfer.items].filter(({ kind }) => kind === 'file').map((item) => ({
    entry: item.webkitGetAsEntry?.() ?? null, file: item.getAsFile(),
  }));
  const chosen: Chosen[] = [];
  for (const { entry, file } of items) {
    if (entry?.isDirectory) {
      const files: NamedBlob[] = [];
      await collect(entry as FileSystemDirectoryEntry, files);
      chosen.push({ name: entry.name, files, isFolder: true });
    } else if (file !== null) {
      chosen.push({ name: file.name, files: [file], isFolder: false });
    }
  }
  return chosen;
}

async function collect(folder: FileSystemDirectoryEntry, files: NamedBlob[]): Promise<void> {
  const reader = folder.createReader();
  while (true) {
    const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject);
    });
    if (entries.length === 0) return; // browsers give a hundred at a time
    for (const entry of entries) {
      if (entry.isDirectory) await collect(entry as FileSystemDirectoryEntry, files);
      else files.push(await fileOf(entry as FileSystemFileEntry));
    }
  }
}

async function fileOf(entry: FileSystemFileEntry): Promise<NamedBlob> {
  const file = await new Promise<File>((resolve, reject) => entry.file(resolve, reject));
  return {
    name: entry.fullPath.replace(/^\//, ''), blob: file, lastModified: file.lastModified,
  };
}
