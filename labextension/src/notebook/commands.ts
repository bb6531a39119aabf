/** Commands on the cells of a notebook and on notebooks: for keys, the palette, the toolbar and the file browser. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { ICellModel } from '@jupyterlab/cells';
import type { FileBrowser } from '@jupyterlab/filebrowser';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import { isDebugNotebook } from './debugging';
import type { NotebookFace } from './face';
import { openIcon, runIcon } from './icons';
import { freeName, isTask, KINDS } from './marks';

/** Ids; `path` or `isBrowser` (what the file browser has selected) names another notebook than the current one. */
export namespace NotebookCommands {
  /** Make the selected cells one task and show the form. Args: `task?`, `kind?`. */
  export const mark = 'fasttrack-notebook:mark';
  /** Take the marks of the selected cells away. */
  export const unmark = 'fasttrack-notebook:unmark';
  /** Show the form of the active cell. */
  export const form = 'fasttrack-notebook:form';
  /** Go to the next cell of a task. */
  export const next = 'fasttrack-notebook:next';
  /** Go to the previous one. */
  export const previous = 'fasttrack-notebook:previous';
  /** Write the notebook's pipeline beside it and open it. Args: `path?`, `isBrowser?`. */
  export const open = 'fasttrack-notebook:open';
  /** Run the notebook as a pipeline job. Args: `path?`, `isBrowser?`. */
  export const run = 'fasttrack-notebook:run';
  /** Send what was mended in the current debug notebook to the one that its cells came from. */
  export const fix = 'fasttrack-notebook:fix';
}

/** What the commands act by. */
export interface CommandParts {
  app: JupyterFrontEnd;
  tracker: INotebookTracker;
  faceOf(notebook: Widget): NotebookFace | undefined;
  trans: TranslationBundle;
  browser: FileBrowser | null;
  /** Show the form, with the keyboard in it. */
  showForm(): Promise<void>;
  /** Write a notebook's pipeline beside it and open that. */
  openPipeline(face: NotebookFace): Promise<void>;
  /** Send a debug notebook's fix. */
  fix(panel: NotebookPanel): Promise<void>;
}

type Args = ReadonlyPartialJSONObject;

/** Add them all. */
export function addNotebookCommands(parts: CommandParts): void {
  addCellCommands(parts);
  const { app, trans, tracker } = parts;
  const { commands } = app;
  const has = (args: Args) =>
    typeof args.path === 'string' || !!args.isBrowser || tracker.currentWidget !== null;
  commands.addCommand(NotebookCommands.open, {
    label: trans.__('Open as pipeline'),
    caption: trans.__('Open as pipeline: in the editor, as a file beside this notebook'),
    icon: args => (args.isPalette ? undefined : openIcon),
    isEnabled: has,
    execute: async args => {
      const face = await faceFor(args, parts);
      return face && parts.openPipeline(face);
    }
  });
  commands.addCommand(NotebookCommands.run, {
    label: trans.__('Run as pipeline job'),
    caption: trans.__('Run as pipeline job: this notebook as it is now, a session for each task'),
    icon: args => (args.isPalette ? undefined : runIcon),
    isEnabled: has,
    execute: async args => (await faceFor(args, parts))?.runs.run()
  });
  commands.addCommand(NotebookCommands.fix, {
    label: trans.__('Send fix to the pipeline'),
    caption: trans.__('Send fix to the pipeline: show what changed in these cells, and change the original'),
    isVisible: () => isDebugNotebook(tracker.currentWidget),
    execute: () => tracker.currentWidget && parts.fix(tracker.currentWidget)
  });
  tracker.currentChanged.connect(() => commands.notifyCommandChanged(NotebookCommands.fix));
}

function addCellCommands(parts: CommandParts): void {
  const { app, trans } = parts;
  const { commands } = app;
  const isCode = () => selected(parts).length > 0;
  commands.addCommand(NotebookCommands.mark, {
    label: args => (args.isMenu ? trans.__('FastTrack task…') : trans.__('Make this cell a task…')),
    isEnabled: isCode,
    execute: args => markSelected(args, parts)
  });
  commands.addCommand(NotebookCommands.unmark, {
    label: trans.__('Unmark: this cell is no part of a pipeline'),
    isEnabled: () => selected(parts).some(each => current(parts)?.book.markOf(each)),
    execute: () => current(parts)?.book.clear(selected(parts))
  });
  commands.addCommand(NotebookCommands.form, {
    label: trans.__('Show what this cell is to the pipeline'),
    isEnabled: () => parts.tracker.activeCell !== null,
    execute: () => parts.showForm()
  });
  for (const [id, label, step] of [
    [NotebookCommands.next, trans.__('Go to the next task cell'), 1],
    [NotebookCommands.previous, trans.__('Go to the previous task cell'), -1]
  ] as const) {
    commands.addCommand(id, {
      label,
      isEnabled: () => (current(parts)?.book.tasks.length ?? 0) > 0,
      execute: () => walk(step, parts)
    });
  }
}

/** Put what a person may look for by name into the command palette. */
export function addToPalette(palette: ICommandPalette, trans: TranslationBundle): void {
  for (const command of Object.values(NotebookCommands)) {
    palette.addItem({ command, category: trans.__('FastTrack'), args: { isPalette: true } });
  }
}

function current({ tracker, faceOf }: CommandParts): NotebookFace | undefined {
  return tracker.currentWidget ? faceOf(tracker.currentWidget) : undefined;
}

/** The selected code cells. */
function selected({ tracker }: CommandParts): ICellModel[] {
  const content = tracker.currentWidget?.content;
  const chosen = content?.widgets.filter(each => content.isSelectedOrActive(each)) ?? [];
  return chosen.map(each => each.model).filter(each => each.type === 'code');
}

async function markSelected(args: Args, parts: CommandParts): Promise<void> {
  const face = current(parts);
  const cells = selected(parts);
  if (!face || cells.length === 0) {
    return;
  }
  const { book } = face;
  const kind = KINDS.find(each => each === args.kind) ?? 'task';
  const isAsked = args.task !== undefined || args.kind !== undefined;
  const fresh = cells.filter(each => isAsked || !isTask(book.markOf(each)));
  const name = typeof args.task === 'string' ? args.task : freeName(book.tasks);
  const task = kind === 'task' || kind === 'shell' ? name : '';
  book.write(fresh, cell => ({ kind, task, options: book.markOf(cell)?.options ?? {}, origin: 'form' }));
  await parts.showForm();
}

async function walk(step: 1 | -1, parts: CommandParts): Promise<void> {
  const face = current(parts);
  if (face) {
    const { book, panel } = face;
    const marked = book.cells
      .map((each, index) => (isTask(book.markOf(each)) ? index : -1))
      .filter(each => each >= 0);
    const at = panel.content.activeCellIndex;
    const found = step > 0 ? marked.find(each => each > at) : marked.filter(each => each < at).at(-1);
    await face.goTo(found ?? (step > 0 ? marked[0] : marked[marked.length - 1]));
  }
}

/** The face of the notebook that the arguments name; it is opened if need be. */
async function faceFor(args: Args, parts: CommandParts): Promise<NotebookFace | undefined> {
  const { app, tracker, faceOf, browser } = parts;
  const [item] = args.isBrowser ? [...(browser?.selectedItems() ?? [])] : [];
  const path = typeof args.path === 'string' ? args.path : item?.path;
  if (path !== undefined) {
    await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  }
  const notebook =
    path === undefined ? tracker.currentWidget : tracker.find(each => each.context.path === path);
  await notebook?.context.ready;
  return notebook ? faceOf(notebook) : undefined;
}
