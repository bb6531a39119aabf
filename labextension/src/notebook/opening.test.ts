import type { Contents } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';

import type { NotebookPipeline } from '../generated';
import { differing, filesOf, foldersOf, pipelinePath, write } from './opening';

const BUILT: NotebookPipeline = {
  name: 'digits',
  text: 'name: digits\n',
  folder: 'digits.cells',
  files: { 'digits.cells/execute.py': 'run', 'digits.cells/cloudpickle/a.py': 'a' },
  problems: [],
  tasks: []
};

/** Contents in memory; `asked` tells what was read and written, in order. */
function contentsOf(files: Record<string, string>): {
  contents: Contents.IManager;
  files: Map<string, string>;
  saved: string[];
} {
  const kept = new Map(Object.entries(files));
  const saved: string[] = [];
  const list = (folder: string) => {
    const prefix = folder ? `${folder}/` : '';
    const below = [...kept.keys()].filter(path => path.startsWith(prefix));
    const names = new Set(below.map(path => path.slice(prefix.length).split('/')[0]));
    return [...names].map(name => ({ path: prefix + name }));
  };
  const contents = {
    get: async (path: string, { type }: { type: string }) => {
      if (type === 'directory') {
        return { content: list(path) };
      }
      if (!kept.has(path)) {
        throw new Error(`${path} was asked for and is not there`);
      }
      return { content: kept.get(path) };
    },
    save: async (path: string, { type, content }: { type: string; content?: string }) => {
      saved.push(path);
      if (type === 'file') {
        kept.set(path, content ?? '');
      }
    }
  } as unknown as Contents.IManager;
  return { contents, files: kept, saved };
}

it('stands beside the notebook', () => {
  expect(pipelinePath('lab/digits.ipynb')).toBe('lab/digits.fasttrack.yaml');
  expect([...filesOf('lab/digits.ipynb', BUILT).keys()]).toEqual([
    'lab/digits.cells/execute.py',
    'lab/digits.cells/cloudpickle/a.py',
    'lab/digits.fasttrack.yaml'
  ]);
});

it('needs folders, the outer ones first', () => {
  expect(foldersOf(filesOf('lab/digits.ipynb', BUILT).keys(), 'lab')).toEqual([
    'lab/digits.cells',
    'lab/digits.cells/cloudpickle'
  ]);
});

describe('what is there', () => {
  const files = filesOf('digits.ipynb', BUILT);

  it('differs where its text does, and nothing is asked for that is not there', async () => {
    expect(await differing(files, '', contentsOf({ 'digits.ipynb': '{}' }).contents)).toEqual([]);
    const there = { 'digits.fasttrack.yaml': 'mine', 'digits.cells/execute.py': 'run' };
    expect(await differing(files, '', contentsOf(there).contents)).toEqual(['digits.fasttrack.yaml']);
  });

  it('is written with the YAML last', async () => {
    const { contents, files: kept, saved } = contentsOf({});
    await write(files, '', contents);
    expect(saved.at(-1)).toBe('digits.fasttrack.yaml');
    expect(saved.slice(0, 2)).toEqual(['digits.cells', 'digits.cells/cloudpickle']);
    expect(Object.fromEntries(kept)).toEqual(Object.fromEntries(files));
  });
});
