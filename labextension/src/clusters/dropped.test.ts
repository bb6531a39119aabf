import type { Contents } from '@jupyterlab/services';
import { expect, it } from 'vitest';

import { fromContents, fromDesktop } from './dropped';

/** An entry of a file system as browsers tell it: a text is a file, a mapping is a folder, told by two at a time. */
function entry(name: string, what: string | Record<string, unknown>): FileSystemEntry {
  if (typeof what === 'string') {
    const file = (take: (file: File) => void) => take(new File([what], name));
    return { name, isFile: true, isDirectory: false, file } as unknown as FileSystemEntry;
  }
  const left = Object.entries(what).map(([each, inside]) => entry(each, inside as string));
  const createReader = () => ({ readEntries: (take: (some: unknown[]) => void) => take(left.splice(0, 2)) });
  return { name, isFile: false, isDirectory: true, createReader } as unknown as FileSystemEntry;
}

const dropped = (...entries: FileSystemEntry[]) =>
  ({
    items: entries.map(each => ({ kind: 'file', webkitGetAsEntry: () => each })),
    files: []
  }) as unknown as DataTransfer;

it('folders of the desktop come with all that is in them', async () => {
  const tree = { 'a.txt': 'a', deep: { 'b.txt': 'b' }, 'c.txt': 'c', empty: {} };
  const found = await fromDesktop(dropped(entry('top', tree), entry('d.txt', 'd')), 'in');
  expect(found.map(each => each.path).sort()).toEqual([
    'in/d.txt',
    'in/top/a.txt',
    'in/top/c.txt',
    'in/top/deep/b.txt'
  ]);
  expect(await found[found.length - 1].source()).toHaveProperty('name', 'd.txt');
});

it('a browser that tells no entries tells files', async () => {
  const transfer = { items: [], files: [new File(['x'], 'x.txt')] } as unknown as DataTransfer;
  expect((await fromDesktop(transfer, '')).map(each => each.path)).toEqual(['x.txt']);
});

const FILES: Record<string, Partial<Contents.IModel>> = {
  train: { type: 'directory', content: [{ path: 'train/a.csv' }] },
  'train/a.csv': { type: 'file' },
  'drive:b.bin': { type: 'file', content: btoa('bytes') }
};
const contents = {
  get: (path: string) => Promise.resolve({ name: path.split(/[/:]/).pop(), path, ...FILES[path] })
} as unknown as Contents.IManager;

it('of JupyterLab’s files the server takes those on its disk by itself, folders with what is in them', async () => {
  const found = await fromContents(contents, ['train'], 'raw', '/home/me');
  expect(found.map(each => each.path)).toEqual(['raw/train/a.csv']);
  expect(await found[0].source()).toBe('/home/me/train/a.csv');
});

it('those of a drive come through the browser', async () => {
  const [found] = await fromContents(contents, ['drive:b.bin'], '', '/home/me');
  expect(found.path).toBe('b.bin');
  expect((await found.source()) as Blob).toHaveProperty('size', 5);
});
