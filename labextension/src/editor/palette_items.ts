/**
 * What the palette offers: kinds of tasks, and templates. A template is a pipeline file like any other, in a folder
 * that the user named (one that is a Git clone is shared by Git's own means): its tasks are what is added.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Api } from '../api';
import { applyEdit, type Edit, type Json } from './edits';
import { applyChanges } from './edits_changes';
import type { PipelineModel } from './model';

/** One thing to drag onto the canvas. */
export interface PaletteItem {
  id: string;
  label: string;
  /** One line that says what it is for. */
  description: string;
  /** One character or two that tell the kinds apart. */
  face: string;
  /** A task as it is to stand in the file, or the contents path of a template. */
  adds: { task: Json } | { template: string };
}

/** The kinds of tasks that every backend runs. */
export function taskKinds(trans: TranslationBundle): PaletteItem[] {
  const kind = (id: string, face: string, label: string, description: string, task: Json): PaletteItem => ({
    id,
    face,
    label,
    description,
    adds: { task }
  });
  return [
    kind('shell', '$_', trans.__('Shell command'), trans.__('Any command line'), {
      name: 'task',
      command: 'echo "hello" > /pipeline/outputs/hello.txt\n'
    }),
    kind('script', 'py', trans.__('Python script'), trans.__('A script beside the pipeline file'), {
      name: 'script',
      command: 'python script.py'
    }),
    kind('notebook', 'nb', trans.__('Notebook'), trans.__('A whole notebook beside the pipeline file'), {
      name: 'report',
      type: 'notebook',
      notebook: 'report.ipynb'
    }),
    kind('image', '▣', trans.__('Container image'), trans.__('A command in an image of its own'), {
      name: 'container',
      environment: { image: 'python:3.12-slim' },
      command: 'python --version'
    }),
    kind('environment', 'uv', trans.__('Python environment'), trans.__('Packages of its own, built once'), {
      name: 'python',
      environment: { image: 'uv:numpy pandas' },
      command: 'python -c "import numpy; print(numpy.__version__)"'
    }),
    kind('git', '⎇', trans.__('Git repository'), trans.__('A command on the code of a repository'), {
      name: 'repository',
      type: 'git',
      module_uri: 'https://example.org/team/project.git@main',
      command: 'python main.py'
    }),
    kind('approval', '?', trans.__('Approval'), trans.__('Asks a person, and waits for the answer'), {
      name: 'approve',
      type: 'approval',
      approval: { question: 'Go on?' }
    })
  ];
}

/** A pipeline file of the workspace, as the server lists it. */
export interface WorkspaceFile {
  path: string;
  name: string | null;
  tasks: number | null;
  problem: string | null;
}

/** The templates among the workspace's pipeline files: those below one of `folders`. */
export function templatesAmong(
  files: readonly WorkspaceFile[],
  folders: readonly string[],
  trans: TranslationBundle
): PaletteItem[] {
  const within = (path: string): boolean =>
    folders.some(folder => path.startsWith(`${folder.replace(/\/+$/, '')}/`));
  return files
    .filter(file => file.name !== null && file.problem === null && within(file.path))
    .map(file => ({
      id: file.path,
      label: file.name ?? file.path,
      description: `${trans._n('%1 task', '%1 tasks', file.tasks ?? 0)} · ${file.path}`,
      face: '❏',
      adds: { template: file.path }
    }));
}

/** The items whose words contain every word of `query`. */
export function matching(items: readonly PaletteItem[], query: string): PaletteItem[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return items.filter(item => {
    const text = `${item.label} ${item.description}`.toLowerCase();
    return words.every(word => text.includes(word));
  });
}

/** The pipeline files of the workspace; none while the server is away. */
export async function workspaceFiles(api: Api): Promise<readonly WorkspaceFile[]> {
  try {
    return (await api.get<{ files: WorkspaceFile[] }>('files')).files;
  } catch {
    return [];
  }
}

/** A template's text. Fails with ApiError where it cannot be read. */
export async function templateText(api: Api, path: string): Promise<string> {
  return (await api.get<{ text: string }>(contentsRoute(path))).text;
}

/** The route of a pipeline file. */
export function contentsRoute(path: string): string {
  return `files/${path.split('/').map(encodeURIComponent).join('/')}`;
}

/**
 * The pipeline with the tasks `names` alone, as a pipeline called `name`: params and defaults stay, dependencies on
 * other tasks go. Fails with EditRefused where the text cannot be read.
 */
export function keptText(
  model: Pick<PipelineModel, 'text' | 'graph'>,
  names: readonly string[],
  name: string,
  trans: TranslationBundle
): string {
  const others = model.graph.tasks.map(task => task.name).filter(each => !names.includes(each));
  const remarks = model.graph.remarks.map(({ id }): Edit => ({ kind: 'set-remark', id, text: null }));
  const edits: Edit[] = [
    ...(others.length ? [{ kind: 'remove-tasks', names: others } as const] : []),
    ...remarks,
    { kind: 'set-pipeline', path: ['name'], value: name }
  ];
  return edits.reduce((text, edit) => applyChanges(text, applyEdit(text, edit, trans).changes), model.text);
}

/** A free path for a new template of this name. */
export function templatePath(folder: string, name: string, taken: ReadonlySet<string>): string {
  const stem = `${folder.replace(/\/+$/, '')}/${name.replace(/[^\p{L}\p{N} _-]+/gu, '-')}`;
  for (let number = 1; ; number++) {
    const path = `${stem}${number > 1 ? `-${number}` : ''}.fasttrack.yaml`;
    if (!taken.has(path)) {
      return path;
    }
  }
}
