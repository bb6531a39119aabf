/** Pipeline files in the workspace: made from a template, or brought in. Nothing that is there is ever overwritten. */
import type { Contents } from '@jupyterlab/services';
import { PathExt } from '@jupyterlab/coreutils';

/** How pipeline files end. */
export const SUFFIX = '.fasttrack.yaml';

/** What is needed of JupyterLab's contents. */
export type Files = Pick<Contents.IManager, 'get' | 'newUntitled' | 'save'>;

/** An untitled pipeline in `folder`; `text` gets the file's stem. Returns its path. */
export async function newFile(files: Files, folder: string, text: (stem: string) => string): Promise<string> {
  const made = await files.newUntitled({ path: folder, type: 'file', ext: SUFFIX });
  await files.save(made.path, textModel(text(stemOf(made.path))));
  return made.path;
}

/** Write `text` to `folder` as `stem`, or with a number where that is taken. Returns the path. */
export async function writeNew(files: Files, folder: string, stem: string, text: string): Promise<string> {
  const taken = await namesIn(files, folder);
  let name = stem + SUFFIX;
  for (let number = 2; taken.has(name); number++) {
    name = `${stem}-${number}${SUFFIX}`;
  }
  const path = folder === '' || folder.endsWith(':') ? folder + name : PathExt.join(folder, name);
  await files.save(path, textModel(text));
  return path;
}

/** A file's name without folder and endings. */
export function stemOf(path: string): string {
  return PathExt.basename(path).replace(/(\.fasttrack)?\.ya?ml$/i, '');
}

/** A pipeline's name, or a file's, as the stem of a file name on any system. */
export function stemFor(name: string): string {
  const stem = Array.from(name.trim(), letter => (/[\p{L}\p{N}_.-]/u.test(letter) ? letter : '-')).join('');
  return stem.replace(/^[.-]+|[.-]+$/g, '') || 'pipeline';
}

/** Names of what is in a folder. */
async function namesIn(files: Files, folder: string): Promise<ReadonlySet<string>> {
  const model = await files.get(folder, { type: 'directory', content: true });
  return new Set((model.content as Contents.IModel[]).map(each => each.name));
}

function textModel(content: string): Partial<Contents.IModel> {
  return { type: 'file', format: 'text', content };
}
