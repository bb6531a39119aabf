/** What the outline does without a page: order, type-ahead, and which rows are in view. Pure. */
import type { GraphTask } from './graph';
import { ranksOf } from './layout';

/** Tasks in the order in which they can run; of one rank, as they stand in the text. */
export function inDependencyOrder(tasks: readonly GraphTask[]): readonly GraphTask[] {
  const ranks = ranksOf(tasks);
  const order = new Map(tasks.map((task, i) => [task.name, i]));
  const of = (map: ReadonlyMap<string, number>, task: GraphTask) => map.get(task.name) ?? 0;
  return [...tasks].sort((a, b) => of(ranks, a) - of(ranks, b) || of(order, a) - of(order, b));
}

/** The next name after the one at `from` that begins with `typed`; it may be the same one while one goes on typing. */
export function typeAhead(names: readonly string[], from: number, typed: string): number {
  const wanted = typed.toLowerCase();
  const isRepeat = [...wanted].every(letter => letter === wanted[0]);
  const sought = isRepeat ? wanted.slice(0, 1) : wanted;
  const start = from + (isRepeat ? 1 : 0);
  for (let step = 0; step < names.length; step++) {
    const i = (Math.max(0, start) + step) % names.length;
    if (names[i].toLowerCase().startsWith(sought)) {
      return i;
    }
  }
  return -1;
}

/** Which rows (first, and one after the last) are to be in the page: those in view, a few around. */
export function rowsInView(count: number, row: number, scrolled: number, height: number): [number, number] {
  const around = 12;
  const first = Math.max(0, Math.floor(scrolled / row) - around);
  return [first, Math.min(count, Math.ceil((scrolled + height) / row) + around)];
}
