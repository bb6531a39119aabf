/** The canvas's context menu: of tasks, of a dependency, of a comment, of the background. */
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { Menu } from '@lumino/widgets';

import { CommandIDs } from '../tokens';
import type { Alignment, Gesture } from './canvas-types';
import { EditorCommands } from './commands';
import { makeMenu, openOnce } from './menu_make';

const ALIGNMENTS: readonly Alignment[] = [
  'left',
  'center',
  'right',
  'top',
  'middle',
  'bottom',
  'columns',
  'rows'
];

/** A task instance that failed. */
export interface Failed {
  job: string;
  path: string;
}

/** The gesture that asks for a menu. */
export type MenuGesture = Extract<Gesture, { kind: 'menu' }>;

/** Open the menu that `gesture` asks for; its items act on the editor with the widget id `id`, or on what `failed`. */
export function openMenu(
  gesture: MenuGesture,
  id: string,
  commands: CommandRegistry,
  trans: Words,
  failed: Failed | null
): void {
  const menu = makeMenu(commands);
  const add = (command: string, args: ReadonlyJSONObject = {}) =>
    menu.addItem({ command, args: { ...args, editor: id, isMenu: true } });
  const line = () => menu.addItem({ type: 'separator' });
  const nested = { commands, id, trans, menu };
  if (gesture.names.length > 0) {
    if (failed) {
      menu.addItem({ command: CommandIDs.debugTask, args: { ...failed } });
      line();
    }
    taskItems(add, line, nested, gesture.names.length);
  } else {
    backgroundItems(add, line);
  }
  openOnce(menu, gesture.x, gesture.y);
}

/** What is needed of a translation bundle here. */
type Words = { __(text: string): string };
type Add = (command: string, args?: ReadonlyJSONObject) => unknown;
type Nested = { commands: CommandRegistry; id: string; trans: Words; menu: Menu };

function taskItems(add: Add, line: () => unknown, nested: Nested, count: number): void {
  const { open, runFrom, runOnly, stopTasks, connect, rename, skip, pin } = EditorCommands;
  const { copy, cut, paste, duplicate, remove, copyCommand } = EditorCommands;
  ['properties', 'log', 'outputs', 'resources', 'attempts'].forEach(tab => add(open, { tab }));
  line();
  [runFrom, runOnly, stopTasks, skip].forEach(command => add(command));
  line();
  if (count === 1) {
    [connect, rename, copyCommand].forEach(command => add(command));
  } else {
    alignItems(nested);
  }
  add(pin);
  line();
  [cut, copy, paste, duplicate, remove].forEach(command => add(command));
}

function alignItems({ commands, id, trans, menu }: Nested): void {
  const submenu = makeMenu(commands);
  submenu.title.label = trans.__('Align');
  ALIGNMENTS.forEach(how => submenu.addItem({ command: EditorCommands.align, args: { how, editor: id } }));
  menu.addItem({ type: 'submenu', submenu });
}

function backgroundItems(add: Add, line: () => unknown): void {
  const { add: addTask, remark, paste, undo, redo, arrange, fit, search, help, run, plan } = EditorCommands;
  [addTask, remark, paste].forEach(command => add(command));
  line();
  [undo, redo].forEach(command => add(command));
  line();
  ['LR', 'TB'].forEach(direction => add(arrange, { direction }));
  [fit, search].forEach(command => add(command));
  line();
  [run, plan, help].forEach(command => add(command));
}
