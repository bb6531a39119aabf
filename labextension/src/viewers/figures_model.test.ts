import { expect, it } from 'vitest';

import { cellsOf, nearestOn, qualityOf } from './figures_model';

const MATRIX = {
  labels: ['cat', 'dog'],
  rows: [
    [9, 1],
    [3, 0]
  ]
};

it('cells are tinted by the largest of them, or by their part of the row or the column', () => {
  expect(cellsOf(MATRIX, 'count').parts).toEqual([
    [1, 1 / 9],
    [3 / 9, 0]
  ]);
  expect(cellsOf(MATRIX, 'row').parts).toEqual([
    [0.9, 0.1],
    [1, 0]
  ]);
  expect(cellsOf(MATRIX, 'column').parts[0]).toEqual([0.75, 1]);
  expect(cellsOf(MATRIX, 'row').right).toBeCloseTo(9 / 13);
});

it('a matrix of nothing has no share that is right, and divides by nothing', () => {
  const none = cellsOf({ labels: ['a'], rows: [[0]] }, 'row');
  expect([none.right, none.parts]).toEqual([null, [[0]]]);
});

it('precision and recall are those of the class; without any of it they are no numbers', () => {
  expect(qualityOf(MATRIX, 0)).toEqual({ precision: 0.75, recall: 0.9 });
  expect(
    qualityOf(
      {
        labels: ['a', 'b'],
        rows: [
          [1, 0],
          [0, 0]
        ]
      },
      1
    )
  ).toEqual({ precision: NaN, recall: NaN });
});

it('the nearest point of several curves is found in the square', () => {
  const curve = (up: number[]) => ({
    false_positive_rates: [0, 0.5, 1],
    true_positive_rates: up,
    thresholds: [1, 0.5, 0],
    area: 0.5
  });
  expect(nearestOn([curve([0, 0.5, 1]), curve([0, 0.9, 1])], 0.5, 0.8)).toEqual({ curve: 1, at: 1 });
  expect(nearestOn([], 0.5, 0.5)).toBeNull();
});
