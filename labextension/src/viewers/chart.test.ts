import { expect, it } from 'vitest';

import {
  axisOf,
  curvesIn,
  marks,
  nearest,
  partOf,
  pathOf,
  pointsOf,
  rangeOf,
  rounded,
  stopsOf,
  valueAt
} from './chart';

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

it('a rounded range holds the range, and has marks at both ends', () => {
  expect(marks(rounded({ from: 0.615, to: 0.94 }, 4), 4)).toEqual([0.6, 0.7, 0.8, 0.9, 1]);
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

it('a logarithmic axis begins and ends round, and has powers of ten as marks', () => {
  const axis = axisOf([0.004, 30, 0, -1, NaN], 3, true);
  expect(axis).toEqual({ from: 0.002, to: 50, isLog: true });
  expect(marks(axis, 4)).toEqual([0.01, 0.1, 1, 10]);
  expect(marks(axisOf([3, 20], 3, true), 4)).toEqual([2, 5, 10, 20]);
  expect(valueAt(axis, partOf(axis, 7))).toBeCloseTo(7);
  expect(axisOf([-1], 3, true)).toEqual({ from: 0.1, to: 1, isLog: true });
});

it('a point that has no place leaves a gap, one alone is a dot', () => {
  const points = [0, 1, NaN, 3, Infinity, 5, 6].map((value, at) => [at, value] as const);
  const path = pathOf(points, { from: 0, to: 6 }, { from: 0, to: 10 }, 60, 100);
  expect(path).toBe('M0.0 100.0L10.0 90.0M30.0 70.0h.01M50.0 50.0L60.0 40.0');
});

it('all places of x are told once, in order', () => {
  expect(
    stopsOf([
      [[3, 0]],
      [
        [1, 0],
        [3, 1]
      ]
    ])
  ).toEqual([1, 3]);
});
