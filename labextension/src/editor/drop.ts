/**
 * A file from the file browser becomes a task: what it runs by the kind of file, a name by the file's own.
 *
 * The pipeline file's folder is the pipeline's source, and the only place whose files a job carries along; so
 * a file elsewhere is refused with words instead of a command that would not find it.
 */
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Json } from './edits';

/** The mime type under which JupyterLab's file browser drags the paths of files. */
export const CONTENTS_MIME = 'application/x-jupyter-icontents';

/** What comes of the files that were dropped: tasks to add, and why others were not. */
export interface DropOutcome {
  tasks: Json[];
  refused: string[];
}

type Made = Readonly<Record<string, string>>;

const RUNS: Readonly<Record<string, (file: string) => Made>> = {
  '.py': file => ({ command: `python ${shellWord(file)}` }),
  '.sh': file => ({ command: `sh ${shellWord(file)}` }),
  '.R': file => ({ command: `Rscript ${shellWord(file)}` }),
  '.r': file => ({ command: `Rscript ${shellWord(file)}` }),
  '.ipynb': file => ({ type: 'notebook', notebook: file })
};

/** Whether a file of this name can become a task. */
export function canBecomeTask(path: string): boolean {
  return PathExt.extname(path) in RUNS;
}

/**
 * Tasks for the dropped files, in their order.
 *
 * @param paths contents paths of the files
 * @param pipeline contents path of the pipeline file
 * @param taken names of tasks that there are
 */
export function tasksFor(
  paths: readonly string[],
  pipeline: string,
  taken: ReadonlySet<string>,
  trans: TranslationBundle
): DropOutcome {
  const outcome: DropOutcome = { tasks: [], refused: [] };
  const names = new Set(taken);
  for (const path of paths) {
    const reason = whyNot(path, pipeline, trans);
    if (reason) {
      outcome.refused.push(reason);
      continue;
    }
    const name = freeName(nameFor(path), names);
    names.add(name);
    const file = PathExt.relative(PathExt.dirname(pipeline), path);
    outcome.tasks.push({ name, ...RUNS[PathExt.extname(path)](file) });
  }
  return outcome;
}

/** A task's name made of a file's: letters of any script, digits, space, `_` and `-`; 64 at most. */
export function nameFor(path: string): string {
  const stem = PathExt.basename(path, PathExt.extname(path));
  const name = stem
    .replace(/[^\p{L}\p{N}\p{M} _-]+/gu, '-')
    .replace(/^[- ]+|[- ]+$/g, '')
    .slice(0, 64);
  return name || 'task';
}

/** `name`, or with the first number that makes it one nobody has. */
export function freeName(name: string, taken: ReadonlySet<string>): string {
  if (!taken.has(name)) {
    return name;
  }
  for (let number = 2; ; number++) {
    const candidate = `${name.slice(0, 60)}-${number}`;
    if (!taken.has(candidate)) {
      return candidate;
    }
  }
}

/** `text` as one word of a POSIX shell, which no program takes for an option. */
export function shellWord(text: string): string {
  const plain = text.startsWith('-') ? `./${text}` : text;
  return /^[\p{L}\p{N}_./-]+$/u.test(plain) ? plain : `'${plain.replace(/'/g, `'\\''`)}'`;
}

function whyNot(path: string, pipeline: string, trans: TranslationBundle): string | null {
  if (!canBecomeTask(path)) {
    return trans.__(
      '“%1” cannot become a task: drop a Python, shell or R script or a notebook (.py, .sh, .R, .ipynb).',
      PathExt.basename(path)
    );
  }
  const relative = PathExt.relative(PathExt.dirname(pipeline), path);
  if (driveOf(path) !== driveOf(pipeline) || relative.startsWith('..')) {
    return trans.__(
      '“%1” lies outside the pipeline’s folder, and a job carries only what is inside: move or copy it beside the pipeline.',
      path
    );
  }
  return relative.includes('${{')
    ? trans.__('“%1” would be read as an expression: rename the file.', relative)
    : null;
}

function driveOf(path: string): string {
  const colon = path.indexOf(':');
  return colon < 0 ? '' : path.slice(0, colon);
}
