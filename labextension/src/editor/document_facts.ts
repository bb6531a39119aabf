/** What is read of one task, with places that count from its part's beginning; kept as long as its text is. */
import { mentionsIn } from './document_expressions';
import { isObject, type TaskPart } from './document_source';
import type { Entry, Mapping, Syntax } from './document_tree';
import type { Json } from './edits';
import type { Rules } from './graph';

type Path = readonly (string | number)[];

/** A task that is named somewhere in another. */
export interface Named {
  name: string;
  /** Whether it stands in `dependencies`; else in `inputs` or an expression. */
  isExplicit: boolean;
  from: number;
  to: number;
  path: Path;
}

/** A key that comes twice. */
export interface Twice {
  key: string;
  from: number;
  to: number;
  path: Path;
}

/** See the head of this file. */
export interface Facts {
  isMapping: boolean;
  name: string | null;
  /** Where the name stands, or the task's beginning. */
  nameFrom: number;
  nameTo: number;
  type: string;
  image: string;
  resources: string[];
  needs: Named[];
  skip: boolean;
  rules: Rules | undefined;
  description: string;
  from: number;
  to: number;
  twice: Twice[];
}

/** The facts of `task`; made once for each part. */
export function factsOf(task: TaskPart): Facts {
  const key = `facts ${task.from}`;
  const known = task.part.memo.get(key) as Facts | undefined;
  if (known) {
    return known;
  }
  const facts = makeFacts(task);
  task.part.memo.set(key, facts);
  return facts;
}

function makeFacts({ value, data, from }: TaskPart): Facts {
  const node = resolved(value);
  const name = entryOf(node, 'name')?.value;
  const text = isObject(data) ? textOf(data.name) : null;
  const inside = isObject(data) ? insideOf(data) : [];
  return {
    isMapping: node?.kind === 'map',
    name: text,
    nameFrom: name?.from ?? from,
    nameTo: name?.to ?? from + 1,
    type: typeOf(data),
    image:
      isObject(data) && isObject(data.environment) ? shortImage(textOf(data.environment.image) ?? '') : '',
    resources: isObject(data) ? [...inside, ...chipsOf(data.resources)] : [],
    needs: node?.kind === 'map' ? needsOf(node, isNotebook(data)) : [],
    skip: isObject(data) && data.skip === true,
    rules: isObject(data) ? rulesOf(data) : undefined,
    description: (isObject(data) && textOf(data.description)) || '',
    from,
    to: value?.to ?? from + 1,
    twice: twiceIn(value, [])
  };
}

/** `node`, or what it refers to. */
export function resolved(node: Syntax | null | undefined): Syntax | null {
  return node?.kind === 'alias' ? resolved(node.target) : (node ?? null);
}

/** The entry `key` of a mapping. */
export function entryOf(node: Syntax | null | undefined, key: string): Entry | undefined {
  const target = resolved(node);
  return target?.kind === 'map' ? target.entries.find(entry => entry.key === key) : undefined;
}

function textOf(data: Json | undefined): string | null {
  return typeof data === 'string'
    ? data
    : typeof data === 'number' || typeof data === 'boolean'
      ? String(data)
      : null;
}

function rulesOf(data: { readonly [key: string]: Json }): Rules | undefined {
  const when = (textOf(data.when) ?? '').trim().replace(/^\$\{\{\s*|\s*\}\}$/g, '');
  const rule = textOf(data.run_if) ?? '';
  const isFinal = data.final === true;
  const runIf = rule === (isFinal ? 'all_done' : 'all_success') ? '' : rule;
  return when || runIf || isFinal ? { when, runIf, isFinal } : undefined;
}

function typeOf(data: Json): string {
  if (!isObject(data)) {
    return 'shell';
  }
  if (data.for_each !== undefined) {
    return 'loop';
  }
  if (Array.isArray(data.tasks)) {
    return 'pipeline';
  }
  const type = (textOf(data.type) ?? '').toLowerCase();
  const command = textOf(data.command) ?? '';
  if (type === 'deployment' || type === 'serving') {
    return 'serving';
  }
  if (type.includes('git')) {
    return 'git';
  }
  if (type === 'notebook' || /\.ipynb\b/.test(command)) {
    return 'notebook';
  }
  if (
    /(?:^|\s|\/)(?:python[\d.]*|Rscript|bash|sh|node)\s+(?:-\S+\s+)*[^\s-]\S*\.(?:py|R|sh|js)\b/.test(command)
  ) {
    return 'script';
  }
  return !command && isObject(data.environment) && data.environment.image ? 'container' : 'shell';
}

/** `cr.backend.ai/cloud/ngc-pytorch:24.09-pytorch2.5-cuda12.6` as `ngc-pytorch:24.09`. */
function shortImage(image: string): string {
  if (image.startsWith('uv:')) {
    return image.replace(/\s.*$/, ' …');
  }
  const [name, tag] = (image.split('/').pop() ?? '').split(':');
  return tag ? `${name}:${tag.split('-')[0]}` : name;
}

/** What is inside of a loop or a group, as chips: `3 ×`, `{train, test}`; a list that others give is `n ×`. */
function insideOf(data: { readonly [key: string]: Json }): string[] {
  const loop = data.for_each;
  const items = loop !== undefined && isObject(loop) ? loop.item : loop;
  const times = loop === undefined ? [] : [Array.isArray(items) ? `${items.length} ×` : 'n ×'];
  const names = (Array.isArray(data.tasks) ? (data.tasks as readonly Json[]) : []).flatMap(task =>
    isObject(task) ? (textOf(task.name) ?? []) : []
  );
  return names.length ? [...times, `{${names.join(', ')}}`] : times;
}

function chipsOf(resources: Json | undefined): string[] {
  if (!isObject(resources)) {
    return [];
  }
  return Object.entries(resources).flatMap(([slot, amount]) => {
    const text = textOf(amount);
    if (text === null) {
      return [];
    }
    const isGpu = slot === 'cuda.device' || slot === 'cuda.shares';
    return [slot === 'mem' || slot === 'memory' ? text : `${text} ${isGpu ? 'gpu' : slot}`];
  });
}

/** Whether a task runs a whole notebook, and so none of its own commands. */
export function isNotebook(data: Json | undefined): boolean {
  return data !== undefined && isObject(data) && (textOf(data.type) ?? '').toLowerCase() === 'notebook';
}

/**
 * Explicit dependencies, then inputs, then expressions in the condition, in the command (or the notebook's parameters) and
 * in variables: the server's order. Of a loop and a group also what its items, its parameters and its tasks mention.
 */
function needsOf(task: Mapping, runsNotebook: boolean): Named[] {
  const found: Named[] = [];
  const list = resolved(entryOf(task, 'dependencies')?.value);
  (list?.kind === 'seq' ? list.items : []).forEach((item, place) => {
    const value = resolved(item.value);
    const name = value?.kind === 'scalar' ? textOf(value.value) : null;
    if (name !== null && item.value) {
      const { from, to } = item.value;
      found.push({ name, isExplicit: true, from, to, path: ['dependencies', place] });
    }
  });
  found.push(...inputsOf(entryOf(task, 'inputs')?.value));
  found.push(...mentionedWithin(entryOf(task, 'when')?.value, ['when']));
  found.push(...mentionedWithin(entryOf(task, 'for_each')?.value, ['for_each']));
  const isGroup = entryOf(task, 'tasks') !== undefined;
  const key = runsNotebook || isGroup ? 'parameters' : 'command';
  found.push(...mentionedWithin(entryOf(task, key)?.value, [key]));
  for (const [key, node, text] of textsOf(entryOf(entryOf(task, 'environment')?.value, 'envs')?.value)) {
    found.push(...mentioned(node, text, ['environment', 'envs', key]));
  }
  return [...found, ...neededInside(task)];
}

/** What the tasks of a group need of those outside of it: the group waits for them. A task inside hides one outside. */
function neededInside(group: Mapping): Named[] {
  const list = resolved(entryOf(group, 'tasks')?.value);
  const tasks = (list?.kind === 'seq' ? list.items : []).map(item => resolved(item.value));
  const own = new Set(
    tasks.map(task => {
      const name = resolved(entryOf(task, 'name')?.value);
      return name?.kind === 'scalar' ? textOf(name.value) : null;
    })
  );
  return tasks.flatMap((task, place): Named[] => {
    if (task?.kind !== 'map') {
      return [];
    }
    const type = resolved(entryOf(task, 'type')?.value);
    const runsNotebook = type?.kind === 'scalar' && isNotebook({ type: type.value });
    return needsOf(task, runsNotebook)
      .filter(need => !own.has(need.name))
      .map(need => ({ ...need, isExplicit: false, path: ['tasks', place, ...need.path] }));
  });
}

/** Of each input the tasks that it may come from: `a.x`, `a.x | b.x`, or one of these as `from:`. */
function inputsOf(node: Syntax | null | undefined): Named[] {
  const target = resolved(node);
  return (target?.kind === 'map' ? target.entries : []).flatMap(({ key, value }): Named[] => {
    const long = entryOf(value, 'from')?.value;
    const source = long ?? value;
    const own = resolved(source);
    if (!source || own?.kind !== 'scalar') {
      return [];
    }
    const path = long ? ['inputs', key, 'from'] : ['inputs', key];
    const { from, to } = source;
    return (textOf(own.value) ?? '')
      .split('|')
      .map(part => ({ name: part.trim().split('.')[0], isExplicit: false, from, to, path }));
  });
}

function textsOf(node: Syntax | null | undefined): [string, Syntax, string][] {
  const target = resolved(node);
  return (target?.kind === 'map' ? target.entries : []).flatMap(
    ({ key, value }): [string, Syntax, string][] => {
      const own = resolved(value);
      return value && own?.kind === 'scalar' ? [[key, value, textOf(own.value) ?? '']] : [];
    }
  );
}

/** What any text within `node`, however deep, mentions. */
function mentionedWithin(node: Syntax | null | undefined, path: Path): Named[] {
  const own = resolved(node);
  if (own?.kind === 'map') {
    return own.entries.flatMap(({ key, value }) => mentionedWithin(value, [...path, key]));
  }
  if (own?.kind === 'seq') {
    return own.items.flatMap(({ value }, place) => mentionedWithin(value, [...path, place]));
  }
  return own?.kind === 'scalar' ? mentioned(own, String(own.value), path) : [];
}

function mentioned(node: Syntax, text: string, path: Path): Named[] {
  return text.includes('${{')
    ? mentionsIn(text).map(({ task }) => ({
        name: task,
        isExplicit: false,
        from: node.from,
        to: node.to,
        path
      }))
    : [];
}

/** Keys that come twice anywhere in `node`; `path` leads to it. */
export function twiceIn(node: Syntax | null, path: Path): Twice[] {
  if (node?.kind === 'seq') {
    return node.items.flatMap((item, place) => twiceIn(item.value, [...path, place]));
  }
  if (node?.kind !== 'map') {
    return [];
  }
  const seen = new Set<string>();
  return node.entries.flatMap(({ key, keyNode, from, value }) => {
    const isTwice = seen.has(key);
    seen.add(key);
    const own = isTwice ? [{ key, from, to: keyNode?.to ?? from, path: [...path, key] }] : [];
    return value?.kind === 'map' || value?.kind === 'seq' ? [...own, ...twiceIn(value, [...path, key])] : own;
  });
}
