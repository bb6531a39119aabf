/**
 * A notebook's pipeline as files beside it: `<stem>.fasttrack.yaml` and the folder `<stem>.cells`.
 *
 * Nothing that is there and differs is written over unasked. Files are written first and the YAML last, so that a
 * pipeline that can be seen has all that it needs. `made.json` among them tells which were made, and their digests (as
 * the command line writes it): what it names, is needed no more and is still what was made is removed; nothing else is.
 */
import { PathExt } from '@jupyterlab/coreutils';
import type { Contents } from '@jupyterlab/services';

import type { NotebookPipeline } from '../generated';
import { stem } from './book';

/** How many files are read or written at once. */
const AT_ONCE = 6;

/** Files by contents path. */
export type Files = ReadonlyMap<string, string>;

/** The contents path of the YAML of the notebook at `path`. */
export function pipelinePath(path: string): string {
  return PathExt.join(PathExt.dirname(path), `${stem(path)}.fasttrack.yaml`);
}

/** The record of what was made. */
function recordPath(path: string, built: NotebookPipeline): string {
  return PathExt.join(PathExt.dirname(path), built.folder, 'made.json');
}

/** What belongs beside the notebook at `path`; the YAML is the last. */
export function filesOf(path: string, built: NotebookPipeline): Files {
  const folder = PathExt.dirname(path);
  const files = Object.entries(built.files).map(
    ([name, text]): [string, string] => [PathExt.join(folder, name), text] // prettier-ignore
  );
  return new Map([...files, [pipelinePath(path), built.text]]);
}

/** The same with the record of it, which comes first: whoever reads it finds no file that it does not know. */
export function withRecord(files: Files, path: string, built: NotebookPipeline): Files {
  const record: [string, string][] =
    Object.keys(built.files).length > 0 ? [[recordPath(path, built), built.record]] : [];
  return new Map([...record, ...files]);
}

/** Paths of files that were made before, are needed no more, and are still what was made. */
export async function unneeded(
  path: string,
  built: NotebookPipeline,
  contents: Contents.IManager
): Promise<string[]> {
  const top = PathExt.dirname(path);
  const record = recordPath(path, built);
  const made = await existing([top, PathExt.dirname(record)], contents).then(there =>
    there.has(record) ? recorded(record, contents) : {}
  );
  const inside = `${built.folder}/`;
  const old = Object.entries(made).filter(
    ([name]) => name.startsWith(inside) && !name.split('/').includes('..') && !(name in built.files)
  );
  const paths = old.map(([name]) => PathExt.join(top, name));
  const there = await existing([top, ...foldersOf(paths, top)], contents);
  const found: string[] = [];
  await each(
    old.filter((_, index) => there.has(paths[index])),
    async ([name, digest]) => {
      const file = PathExt.join(top, name);
      const { hash } = await contents.get(file, { type: 'file', content: false, hash: true });
      if (`sha256:${hash}` === digest) {
        found.push(file);
      }
    }
  );
  return found.sort();
}

/** Digest by name; nothing where the record cannot be read. */
async function recorded(path: string, contents: Contents.IManager): Promise<Record<string, string>> {
  const { content } = await contents.get(path, { type: 'file', format: 'text', content: true });
  try {
    return (JSON.parse(content) as { files?: Record<string, string> }).files ?? {};
  } catch {
    return {};
  }
}

/** Remove these files. */
export async function remove(paths: readonly string[], contents: Contents.IManager): Promise<void> {
  await each(paths, path => contents.delete(path));
}

/** The folders that files need below `top`, the outer ones first. */
export function foldersOf(paths: Iterable<string>, top: string): string[] {
  const found = new Set<string>();
  for (const path of paths) {
    for (let folder = PathExt.dirname(path); folder && folder !== top; folder = PathExt.dirname(folder)) {
      found.add(folder);
    }
  }
  return [...found].sort((a, b) => a.length - b.length);
}

/** Paths of files that are there already with another text; `top` is the folder in which all of them are. */
export async function differing(files: Files, top: string, contents: Contents.IManager): Promise<string[]> {
  const there = await existing([top, ...foldersOf(files.keys(), top)], contents);
  const found = new Set<string>();
  await each(
    [...files].filter(([path]) => there.has(path)),
    async ([path, text]) => {
      const now = await contents.get(path, { type: 'file', format: 'text', content: true });
      if (now.content !== text) {
        found.add(path);
      }
    }
  );
  return [...files.keys()].filter(path => found.has(path));
}

/** What is in these folders, the outer ones of which come first; one that is not there is not asked for. */
async function existing(folders: readonly string[], contents: Contents.IManager): Promise<Set<string>> {
  const [top, ...inner] = folders;
  const there = new Set<string>();
  const look = async (folder: string) => {
    const listed = await contents.get(folder, { type: 'directory', content: true });
    (listed.content as Contents.IModel[]).forEach(item => there.add(item.path));
  };
  await look(top);
  for (const folder of inner) {
    if (there.has(folder)) {
      await look(folder);
    }
  }
  return there;
}

/** Write them all; fails with the server's words. */
export async function write(files: Files, top: string, contents: Contents.IManager): Promise<void> {
  const paths = [...files.keys()];
  for (const folder of foldersOf(paths, top)) {
    await contents.save(folder, { type: 'directory' });
  }
  const save = (path: string) =>
    contents.save(path, { type: 'file', format: 'text', content: files.get(path) });
  const yaml = paths.pop();
  await each(paths, save);
  if (yaml !== undefined) {
    await save(yaml);
  }
}

async function each<T>(items: readonly T[], work: (item: T) => Promise<unknown>): Promise<void> {
  const left = [...items];
  const worker = async (): Promise<void> => {
    for (let item = left.shift(); item !== undefined; item = left.shift()) {
      await work(item);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}
