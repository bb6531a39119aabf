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
  for (let number = 1; ; number++) {
    const name = `${stem}${number === 1 ? '' : `-${number}`}${SUFFIX}`;
    const path = folder === '' ? name : folder.endsWith(':') ? folder + name : PathExt.join(folder, name);
    if (!(await isThere(files, path))) {
      await files.save(path, textModel(text));
      return path;
    }
  }
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

async function isThere(files: Files, path: string): Promise<boolean> {
  try {
    await files.get(path, { content: false });
    return true;
  } catch (error) {
    if ((error as { response?: Response }).response?.status === 404) {
      return false;
    }
    throw error;
  }
}

function textModel(content: string): Partial<Contents.IModel> {
  return { type: 'file', format: 'text', content };
}
