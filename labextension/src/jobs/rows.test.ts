import { expect, it } from 'vitest';

import { stepOf } from './rows';

it.each([
  ['ArrowDown', 0, 1],
  ['ArrowUp', 0, 0],
  ['End', 3, 9],
  ['Home', 3, 0],
  ['PageDown', 7, 9],
  ['ArrowDown', -1, 0]
])('%s leads from row %i to row %i', (key, at, to) => {
  expect(stepOf(key, at, 10, 4)).toBe(to);
});

it('other keys lead nowhere, nor does any key in an empty list', () => {
  expect([stepOf('a', 0, 10, 4), stepOf('End', 0, 0, 4)]).toEqual([null, null]);
});
