/**
 * What was dropped on a vfolder, as files to bring: from the desktop (files and folders of the reader's computer), or
 * from JupyterLab's file browser. Of the latter the server takes those that are on its own disk by itself; others
 * (of drives, say) come through the browser.
 */
import type { Contents } from '@jupyterlab/services';
import { PathExt } from '@jupyterlab/coreutils';

import { toSource } from '../api';
import type { ToUpload } from './uploads';
import type { UploadSource } from './uploading';

/** The mime type under which JupyterLab's file browser drags the paths of files. */
export const CONTENTS_MIME = 'application/x-jupyter-icontents';

/** Files that a person chose. */
export function fromFiles(files: Iterable<File>, folder: string): ToUpload[] {
  return Array.from(files, file => ({ path: join(folder, file.name), source: () => Promise.resolve(file) }));
}

/** What was dropped from the desktop; to be asked in the drop's own event, while the browser tells. */
export async function fromDesktop(transfer: DataTransfer, folder: string): Promise<ToUpload[]> {
  const items = [...transfer.items].filter(item => item.kind === 'file');
  const entries = items.flatMap(item => item.webkitGetAsEntry() ?? []);
  const files = entries.length === 0 ? fromFiles(transfer.files, folder) : [];
  return [...files, ...(await Promise.all(entries.map(entry => fromEntry(entry, folder)))).flat()];
}

async function fromEntry(entry: FileSystemEntry, folder: string): Promise<ToUpload[]> {
  const path = join(folder, entry.name);
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject)
    );
    return [{ path, source: () => Promise.resolve(file) }];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: FileSystemEntry[] = [];
  for (let more = await entriesOf(reader); more.length > 0; more = await entriesOf(reader)) {
    found.push(...more); // browsers tell them by the hundred
  }
  return (await Promise.all(found.map(each => fromEntry(each, path)))).flat();
}

function entriesOf(reader: FileSystemDirectoryReader): Promise<FileSystemEntry[]> {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}

/** Paths of JupyterLab's file browser; folders with all that is in them. */
export async function fromContents(
  contents: Pick<Contents.IManager, 'get'>,
  paths: readonly string[],
  folder: string,
  root: string | null
): Promise<ToUpload[]> {
  const found = await Promise.all(
    paths.map(async path => {
      const model = await contents.get(path, { content: false });
      const target = join(folder, PathExt.basename(model.name));
      if (model.type !== 'directory') {
        return [{ path: target, source: () => sourceOf(contents, path, root) }];
      }
      const listed = await contents.get(path, { content: true });
      const inside = (listed.content as Contents.IModel[]).map(each => each.path);
      return fromContents(contents, inside, target, root);
    })
  );
  return found.flat();
}

async function sourceOf(
  contents: Pick<Contents.IManager, 'get'>,
  path: string,
  root: string | null
): Promise<UploadSource> {
  const source = toSource(path, root);
  if (source !== undefined) {
    return source;
  }
  const model = await contents.get(path, { content: true, type: 'file', format: 'base64' });
  return new Blob([Uint8Array.from(atob(String(model.content)), letter => letter.charCodeAt(0))]);
}

/** A path within a vfolder; its root is the empty text. */
export function join(folder: string, name: string): string {
  return folder === '' ? name : `${folder}/${name}`;
}
