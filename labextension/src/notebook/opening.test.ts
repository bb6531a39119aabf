import type { Contents } from '@jupyterlab/services';
import { describe, expect, it } from 'vitest';

import type { NotebookPipeline } from '../generated';
import { differing, filesOf, foldersOf, pipelinePath, remove, unneeded, withRecord, write } from './opening';

const BUILT: NotebookPipeline = {
  name: 'digits',
  text: 'name: digits\n',
  folder: 'digits.cells',
  files: { 'digits.cells/execute.py': 'run', 'digits.cells/cloudpickle/a.py': 'a' },
  problems: [],
  tasks: [],
  record: '{"format": 1, "files": {}}',
  backend: null,
  is_elsewhere: false
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
      return { content: kept.get(path), hash: `of ${kept.get(path)}` };
    },
    delete: async (path: string) => {
      kept.delete(path);
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

describe('what was made before', () => {
  const record = JSON.stringify({
    format: 1,
    files: {
      'digits.cells/execute.py': 'sha256:of run',
      'digits.cells/cell-01.py': 'sha256:of old',
      'digits.cells/cell-02.py': 'sha256:of old',
      'digits.cells/gone.py': 'sha256:of gone',
      'digits.cells/../precious.py': 'sha256:of mine',
      'precious.py': 'sha256:of mine'
    }
  });
  const there = {
    'lab/precious.py': 'mine',
    'lab/digits.cells/made.json': record,
    'lab/digits.cells/execute.py': 'run',
    'lab/digits.cells/cell-01.py': 'old',
    'lab/digits.cells/cell-02.py': 'edited',
    'lab/digits.cells/notes.txt': 'of somebody'
  };

  it('is removed where it is needed no more, and nothing else', async () => {
    const { contents, files } = contentsOf(there);
    const old = await unneeded('lab/digits.ipynb', BUILT, contents);
    expect(old).toEqual(['lab/digits.cells/cell-01.py']);
    await remove(old, contents);
    expect(files.has('lab/digits.cells/cell-01.py')).toBe(false);
    expect(files.get('lab/digits.cells/cell-02.py')).toBe('edited');
    expect(files.get('lab/digits.cells/notes.txt')).toBe('of somebody');
  });

  it('is not known without a record that can be read', async () => {
    const unrecorded = contentsOf({ 'lab/digits.cells/cell-01.py': 'old' });
    expect(await unneeded('lab/digits.ipynb', BUILT, unrecorded.contents)).toEqual([]);
    const broken = contentsOf({ ...there, 'lab/digits.cells/made.json': '{' });
    expect(await unneeded('lab/digits.ipynb', BUILT, broken.contents)).toEqual([]);
    expect(await unneeded('lab/digits.ipynb', BUILT, contentsOf({ 'lab/a.txt': '' }).contents)).toEqual([]);
  });

  it('is recorded before it is written, the pipeline last', () => {
    const paths = [...withRecord(filesOf('lab/digits.ipynb', BUILT), 'lab/digits.ipynb', BUILT).keys()];
    expect(paths[0]).toBe('lab/digits.cells/made.json');
    expect(paths.at(-1)).toBe('lab/digits.fasttrack.yaml');
  });
});
