/** Where tasks that are added together stand: those that others need before them, in the direction of the canvas. */
import type { GraphTask, Position } from './graph';

/** How far apart cards stand, along the arrows and across them. */
const STEP = { LR: { along: 260, across: 84 }, TB: { along: 120, across: 220 } } as const;

/** A place for each of `tasks`, the first of which stands at `at`. */
export function pastePlaces(
  tasks: readonly Pick<GraphTask, 'name' | 'dependencies'>[],
  at: Position,
  direction: 'LR' | 'TB'
): Position[] {
  const { along, across } = STEP[direction];
  const levels = levelsOf(tasks);
  const filled: number[] = [];
  return levels.map(level => {
    const row = filled[level] ?? 0;
    filled[level] = row + 1;
    const [forth, aside] = [level * along, row * across];
    return direction === 'LR' ? { x: at.x + forth, y: at.y + aside } : { x: at.x + aside, y: at.y + forth };
  });
}

/** For each task, how many others of them come before it at most; at most all of them, if they wait for each other. */
function levelsOf(tasks: readonly Pick<GraphTask, 'name' | 'dependencies'>[]): number[] {
  const places = new Map(tasks.map(({ name }, place) => [name, place]));
  const levels = tasks.map(() => 0);
  for (let round = 0, isChanged = true; isChanged && round < tasks.length; round++) {
    isChanged = false;
    tasks.forEach(({ dependencies }, place) => {
      const before = dependencies.flatMap(name => places.get(name) ?? []).map(each => levels[each] + 1);
      const level = Math.min(Math.max(0, ...before), tasks.length - 1);
      isChanged ||= level !== levels[place];
      levels[place] = level;
    });
  }
  return levels;
}
