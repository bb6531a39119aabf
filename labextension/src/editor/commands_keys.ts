/** The keys of the canvas, as one table: what the help lists. The canvas and the shortcuts of `schema/` obey it. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** One line of the help. */
export interface KeyHelp {
  keys: readonly string[];
  does: string;
}

const ARROWS: readonly string[] = ['←', '→', '↑', '↓'];

/** All keys, in the order of the help; `Ctrl` is `⌘` on a Mac. */
export function keyTable(trans: TranslationBundle, isMac: boolean): KeyHelp[] {
  const ctrl = (key: string) => (isMac ? `⌘ ${key}` : `Ctrl ${key}`);
  const shift = (key: string) => (isMac ? `⇧ ${key}` : `Shift ${key}`);
  const alt = (key: string) => (isMac ? `⌥ ${key}` : `Alt ${key}`);
  return [
    { keys: ['A'], does: trans.__('Add a task') },
    { keys: ['E', 'Enter'], does: trans.__('Properties of the task') },
    { keys: ['C'], does: trans.__('Connect: then choose the target by arrows or by typing, Enter') },
    { keys: ['D'], does: trans.__('To the next of its dependencies; Delete removes that') },
    { keys: ['F2'], does: trans.__('Rename') },
    { keys: ['Delete'], does: trans.__('Delete what is selected') },
    { keys: [ctrl('D')], does: trans.__('Duplicate') },
    { keys: [ctrl('C'), ctrl('X'), ctrl('V')], does: trans.__('Copy, cut and paste tasks, as YAML') },
    { keys: [ctrl('Z'), ctrl(shift('Z'))], does: trans.__('Undo, redo') },
    { keys: [ctrl('S')], does: trans.__('Save') },
    { keys: ['←', '→'], does: trans.__('To what the task depends on, to what needs it') },
    { keys: ['↑', '↓'], does: trans.__('To the task beside it') },
    { keys: ['Home', 'End'], does: trans.__('To the first task, to the last') },
    { keys: ARROWS.map(shift), does: trans.__('Select the next one as well') },
    { keys: ['Space'], does: trans.__('Select the task or not') },
    { keys: [ctrl('A')], does: trans.__('Select all') },
    { keys: ARROWS.map(alt), does: trans.__('Move what is selected') },
    { keys: [shift('F10')], does: trans.__('All that can be done with it, as a menu') },
    { keys: ['/'], does: trans.__('Search a task') },
    { keys: ['L'], does: trans.__('Log of the task') },
    { keys: ['O'], does: trans.__('Outputs of the task') },
    { keys: ['R'], does: trans.__('Run the pipeline') },
    { keys: [shift('R')], does: trans.__('Run from this task on') },
    { keys: ['.'], does: trans.__('Stop') },
    { keys: ['Esc'], does: trans.__('Out of the details, back to the canvas') },
    { keys: [shift('L')], does: trans.__('Lay out') },
    { keys: ['0'], does: trans.__('Show all') },
    { keys: ['+', '−'], does: trans.__('Zoom') },
    { keys: ['?'], does: trans.__('This list') }
  ];
}
