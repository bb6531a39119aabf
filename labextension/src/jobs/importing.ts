/**
 * Bring a pipeline file in: FastTrack YAML of any generation, from the reader's own computer or from the workspace.
 * It is validated first; a file with errors is refused with all of them, and nothing is written.
 */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';

import type { Api } from '../api';
import type { Problem, ValidationView } from '../generated';
import { stemFor, stemOf, writeNew, type Files } from './files';
import { sentence } from '../words';

/** A text to import, and where it came from. */
interface Chosen {
  name: string;
  /** Null where it is no text. */
  text: string | null;
}

/** More is no pipeline that a person wrote. */
const MOST_BYTES = 10 * 1024 * 1024;

/** What an import needs. */
export interface ImportTools {
  api: Pick<Api, 'send'>;
  files: Files;
  trans: TranslationBundle;
}

/**
 * Import the file at `path` (or ask which) into `folder`; the new file's path, or null where nothing was imported.
 *
 * @throws Error whose words are for the reader, where none was chosen or it cannot be read
 */
export async function importPipeline(
  tools: ImportTools,
  folder: string,
  path?: string
): Promise<string | null> {
  const chosen = path === undefined ? await choose(tools) : await fromWorkspace(tools.files, path);
  if (chosen === null) {
    return null;
  }
  if (chosen.text === null) {
    await refuse(tools.trans, chosen.name, [tools.trans.__('It is no text in UTF-8: save it as UTF-8.')]);
    return null;
  }
  if (chosen.text.length > MOST_BYTES) {
    await refuse(tools.trans, chosen.name, [
      tools.trans.__('It is larger than 10 MiB; no pipeline is that large.')
    ]);
    return null;
  }
  const found = await tools.api.send<ValidationView>('POST', 'validate', { text: chosen.text });
  if (!found.valid) {
    const problems = found.problems.filter(problem => problem.severity === 'error');
    await refuse(
      tools.trans,
      chosen.name,
      (problems.length > 0 ? problems : found.problems).map(each => line(each, tools.trans))
    );
    return null;
  }
  return writeNew(tools.files, folder, stemFor(found.pipeline ?? stemOf(chosen.name)), chosen.text);
}

/** One problem in one line: where, what, what to do. */
export function line(problem: Problem, trans: TranslationBundle): string {
  const words = sentence(problem);
  return problem.line > 0 ? trans.__('Line %1: %2', problem.line, words) : words;
}

/** UTF-8 as text, without a mark at its beginning; null where it is none, so that no letter is lost unseen. */
export function textIn(bytes: ArrayBuffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

async function choose(tools: ImportTools): Promise<Chosen | null> {
  const { trans } = tools;
  const body = new ChooseFile(trans);
  const answer = await showDialog({
    title: trans.__('Import a pipeline'),
    body,
    buttons: [Dialog.cancelButton(), Dialog.okButton({ label: trans.__('Import') })]
  });
  const choice = answer.value;
  if (!answer.button.accept) {
    return null;
  }
  if (!choice) {
    throw new Error(trans.__('Nothing was imported: choose a file, or write a path.'));
  }
  if (choice instanceof File) {
    return {
      name: choice.name,
      text: choice.size > MOST_BYTES ? ' '.repeat(MOST_BYTES + 1) : textIn(await choice.arrayBuffer())
    };
  }
  return fromWorkspace(tools.files, choice);
}

async function fromWorkspace(files: Files, path: string): Promise<Chosen> {
  const model = await files.get(path, { type: 'file', format: 'text', content: true });
  return { name: path, text: String(model.content) };
}

async function refuse(trans: TranslationBundle, name: string, lines: readonly string[]): Promise<void> {
  const body = new Widget();
  const list = document.createElement('ul');
  list.className = 'jp-ft-problems';
  for (const each of lines) {
    list.appendChild(document.createElement('li')).textContent = each;
  }
  const note = document.createElement('p');
  note.textContent = trans.__('Nothing was changed.');
  body.node.append(list, note);
  await showDialog({
    title: trans._n('%2 is not imported: %1 problem', '%2 is not imported: %1 problems', lines.length, name),
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
}

/** Asks for a file of this computer, or a path in the workspace. */
class ChooseFile extends Widget implements Dialog.IBodyWidget<File | string | null> {
  constructor(trans: TranslationBundle) {
    super();
    this.addClass('jp-ft-import');
    const words = document.createElement('p');
    words.textContent = trans.__('FastTrack YAML of any generation (22.09, 25.15, 26.4).');
    this._file.type = 'file';
    this._file.accept = '.yaml,.yml';
    this._path.type = 'text';
    this._path.placeholder = 'pipelines/train.yaml';
    this.node.append(
      words,
      labelled(trans.__('A file on your computer'), this._file),
      labelled(trans.__('Or a path in the file browser'), this._path)
    );
  }

  /** What was chosen. */
  getValue(): File | string | null {
    return this._file.files?.[0] ?? (this._path.value.trim().replace(/^\/+/, '') || null);
  }

  private readonly _file = document.createElement('input');
  private readonly _path = document.createElement('input');
}

function labelled(text: string, input: HTMLInputElement): HTMLLabelElement {
  const label = document.createElement('label');
  label.textContent = text;
  label.appendChild(input);
  return label;
}
