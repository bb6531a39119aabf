import { describe, expect, it, vi } from 'vitest';

import type { MetricsView, SeriesView } from '../generated';
import {
  chartsOf,
  grown,
  kindOf,
  MOST_POINTS,
  pointsIn,
  readOn,
  unplaced,
  type Source
} from './metrics_model';

function series(values: readonly (number | string)[], from = 0): SeriesView {
  const numbers = values.filter(value => typeof value === 'number');
  return {
    steps: values.map((_, at) => from + at),
    values: [...values],
    times: values.map((_, at) => 1000 + from + at),
    count: values.length,
    last: values[values.length - 1],
    min: Math.min(...numbers),
    max: Math.max(...numbers)
  };
}

function view(all: Record<string, SeriesView>, more: Partial<MetricsView> = {}): MetricsView {
  return {
    attempt: 1,
    next: 10,
    more: false,
    ended: false,
    series: all,
    params: {},
    tags: {},
    left_out: 0,
    ...more
  };
}

describe('what was noted', () => {
  it('grows by what came since, with the least and the most of both', () => {
    const one = view({ loss: series([3, 2]) });
    const two = grown(one, view({ loss: series([1, 5], 2), acc: series([0.5]) }, { next: 20, left_out: 1 }));
    expect(two.series.loss).toMatchObject({ steps: [0, 1, 2, 3], count: 4, last: 5, min: 1, max: 5 });
    expect(two.series.acc.count).toBe(1);
    expect(two).toMatchObject({ next: 20, left_out: 1 });
  });

  it('is thinned where it is very much, and keeps its peaks and its end', () => {
    const long = Array.from({ length: MOST_POINTS }, (_, at) => (at === 777 ? 1e6 : at % 3));
    const all = grown(view({ x: series(long) }), view({ x: series([7, 8], MOST_POINTS) })).series.x;
    expect(all.values.length).toBeLessThan(MOST_POINTS * 0.6);
    expect(all.values).toContain(1e6);
    expect(all.values[all.values.length - 1]).toBe(8);
    expect(all.count).toBe(MOST_POINTS + 2);
    expect(all.steps.every((step, at) => at === 0 || all.steps[at - 1] < step)).toBe(true);
  });

  it('is asked for from where it was left, until there is no more', async () => {
    const ask = vi
      .fn()
      .mockResolvedValueOnce(view({ x: series([1]) }, { next: 5, more: true }))
      .mockResolvedValueOnce(view({ x: series([2], 1) }, { next: 9 }));
    expect((await readOn(ask, null)).series.x.values).toEqual([1, 2]);
    expect(ask.mock.calls).toEqual([[0], [5]]);
  });

  it('begins anew with another attempt', async () => {
    const ask = vi
      .fn()
      .mockResolvedValueOnce(view({ x: series([99]) }, { attempt: 2, next: 40 }))
      .mockResolvedValueOnce(view({ x: series([4]) }, { attempt: 2, next: 7 }));
    const known = view({ x: series([1, 2, 3]) }, { next: 30 });
    expect(await readOn(ask, known)).toMatchObject({ attempt: 2, next: 7, series: { x: { values: [4] } } });
    expect(ask.mock.calls).toEqual([[30], [0]]);
  });
});

describe('charts', () => {
  const source = (id: string, all: Record<string, SeriesView>): Source => ({
    id,
    label: id,
    view: view(all)
  });

  it('put what is of one kind together, whatever part of the data it is of', () => {
    expect(['train_loss', 'val/loss', 'loss.test', 'loss', 'lossy'].map(kindOf)).toEqual([
      'loss',
      'loss',
      'loss',
      'loss',
      'lossy'
    ]);
    const charts = chartsOf([source('a', { train_loss: series([1, 2]), val_loss: series([1, 2]) })]);
    expect(charts.map(({ name, tracks }) => [name, tracks.map(({ label }) => label)])).toEqual([
      ['loss', ['train_loss', 'val_loss']]
    ]);
  });

  it('have a curve of each source, in its own colour, and none of what was noted once', () => {
    const charts = chartsOf([
      source('a', { loss: series([1, 2]), final: series([1]) }),
      source('b', { loss: series([1, 2]) })
    ]);
    expect(charts).toHaveLength(1);
    expect(charts[0].tracks.map(({ label }) => label)).toEqual(['a', 'b']);
    expect(new Set(charts[0].tracks.map(({ look }) => look.colour)).size).toBe(2);
  });

  it('are drawn in the order of x, and say what has no place in them', () => {
    const points = pointsIn({ ...series([3, 'NaN', -1, 0]), steps: [2, 0, 1, 3] }, 'step');
    expect(points.map(([x]) => x)).toEqual([0, 1, 2, 3]);
    expect(unplaced(points, false)).toEqual({ odd: 1, low: 0 });
    expect(unplaced(points, true)).toEqual({ odd: 1, low: 2 });
    expect(pointsIn(series([5, 6]), 'time')).toEqual([
      [0, 5],
      [1, 6]
    ]);
  });
});
