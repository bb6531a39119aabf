import { describe, expect, it } from 'vitest';

import type { LineageNode, LineageView } from '../generated';
import { edgeWords, rowsOf, stepIn } from './lineage_model';

const node = (id: string): LineageNode => ({
  id,
  kind: 'task',
  name: `digits#1 ${id}`,
  job: 'j1',
  task: id,
  attempt: 1,
  result: 'SUCCESS',
  ended_at: null,
  backend: 'local',
  image: null,
  command: null,
  code: null,
  commit: null,
  outputs_dir: null,
  reused_by: []
});
const edge = (from: string, to: string, output: string | null = null, input: string | null = null) => ({
  from,
  to,
  output,
  input
});
const view: LineageView = {
  subject: 'train',
  asked: 'digits#1 train.model',
  output: 'model',
  note: '',
  files: [],
  nodes: ['prep', 'clean', 'train', 'test'].map(node),
  edges: [
    edge('prep', 'clean', 'raw', 'data'),
    edge('clean', 'train', 'data', 'data'),
    edge('prep', 'train'),
    edge('train', 'test', 'model', 'model')
  ],
  truncated: false
};

describe('lineage as a tree', () => {
  it('opens a branch only when told to', () => {
    expect(rowsOf(view, new Set()).map(row => row.key)).toEqual(['back', 'forward']);
    const rows = rowsOf(view, new Set(['back', 'forward']));
    expect(rows.map(row => [row.key, row.level, row.children])).toEqual([
      ['back', 1, 2],
      ['back/clean', 2, 1],
      ['back/prep', 2, 0],
      ['forward', 1, 1],
      ['forward/test', 2, 0]
    ]);
  });

  it('shows a thing in every place to which a way leads', () => {
    const keys = rowsOf(view, new Set(['back', 'back/clean'])).map(row => row.key);
    expect(keys).toContain('back/clean/prep');
    expect(keys).toContain('back/prep');
  });

  it('says what was handed on, and under which name', () => {
    expect(edgeWords([edge('a', 'b', 'raw', 'data')])).toBe('raw → data');
    expect(edgeWords([edge('a', 'b', 'data', 'data'), edge('a', 'b')])).toBe('data');
  });

  it('never goes round in a circle, whatever the answer says', () => {
    const odd = { ...view, edges: [...view.edges, edge('train', 'prep')] };
    const rows = rowsOf(odd, new Set(['back', 'back/clean', 'back/prep', 'back/clean/prep']));
    expect(rows.every(row => row.level <= 3)).toBe(true);
  });

  it('is walked by the keys of a tree', () => {
    const rows = rowsOf(view, new Set(['back']));
    expect(stepIn(rows, 'back', 'ArrowRight')).toEqual({ active: 'back/clean' });
    expect(stepIn(rows, 'back/clean', 'ArrowRight')).toEqual({ toggle: 'back/clean' });
    expect(stepIn(rows, 'back/clean', 'ArrowLeft')).toEqual({ active: 'back' });
    expect(stepIn(rows, 'back', 'ArrowLeft')).toEqual({ toggle: 'back' });
    expect(stepIn(rows, 'back', 'End')).toEqual({ active: 'forward' });
    expect(stepIn(rows, 'back', 'x')).toBeNull();
  });
});
