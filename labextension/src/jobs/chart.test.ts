import { expect, it } from 'vitest';

import { curvesIn, marks, nearest, pathOf, pointsOf, rangeOf, rounded } from './chart';

it('curves of very many rows are thinned, and end where the rows end', () => {
  const rows = Array.from({ length: 50_000 }, (_, step) => ({ step, loss: 1 / (step + 1) }));
  const curves = curvesIn(rows);
  expect(curves?.rows.length).toBeLessThanOrEqual(2000);
  expect(curves?.rows.at(-1)).toEqual(rows.at(-1));
});

it('points are rows that have both numbers, whatever the columns are called', () => {
  const rows = [{ step: 1, 'val.loss': 2 }, { step: 2, 'val.loss': null }, { step: 3 }];
  expect(pointsOf(rows as never, 'step', 'val.loss')).toEqual([[1, 2]]);
});

it('marks are round numbers within the range', () => {
  expect(marks({ from: 0, to: 1 }, 4)).toEqual([0, 0.5, 1]);
  expect(marks({ from: 3, to: 97 }, 5)).toEqual([20, 40, 60, 80]);
  expect(marks({ from: -0.02, to: 0.021 }, 4)).toEqual([-0.02, 0, 0.02]);
});

it('a rounded range holds the range', () => {
  expect(rounded({ from: 0.13, to: 1.9 }, 3)).toEqual({ from: 0, to: 2 });
});

it('a range has a width also where all values are one, or where there is none', () => {
  expect(rangeOf([5, 5])).toEqual({ from: 4.5, to: 5.5 });
  expect(rangeOf([0])).toEqual({ from: -1, to: 1 });
  expect(rangeOf([])).toEqual({ from: 0, to: 1 });
});

it('a path goes from the first point to the last, upwards for more', () => {
  const points = [
    [0, 0],
    [10, 1]
  ] as const;
  expect(pathOf(points, { from: 0, to: 10 }, { from: 0, to: 1 }, 100, 50)).toBe('M0.0 50.0L100.0 0.0');
  expect(nearest(points, 7)).toBe(1);
});
