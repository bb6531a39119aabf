/** "Open as pipeline": build, write beside the notebook, open in the pipeline editor; what differs is asked about. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';
import { PathExt } from '@jupyterlab/coreutils';
import type { IDocumentManager } from '@jupyterlab/docmanager';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import { CommandIDs } from '../tokens';
import type { NotebookFace } from './face';
import type { Files } from './opening';
import { differing, filesOf, pipelinePath, remove, unneeded, withRecord, write } from './opening';

/** How many files are named in the question. */
const NAMED = 8;

/** What it needs. */
export interface OpenParts {
  app: JupyterFrontEnd;
  documents: IDocumentManager | null;
  trans: TranslationBundle;
}

/** See the head of this file. What goes wrong is told above the notebook's cells. */
export async function openAsPipeline(face: NotebookFace, parts: OpenParts): Promise<void> {
  const { app } = parts;
  const { contents } = app.serviceManager;
  const built = face.runs.busy ? null : await face.runs.build();
  if (!built) {
    return;
  }
  const path = pipelinePath(face.path);
  const files = filesOf(face.path, built);
  try {
    if (built.is_elsewhere) {
      const { trans } = parts;
      throw new Error(
        trans.__('%1 is a link that leads out of the notebook’s folder: nothing was written.', built.folder)
      );
    }
    const changed = await differing(files, PathExt.dirname(face.path), contents);
    const answer = changed.length === 0 ? 'write' : await ask(path, changed, parts);
    if (answer === 'cancel') {
      return;
    }
    if (answer === 'write') {
      const old = await unneeded(face.path, built, contents);
      await write(withRecord(files, face.path, built), PathExt.dirname(face.path), contents);
      await remove(old, contents);
      await takeUp(files, parts);
    }
    await app.commands.execute(CommandIDs.openPipeline, { path });
  } catch (error) {
    face.runs.tell(error);
  }
}

async function ask(
  path: string,
  changed: readonly string[],
  { documents, trans }: OpenParts
): Promise<'write' | 'open' | 'cancel'> {
  const isUnsaved = changed.some(each => documents && contextOf(each, documents)?.model.dirty);
  const body = document.createElement('div');
  const first = document.createElement('p');
  first.textContent = trans.__(
    'These files beside the notebook differ from what it would become now: it was changed since, or they were.'
  );
  const list = document.createElement('ul');
  const more = changed.length - NAMED;
  for (const name of [
    ...changed.slice(0, NAMED),
    ...(more > 0 ? [trans._n('one more', '%1 more', more)] : [])
  ]) {
    list.append(Object.assign(document.createElement('li'), { textContent: name }));
  }
  body.append(first, list);
  if (isUnsaved) {
    const last = document.createElement('p');
    last.textContent = trans.__('One of them is open with changes that are not saved; they would be lost.');
    body.append(last);
  }
  const buttons = [
    Dialog.cancelButton({ label: trans.__('Cancel') }),
    Dialog.okButton({ label: trans.__('Open as it is') }),
    Dialog.warnButton({ label: trans.__('Overwrite') })
  ];
  const result = await showDialog({
    title: trans.__('%1 is there already', PathExt.basename(path)),
    body: new Widget({ node: body }),
    buttons,
    defaultButton: 1,
    focusNodeSelector: '.jp-Dialog-button.jp-mod-accept:not(.jp-mod-warn)'
  });
  return !result.button.accept ? 'cancel' : result.button.displayType === 'warn' ? 'write' : 'open';
}

/** Documents that are open show what was written. */
async function takeUp(files: Files, { documents }: OpenParts): Promise<void> {
  for (const path of files.keys()) {
    await (documents && contextOf(path, documents)?.revert());
  }
}

function contextOf(path: string, documents: IDocumentManager) {
  const open = documents.findWidget(path, null);
  return open ? documents.contextForWidget(open) : undefined;
}
