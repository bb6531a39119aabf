import { StateDB } from '@jupyterlab/statedb';
import { expect, it } from 'vitest';

import { FRESH, readRemembered, ViewMemory } from './settings';

const view = {
  canvas: {
    zoom: 1,
    pan: { x: 0, y: 1 },
    direction: 'TB' as const,
    isFitted: true,
    positions: { a: { x: 1, y: 2 } }
  },
  panes: { yaml: { isShown: false, share: 0.3 } },
  problems: false,
  problemsHeight: 90,
  areProblemsFolded: true,
  backend: 'cluster',
  job: 'latest'
};

it('remembers the view of a file, and of no other', async () => {
  const memory = new ViewMemory(new StateDB());
  await memory.keep('a.fasttrack.yaml', view);
  expect(await memory.recall('a.fasttrack.yaml')).toEqual(view);
  expect(await memory.recall('b.fasttrack.yaml')).toEqual(FRESH);
});

it('believes nothing that is not as it should be', () => {
  const odd = { canvas: { zoom: 'x' }, panes: { yaml: { share: -1 }, dock: 3 }, backend: 7, job: {} };
  expect(readRemembered(odd)).toEqual(FRESH);
  expect(readRemembered('nonsense')).toEqual(FRESH);
  const half = { canvas: { zoom: 1, pan: { x: 0, y: 0 }, positions: { a: { x: 1, y: 2 }, b: null } } };
  expect(readRemembered(half).canvas?.positions).toEqual({ a: { x: 1, y: 2 } });
});

it('shows the default where the database fails', async () => {
  const broken = { fetch: () => Promise.reject(new Error('away')) } as unknown as StateDB;
  expect(await new ViewMemory(broken).recall('a')).toEqual(FRESH);
});
