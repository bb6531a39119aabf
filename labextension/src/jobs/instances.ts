/**
 * A job's task instances as a tree: a loop with its iterations below it, a group with its tasks. Pure.
 *
 * What has many inside is folded until somebody opens it, so that a loop over thousands is one row among the others.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { TaskInstanceView } from '../generated';
import { ICONS, stateOf, STATES } from '../status';

/** What has more inside is folded at first. */
const MOST_OPEN = 10;
const LONGEST_ITEM = 60;

/** One row of the tree. */
export interface Branch {
  task: TaskInstanceView;
  /** How far inside it is; 0: in nothing. */
  depth: number;
  /** What is directly inside of it. */
  inside: readonly TaskInstanceView[];
  /** Whether what is inside is shown; false where there is nothing. */
  isOpen: boolean;
}

/** The rows of `tasks`, siblings in the given order; `folds` says by path what somebody opened (true) or folded. */
export function treeOf(
  tasks: readonly TaskInstanceView[],
  folds: ReadonlyMap<string, boolean>
): readonly Branch[] {
  const known = new Set(tasks.map(task => task.path));
  const inside = new Map<string | null, TaskInstanceView[]>();
  for (const task of tasks) {
    const parent = task.parent && known.has(task.parent) ? task.parent : null;
    const siblings = inside.get(parent);
    if (siblings) {
      siblings.push(task);
    } else {
      inside.set(parent, [task]);
    }
  }
  const rows: Branch[] = [];
  const add = (task: TaskInstanceView, depth: number): void => {
    const own = inside.get(task.path) ?? [];
    const isOpen = own.length > 0 && (folds.get(task.path) ?? own.length <= MOST_OPEN);
    rows.push({ task, depth, inside: own, isOpen });
    if (isOpen) {
      own.forEach(each => add(each, depth + 1));
    }
  };
  (inside.get(null) ?? []).forEach(task => add(task, 0));
  return rows;
}

/** `tasks` side by side, as a filter shows them. */
export function flat(tasks: readonly TaskInstanceView[]): readonly Branch[] {
  return tasks.map(task => ({ task, depth: 0, inside: [], isOpen: false }));
}

/** What a row is called: below what it is inside of without that one's path. */
export function nameOf({ task, depth }: Branch): string {
  return depth > 0 && task.parent ? task.path.slice(task.parent.length).replace(/^\//, '') : task.path;
}

/** What an iteration stands for, in short; empty for what is none (inside of one the row above tells it). */
export function itemWords(task: TaskInstanceView): string {
  if (!task.path.endsWith(']')) {
    return '';
  }
  const text = typeof task.item === 'string' ? task.item : JSON.stringify(task.item ?? null);
  return text.length > LONGEST_ITEM ? `${text.slice(0, LONGEST_ITEM - 1)}…` : text;
}

/** How many are in which state: `3 ✓ 1 ▶ of 5`; empty for none. */
export function countWords(tasks: readonly TaskInstanceView[], trans: TranslationBundle): string {
  if (tasks.length === 0) {
    return '';
  }
  const counts = new Map<string, number>();
  for (const task of tasks) {
    const state = stateOf(task);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  const parts = ['success' as const, ...STATES.filter(state => state !== 'success')]
    .filter(state => counts.has(state))
    .map(state => `${counts.get(state)} ${ICONS[state]}`);
  return trans.__('%1 of %2', parts.join(' '), tasks.length);
}

/** What a key does to a row: opens (true) or folds (false) it, goes to the row above (its path), or nothing (null). */
export function foldKey(key: string, row: Branch): boolean | string | null {
  if (key === 'ArrowRight' && row.inside.length > 0 && !row.isOpen) {
    return true;
  }
  if (key === 'ArrowLeft') {
    return row.isOpen ? false : row.depth > 0 ? row.task.parent : null;
  }
  return null;
}
