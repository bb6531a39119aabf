import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { aTask } from './fixtures/values';
import { countWords, foldKey, itemWords, nameOf, treeOf } from './instances';

const trans = nullTranslator.load('');
const NONE = new Map<string, boolean>();

function sweep(count: number) {
  const tasks = [aTask({ path: 'prep' }), aTask({ path: 'sweep', kind: 'loop' })];
  for (let at = 0; at < count; at++) {
    tasks.push(aTask({ path: `sweep[${at}]`, kind: 'group', parent: 'sweep', item: at / 10 }));
  }
  for (let at = 0; at < count; at++) {
    tasks.push(aTask({ path: `sweep[${at}]/train`, parent: `sweep[${at}]`, item: at / 10 }));
  }
  return tasks;
}

describe('task instances as a tree', () => {
  it('have what is inside below them, by the end of its path', () => {
    const rows = treeOf(sweep(2), NONE);
    expect(rows.map(row => [row.depth, nameOf(row), itemWords(row.task)])).toEqual([
      [0, 'prep', ''],
      [0, 'sweep', ''],
      [1, '[0]', '0'],
      [2, 'train', ''],
      [1, '[1]', '0.1'],
      [2, 'train', '']
    ]);
  });

  it('are folded where there are many, until somebody opens them', () => {
    expect(treeOf(sweep(11), NONE).map(row => row.task.path)).toEqual(['prep', 'sweep']);
    expect(treeOf(sweep(11), new Map([['sweep', true]]))).toHaveLength(24);
    expect(treeOf(sweep(2), new Map([['sweep', false]]))).toHaveLength(2);
  });

  it('count what is inside by state, what succeeded first', () => {
    const ended = { status: 'TERMINATED' as const };
    const tasks = [
      aTask({ status: 'RUNNING' }),
      aTask({ ...ended, result: 'SUCCESS' }),
      aTask({ ...ended, result: 'SUCCESS' }),
      aTask({ ...ended, result: 'FAILURE' })
    ];
    expect(countWords(tasks, trans)).toBe('2 ✓ 1 ▶ 1 ✕ of 4');
    expect(countWords([], trans)).toBe('');
  });

  it('are opened, folded and left with the arrows', () => {
    const [, loop, iteration, train] = treeOf(sweep(1), NONE);
    expect([foldKey('ArrowLeft', loop), foldKey('ArrowRight', loop)]).toEqual([false, null]);
    expect(foldKey('ArrowRight', { ...iteration, isOpen: false })).toBe(true);
    expect(foldKey('ArrowLeft', train)).toBe('sweep[0]');
  });

  it('of a loop over thousands are rows in no time', () => {
    const tasks = sweep(10_000);
    const begun = performance.now();
    expect(treeOf(tasks, new Map([['sweep', true]]))).toHaveLength(20_002);
    expect(performance.now() - begun).toBeLessThan(500);
  });
});
