/** FastTrack's three file formats, told from their keys as the server does it (`model/generations.py`), and their spellings. */
import { isObject } from './document_source';
import type { Json } from './edits';

/** A file format, by the release that is its example. */
export type Generation = '22.09' | '25.15' | '26.4';

const OLDEST = ['Custom Task', 'Import from GitHub', 'Import from GitLab'];

/** The format that `data`, a pipeline, is written in; a file without any mark is of the newest. */
export function generationOf(data: Json): Generation {
  if (!isObject(data)) {
    return '26.4';
  }
  const year = parseFloat(String(data.version ?? '').replace(/^v+/, ''));
  if (!isNaN(year)) {
    return year >= 26 ? '26.4' : year >= 24 ? '25.15' : '22.09';
  }
  return byMarks(data);
}

function byMarks(data: { readonly [key: string]: Json }): Generation {
  const ownership = isObject(data.ownership) ? data.ownership : {};
  const environment = isObject(data.environment) ? data.environment : {};
  const types = typesOf(data);
  const isOld = OLDEST.some(type => types.has(type) && !(type === 'Custom Task' && 'scope' in ownership));
  if ('group_name' in ownership || isOld) {
    return '22.09';
  }
  if ('params' in data || 'domain' in ownership || types.has('deployment')) {
    return '26.4';
  }
  if (types.has('default') || types.has('Custom Task') || 'scope' in ownership) {
    return '25.15';
  }
  const hasDefaults = ['resources', 'resource_opts', 'mounts'].some(key => key in data);
  return hasDefaults || 'image' in environment || 'scaling-group' in environment ? '22.09' : '26.4';
}

function typesOf(data: { readonly [key: string]: Json }): Set<string> {
  const tasks = Array.isArray(data.tasks) ? (data.tasks as readonly Json[]) : [];
  return new Set(tasks.flatMap(task => (isObject(task) && typeof task.type === 'string' ? [task.type] : [])));
}

const KINDS: Readonly<Record<string, string>> = {
  'custom task': 'custom',
  default: 'custom',
  serving: 'deployment',
  'import from github': 'github',
  'import from gitlab': 'gitlab'
};

const SPELLINGS: Readonly<Record<Generation, Readonly<Record<string, string>>>> = {
  '22.09': {
    custom: 'Custom Task',
    github: 'Import from GitHub',
    gitlab: 'Import from GitLab',
    deployment: 'serving'
  },
  '25.15': { custom: 'default', deployment: 'serving' },
  '26.4': {}
};

/** `task` in the spelling of the file `data`: its type's name as other tasks of that file write it. */
export function spelled(task: Json, data: Json): Json {
  if (!isObject(task) || typeof task.type !== 'string') {
    return task;
  }
  const kind = kindOf(task.type);
  const used = isObject(data) ? [...typesOf(data)].find(type => kindOf(type) === kind) : undefined;
  const isMarked = isObject(data) && ('version' in data || typesOf(data).size > 0 || 'ownership' in data);
  const type = used ?? (isMarked ? SPELLINGS[generationOf(data)][kind] : undefined) ?? kind;
  return { ...task, type };
}

function kindOf(type: string): string {
  return KINDS[type.toLowerCase()] ?? type.toLowerCase();
}

/** `path` in the spelling of `task`: 22.09 wrote `memory` for `mem`. */
export function spelledPath(path: readonly (string | number)[], task: Json): readonly (string | number)[] {
  const slots = isObject(task) && isObject(task.resources) ? task.resources : {};
  const isOld = path[0] === 'resources' && path[1] === 'mem' && 'memory' in slots && !('mem' in slots);
  return isOld ? ['resources', 'memory', ...path.slice(2)] : path;
}
