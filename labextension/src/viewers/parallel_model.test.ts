import { expect, it } from 'vitest';

import { axesOf, brushOf, within, type Brush } from './parallel_model';

const FACETS = [
  { id: 'lr', label: 'lr', values: [0.1, 0.2, 0.4] },
  { id: 'kind', label: 'kind', values: ['net', 'svm', 'net'] },
  { id: 'seed', label: 'seed', values: [7, 7, 7] },
  { id: 'odd', label: 'odd', values: ['NaN', 1, null] }
];

it('an axis is of numbers or of words; what is alike in all has none', () => {
  const axes = axesOf(FACETS);
  expect(axes.map(({ id, range, words }) => [id, range !== null, words])).toEqual([
    ['lr', true, []],
    ['kind', false, ['net', 'svm']],
    ['odd', false, ['NaN', '1']]
  ]);
  expect(axes[1].places).toEqual([0, 1, 0]);
  expect(axes[2].places).toEqual([0, 1, null]);
});

it('an item is chosen that is within all brushes; one without a value is not', () => {
  const axes = axesOf(FACETS);
  const chosen = (...brushes: [string, Brush][]): boolean[] => within(axes, new Map(brushes), 3);
  expect(chosen()).toEqual([true, true, true]);
  expect(chosen(['kind', [0, 0.2]])).toEqual([true, false, true]);
  expect(chosen(['kind', [0, 0.2]], ['lr', [0.5, 1]])).toEqual([false, false, true]);
  expect(chosen(['odd', [0, 0.9]])).toEqual([true, false, false]);
});

it('a brush is in order and within the axis; the whole axis, and a mere click, are none', () => {
  expect(brushOf(0.8, 0.2)).toEqual([0.2, 0.8]);
  expect(brushOf(-1, 0.5)).toEqual([0, 0.5]);
  expect(brushOf(-1, 2)).toBeNull();
  expect(brushOf(0.5, 0.501)).toBeNull();
});
