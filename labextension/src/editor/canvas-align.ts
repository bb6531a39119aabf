/** Aligning cards, and spreading them evenly. All cards are of one size, so centres are enough. */
import type { Alignment } from './canvas-types';
import type { Position } from './graph';

/** New centres for those in `places`. Fewer than two (three, to spread them) stay where they are. */
export function aligned(places: ReadonlyMap<string, Position>, how: Alignment): Map<string, Position> {
  const all = [...places.values()];
  if (all.length < 2) {
    return new Map(places);
  }
  const axis = how === 'left' || how === 'center' || how === 'right' || how === 'columns' ? 'x' : 'y';
  if (how === 'columns' || how === 'rows') {
    return evenly(places, axis);
  }
  const values = all.map(at => at[axis]);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const isFirst = how === 'left' || how === 'top';
  const isLast = how === 'right' || how === 'bottom';
  const value = isFirst ? least : isLast ? most : (least + most) / 2;
  return new Map([...places].map(([name, at]) => [name, { ...at, [axis]: value }]));
}

function evenly(places: ReadonlyMap<string, Position>, axis: 'x' | 'y'): Map<string, Position> {
  const sorted = [...places].sort(([, a], [, b]) => a[axis] - b[axis]);
  const first = sorted[0][1][axis];
  const step = (sorted[sorted.length - 1][1][axis] - first) / (sorted.length - 1);
  return new Map(sorted.map(([name, at], i) => [name, { ...at, [axis]: first + i * step }]));
}
