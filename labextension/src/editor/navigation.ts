/**
 * The canvas's keys: one table from key to action, which the help shows too, and how arrows walk a graph. Pure.
 *
 * Keys are named as on the keyboard: `A`, `Shift+R`, `Mod+D` (Ctrl, on a Mac ⌘), `ArrowLeft`. A letter is known by
 * what it types or, where an input method types something else (Korean), by the key's place.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Direction } from './canvas-types';
import type { GraphTask, Position } from './graph';

/** Where an arrow leads on the screen. */
export type Way = 'left' | 'right' | 'up' | 'down';

/** All that a key can mean on the canvas. */
export type CanvasAction =
  | `walk-${Way}`
  | `extend-${Way}`
  | `nudge-${Way}`
  | 'first'
  | 'last'
  | 'toggle'
  | 'select-all'
  | 'add'
  | 'properties'
  | 'connect'
  | 'dependency'
  | 'delete'
  | 'rename'
  | 'duplicate'
  | 'copy'
  | 'cut'
  | 'paste'
  | 'search'
  | 'log'
  | 'outputs'
  | 'run'
  | 'run-from'
  | 'stop'
  | 'fit'
  | 'arrange'
  | 'zoom-in'
  | 'zoom-out'
  | 'menu'
  | 'help'
  | 'escape';

/** One line of the table: an action, its keys, and the words for it. */
export interface KeyEntry {
  action: CanvasAction;
  keys: readonly string[];
  /** Whether it changes the pipeline: refused where that cannot be. */
  isEdit?: boolean;
}

const arrows = (prefix: string, action: 'walk' | 'extend' | 'nudge'): KeyEntry[] => [
  { action: `${action}-left`, keys: [`${prefix}ArrowLeft`] },
  { action: `${action}-right`, keys: [`${prefix}ArrowRight`] },
  { action: `${action}-up`, keys: [`${prefix}ArrowUp`] },
  { action: `${action}-down`, keys: [`${prefix}ArrowDown`] }
];

/** Every key of the canvas. */
export const KEYS: readonly KeyEntry[] = [
  ...arrows('', 'walk'),
  ...arrows('Shift+', 'extend'),
  ...arrows('Alt+', 'nudge'),
  { action: 'first', keys: ['Home'] },
  { action: 'last', keys: ['End'] },
  { action: 'toggle', keys: ['Space'] },
  { action: 'select-all', keys: ['Mod+A'] },
  { action: 'add', keys: ['A'], isEdit: true },
  { action: 'properties', keys: ['E', 'Enter'] },
  { action: 'connect', keys: ['C'], isEdit: true },
  { action: 'dependency', keys: ['D'] },
  { action: 'delete', keys: ['Delete', 'Backspace'], isEdit: true },
  { action: 'rename', keys: ['F2'], isEdit: true },
  { action: 'duplicate', keys: ['Mod+D'], isEdit: true },
  { action: 'copy', keys: ['Mod+C'] },
  { action: 'cut', keys: ['Mod+X'], isEdit: true },
  { action: 'paste', keys: ['Mod+V'], isEdit: true },
  { action: 'search', keys: ['/'] },
  { action: 'log', keys: ['L'] },
  { action: 'outputs', keys: ['O'] },
  { action: 'run', keys: ['R'] },
  { action: 'run-from', keys: ['Shift+R'] },
  { action: 'stop', keys: ['.'] },
  { action: 'fit', keys: ['0'] },
  { action: 'arrange', keys: ['Shift+L'] },
  { action: 'zoom-in', keys: ['+', '='] },
  { action: 'zoom-out', keys: ['-', '_', '−'] },
  { action: 'menu', keys: ['ContextMenu', 'Shift+F10'] },
  { action: 'help', keys: ['?'] },
  { action: 'escape', keys: ['Escape'] }
];

const BY_KEY: ReadonlyMap<string, KeyEntry> = new Map(
  KEYS.flatMap(entry => entry.keys.map(key => [key, entry] as const))
);

/** What of a keyboard event tells the key. */
export type KeyPress = Pick<KeyboardEvent, 'key' | 'code' | 'ctrlKey' | 'metaKey' | 'altKey' | 'shiftKey'>;

/** The name of a pressed key as the table has it. */
export function keyName(press: KeyPress, isMac: boolean): string {
  const isForeign =
    press.key === 'Process' || (press.key.length === 1 && press.key > '~' && press.key !== '−');
  const placed = /^Key([A-Z])$/.exec(press.code)?.[1];
  const key = press.key === ' ' ? 'Space' : isForeign && placed !== undefined ? placed : press.key;
  const isLetter = /^[a-z]$/i.test(key);
  const hasMod = isMac ? press.metaKey : press.ctrlKey;
  const hasOther = isMac ? press.ctrlKey : press.metaKey;
  const prefixes = [
    hasMod ? 'Mod+' : '',
    hasOther ? 'Other+' : '',
    press.altKey ? 'Alt+' : '',
    press.shiftKey && (isLetter || key.length > 1) ? 'Shift+' : ''
  ];
  return prefixes.join('') + (isLetter ? key.toUpperCase() : key);
}

/** What a pressed key means on the canvas; null: nothing, others may have it. */
export function actionOf(press: KeyPress, isMac: boolean): KeyEntry | null {
  return BY_KEY.get(keyName(press, isMac)) ?? null;
}

/** The list of keys for people: keys, and what they do, in the order of use. */
export function keysHelp(
  trans: TranslationBundle,
  isMac: boolean
): readonly { keys: string; words: string }[] {
  const words: readonly (readonly [string, string])[] = [
    ['← ↑ → ↓', trans.__('Walk: upstream, downstream, siblings')],
    ['Shift ← ↑ → ↓', trans.__('Walk and select')],
    ['Alt ← ↑ → ↓', trans.__('Move the selected tasks')],
    ['Home / End', trans.__('First, last task')],
    ['Space', trans.__('Select or unselect')],
    ['Mod A', trans.__('Select all')],
    ['A', trans.__('Add a task')],
    ['E / Enter', trans.__('Properties')],
    ['C', trans.__('Connect: choose the task that is to depend on this one')],
    ['D', trans.__('Select a dependency of this task (again: the next)')],
    ['Delete', trans.__('Delete what is selected')],
    ['F2', trans.__('Rename')],
    ['Mod D', trans.__('Duplicate')],
    ['Mod C / X / V', trans.__('Copy, cut, paste')],
    ['Mod Z / Shift Z', trans.__('Undo, redo')],
    ['/', trans.__('Search a task')],
    ['L', trans.__('Log')],
    ['O', trans.__('Outputs')],
    ['R', trans.__('Run')],
    ['Shift R', trans.__('Run from here')],
    ['.', trans.__('Stop')],
    ['0', trans.__('Fit')],
    ['+ / −', trans.__('Zoom')],
    ['Shift L', trans.__('Lay out anew')],
    ['Shift F10', trans.__('Menu')],
    ['Esc', trans.__('Leave what was begun; select nothing')],
    ['?', trans.__('This list')]
  ];
  return words.map(([keys, said]) => ({ keys: keys.replace('Mod', isMac ? '⌘' : 'Ctrl'), words: said }));
}

/** What walking must know of a task: what it needs, and where it stands. */
export type Standing = Position & { task: Pick<GraphTask, 'name' | 'dependencies'> };

/**
 * The task that an arrow leads to from `from`: against and along the flow, to the nearest of what it needs or what
 * needs it; across the flow, to the nearest beside it. In a drawing from top to bottom, up is upstream. Null: there is
 * none that way.
 */
export function walk(
  standing: ReadonlyMap<string, Standing>,
  from: string,
  way: Way,
  direction: Direction
): string | null {
  const here = standing.get(from);
  if (here === undefined) {
    return standing.keys().next().value ?? null;
  }
  const [back, forth] = direction === 'LR' ? ['left', 'right'] : ['up', 'down'];
  const side = (at: Position) => (direction === 'LR' ? at.y : at.x);
  const flow = (at: Position) => (direction === 'LR' ? at.x : at.y);
  const others = [...standing.values()].filter(one => one !== here);
  if (way === back || way === forth) {
    const needs = new Set(here.task.dependencies);
    const linked = others.filter(one =>
      way === back ? needs.has(one.task.name) : one.task.dependencies.includes(from)
    );
    return nearest(linked, one => Math.abs(side(one) - side(here)));
  }
  const sign = way === 'down' || way === 'right' ? 1 : -1;
  const beyond = others.filter(one => (side(one) - side(here)) * sign > 1);
  return nearest(beyond, one => Math.abs(side(one) - side(here)) + 3 * Math.abs(flow(one) - flow(here)));
}

function nearest(those: readonly Standing[], distance: (one: Standing) => number): string | null {
  let best: string | null = null;
  let least = Infinity;
  for (const one of those) {
    const far = distance(one);
    if (far < least) {
      least = far;
      best = one.task.name;
    }
  }
  return best;
}
