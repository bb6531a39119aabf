/** The keys of the canvas, as one table: what the help lists. The canvas and the shortcuts of `schema/` obey it. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** One line of the help. */
export interface KeyHelp {
  keys: readonly string[];
  does: string;
}

/** All keys, in the order of the help; `Ctrl` is `⌘` on a Mac. */
export function keyTable(trans: TranslationBundle, isMac: boolean): KeyHelp[] {
  const ctrl = (key: string) => (isMac ? `⌘ ${key}` : `Ctrl ${key}`);
  const shift = (key: string) => (isMac ? `⇧ ${key}` : `Shift ${key}`);
  return [
    { keys: ['A'], does: trans.__('Add a task') },
    { keys: ['E', 'Enter'], does: trans.__('Properties of the task') },
    { keys: ['C'], does: trans.__('Connect: then choose the target by arrows or by typing, Enter') },
    { keys: ['F2'], does: trans.__('Rename') },
    { keys: ['Delete'], does: trans.__('Delete what is selected') },
    { keys: [ctrl('D')], does: trans.__('Duplicate') },
    { keys: [ctrl('C'), ctrl('X'), ctrl('V')], does: trans.__('Copy, cut and paste tasks, as YAML') },
    { keys: [ctrl('Z'), ctrl(shift('Z'))], does: trans.__('Undo, redo') },
    { keys: [ctrl('S')], does: trans.__('Save') },
    { keys: ['←', '→'], does: trans.__('To what the task depends on, to what needs it') },
    { keys: ['↑', '↓'], does: trans.__('To the task beside it') },
    { keys: ['/'], does: trans.__('Search a task') },
    { keys: ['L'], does: trans.__('Log of the task') },
    { keys: ['O'], does: trans.__('Outputs of the task') },
    { keys: ['R'], does: trans.__('Run the pipeline') },
    { keys: [shift('R')], does: trans.__('Run from this task on') },
    { keys: ['.'], does: trans.__('Stop') },
    { keys: ['Esc'], does: trans.__('Back to the canvas') },
    { keys: ['0'], does: trans.__('Show all') },
    { keys: ['+', '−'], does: trans.__('Zoom') },
    { keys: ['?'], does: trans.__('This list') }
  ];
}
