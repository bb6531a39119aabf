/**
 * A failed task as a notebook, and what was mended in it back in the notebook that its cells came from. The server writes
 * the one and compares for the other; cells are changed here, in the open document, so that each change can be undone.
 */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Api } from '../api';
import { ApiError, word } from '../api';
import type { DebugFile, FixView, FixedCell } from '../generated';
import { CommandIDs } from '../tokens';

/** What it needs. */
export interface DebugParts {
  app: JupyterFrontEnd;
  api: Api;
  trans: TranslationBundle;
}

/** Add the command that opens a debug notebook of a task instance: `job` and `path` name it. */
export function addDebugCommand(parts: DebugParts): void {
  const { app, api, trans } = parts;
  app.commands.addCommand(CommandIDs.debugTask, {
    label: trans.__('Debug in a notebook'),
    caption: trans.__('A notebook whose kernel is a session like that of the task; the job is not touched'),
    isVisible: ({ job, path }) => typeof job === 'string' && typeof path === 'string',
    execute: ({ job, path }) =>
      told(async () => {
        const route = `jobs/${word(String(job))}/tasks/${word(String(path))}/debug`;
        const made = await api.send<DebugFile>('POST', route);
        await open(made.path, parts);
      })
  });
}

/** Whether a notebook is one for debugging a task. */
export function isDebugNotebook(panel: NotebookPanel | null): boolean {
  const ours: unknown = panel?.model?.getMetadata('fasttrack');
  return typeof ours === 'object' && ours !== null && 'debug' in ours;
}

/** Show what was mended, ask, and change the original's cells; it is left open and not saved. */
export async function sendFix(panel: NotebookPanel, parts: DebugParts): Promise<void> {
  const { api, trans } = parts;
  await told(async () => {
    const body = { path: panel.context.path, content: panel.model?.toJSON() };
    const fix = await api.send<FixView>('POST', 'notebooks/fix', body);
    if (fix.cells.length === 0) {
      Notification.info([trans.__('There is nothing to send.'), ...fix.conflicts].join('\n'), {
        autoClose: 10_000
      });
    } else if (await ask(fix, trans)) {
      await change(fix, parts);
    }
  });
}

async function ask(fix: FixView, trans: TranslationBundle): Promise<boolean> {
  const node = document.createElement('div');
  const diff = Object.assign(document.createElement('pre'), { textContent: fix.diff, tabIndex: 0 });
  diff.className = 'ft-Notebook-diff';
  diff.setAttribute('aria-label', trans.__('What changes'));
  node.append(diff);
  const said = fix.conflicts.map(each => trans.__('Not sent: %1', each));
  if (fix.own > 0) {
    said.push(trans._n('One new cell stays here.', '%1 new cells stay here.', fix.own));
  }
  node.append(...said.map(textContent => Object.assign(document.createElement('p'), { textContent })));
  const result = await showDialog({
    title: trans.__('Send this fix to %1?', PathExt.basename(fix.path)),
    body: new Widget({ node }),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Cancel') }),
      Dialog.okButton({ label: trans.__('Change the cells') })
    ]
  });
  return result.button.accept;
}

async function change(fix: FixView, parts: DebugParts): Promise<void> {
  const { trans } = parts;
  const original = await open(fix.path, parts);
  await original.context.ready;
  const missed = changeCells(original, fix.cells);
  original.content.activeCellIndex = fix.cells[0].index;
  const name = PathExt.basename(fix.path);
  if (missed > 0) {
    const words = trans.__('%1 has changes that are not saved: those cells stay as they are.', name);
    Notification.warning(words, { autoClose: 10_000 });
  } else {
    Notification.success(trans.__('%1 was changed; it is not saved yet.', name), { autoClose: 5000 });
  }
}

/** Change those cells that are what the server took them for; how many are not comes back. */
export function changeCells(panel: Pick<NotebookPanel, 'model'>, cells: readonly FixedCell[]): number {
  let missed = 0;
  for (const { index, before, after } of cells) {
    const cell = index < (panel.model?.cells.length ?? 0) ? panel.model?.cells.get(index) : undefined;
    if (cell && cell.sharedModel.getSource() === before) {
      cell.sharedModel.setSource(after);
    } else {
      missed += 1;
    }
  }
  return missed;
}

async function open(path: string, { app }: DebugParts): Promise<NotebookPanel> {
  const widget: unknown = await app.commands.execute('docmanager:open', { path, factory: 'Notebook' });
  return widget as NotebookPanel;
}

async function told(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    Notification.error([error.message, error.hint].filter(Boolean).join('. '), { autoClose: 10_000 });
  }
}
