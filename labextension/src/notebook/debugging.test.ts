import type { NotebookPanel } from '@jupyterlab/notebook';
import { describe, expect, it } from 'vitest';

import { changeCells, isDebugNotebook } from './debugging';

/** A notebook of cells that hold texts. */
function notebook(...texts: string[]) {
  const cells = texts.map(text => {
    const state = { text };
    return {
      state,
      sharedModel: { getSource: () => state.text, setSource: (now: string) => void (state.text = now) }
    };
  });
  const model = { cells: { length: cells.length, get: (index: number) => cells[index] } };
  return { panel: { model } as unknown as NotebookPanel, now: () => cells.map(each => each.state.text) };
}

describe('a fix', () => {
  it('changes the cells that are what it was made for', () => {
    const { panel, now } = notebook('a', 'b', 'c');
    const missed = changeCells(panel, [
      { index: 0, before: 'a', after: 'A' },
      { index: 2, before: 'c', after: 'C' }
    ]);
    expect([missed, now()]).toEqual([0, ['A', 'b', 'C']]);
  });

  it('leaves a cell that somebody has changed, and tells of it', () => {
    const { panel, now } = notebook('mine');
    const missed = changeCells(panel, [
      { index: 0, before: 'a', after: 'A' },
      { index: 7, before: 'gone', after: '' }
    ]);
    expect([missed, now()]).toEqual([2, ['mine']]);
  });
});

describe('a debug notebook', () => {
  it('says so in its metadata', () => {
    const panel = (told: unknown) => ({ model: { getMetadata: () => told } }) as unknown as NotebookPanel;
    expect(isDebugNotebook(panel({ debug: { job: 'x' } }))).toBe(true);
    expect([undefined, { pipeline: 'digits' }].map(panel).some(isDebugNotebook)).toBe(false);
    expect(isDebugNotebook(null)).toBe(false);
  });
});
