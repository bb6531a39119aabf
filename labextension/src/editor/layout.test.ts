import { describe, expect, it } from 'vitest';

import type { GraphTask } from './graph';
import { layeredLayout, placeBeside, ranksOf, spread } from './layout';

/** A task with these dependencies. */
function task(name: string, ...dependencies: string[]): GraphTask {
  return {
    name,
    dependencies,
    type: 'shell',
    image: '',
    resources: [],
    implied: [],
    skip: false,
    description: '',
    from: 0,
    to: 0
  };
}

describe('ranksOf', () => {
  it('puts a task one after the last of what it needs', () => {
    const ranks = ranksOf([task('a'), task('b', 'a'), task('c', 'a', 'b')]);
    expect([...ranks.values()]).toEqual([0, 1, 2]);
  });

  it('draws a side input towards its user', () => {
    const ranks = ranksOf([task('a'), task('b', 'a'), task('c', 'b', 'side'), task('side')]);
    expect(ranks.get('side')).toBe(1);
  });

  it('ends on a cycle', () => {
    expect(ranksOf([task('a', 'b'), task('b', 'a'), task('c', 'c')]).size).toBe(3);
  });
});

describe('spread', () => {
  it('leaves places alone that are far enough apart', () => {
    expect(spread([0, 10, 20], [5, 5, 5])).toEqual([0, 10, 20]);
  });

  it('moves those that collide apart, around their middle', () => {
    expect(spread([0, 0], [10, 10])).toEqual([-5, 5]);
  });
});

describe('layeredLayout', () => {
  it('places downstream tasks further along the flow, in both directions', () => {
    const tasks = [task('a'), task('b', 'a')];
    const across = layeredLayout(tasks, 'LR');
    const down = layeredLayout(tasks, 'TB');
    expect(across.get('b')!.x).toBeGreaterThan(across.get('a')!.x);
    expect(down.get('b')!.y).toBeGreaterThan(down.get('a')!.y);
  });

  it('lets no two cards overlap, in a graph of 1,000 with long dependencies, well within a second', () => {
    const tasks = Array.from({ length: 1000 }, (_, i) =>
      task(`t${i}`, ...(i < 20 ? [] : [`t${i - 20}`, `t${(i * 7) % (i - 10)}`]))
    );
    const began = performance.now();
    const places = [...layeredLayout(tasks, 'LR').values()];
    expect(performance.now() - began).toBeLessThan(1000);
    const close = places.filter((a, i) =>
      places.some((b, j) => j > i && Math.abs(a.x - b.x) < 190 && Math.abs(a.y - b.y) < 60)
    );
    expect(close).toEqual([]);
  });

  it('folds a very wide rank into a block', () => {
    const tasks = [task('a'), ...Array.from({ length: 900 }, (_, i) => task(`s${i}`, 'a'))];
    const ys = [...layeredLayout(tasks, 'LR').values()].map(at => at.y);
    expect(Math.max(...ys) - Math.min(...ys)).toBeLessThan(60 * 88);
  });

  it('stands tasks without any dependency below the others', () => {
    const places = layeredLayout([task('loose'), task('a'), task('b', 'a')], 'LR');
    expect(places.get('loose')!.y).toBeGreaterThan(places.get('a')!.y);
  });
});

describe('placeBeside', () => {
  it('stands a new task after what it needs and clear of others', () => {
    const first = placeBeside([{ x: 0, y: 0 }], [], [{ x: 0, y: 0 }], 'LR');
    const second = placeBeside([{ x: 0, y: 0 }], [], [{ x: 0, y: 0 }, first], 'LR');
    expect(first).toEqual({ x: 246, y: 0 });
    expect(second.x).toBe(246);
    expect(Math.abs(second.y - first.y)).toBeGreaterThanOrEqual(60);
  });

  it('stands the very first task at the origin', () => {
    expect(placeBeside([], [], [], 'LR')).toEqual({ x: 0, y: 0 });
  });
});
