/** Data with something changed in it: new values that share with the old ones whatever is the same. */
import { isNotebook } from './document_facts';
import { renameMentions } from './document_expressions';
import { isObject } from './document_source';
import type { Json } from './edits';

type Path = readonly (string | number)[];

/**
 * `data` with `value` at `path`; undefined removes what is there, and the parents that are empty then.
 * Parents that are missing are made; undefined where `path` leads through what is no parent.
 */
export function withValue(data: Json | undefined, path: Path, value: Json | undefined): Json | undefined {
  if (!path.length) {
    return value;
  }
  const [key, ...rest] = path;
  if (typeof key === 'number' && (Array.isArray(data) || data === undefined || data === null)) {
    return withItem((data ?? []) as readonly Json[], key, rest, value);
  }
  const known = isObject(data) ? data : {};
  const inner = withValue(Object.hasOwn(known, key) ? known[key] : undefined, rest, value);
  if (inner !== undefined) {
    return { ...known, [key]: inner };
  }
  const left = without(known, String(key));
  return Object.keys(left).length ? left : undefined;
}

function withItem(
  list: readonly Json[],
  place: number,
  rest: Path,
  value: Json | undefined
): Json | undefined {
  const inner = withValue(list[place], rest, value);
  const next =
    inner === undefined
      ? list.filter((_, number) => number !== place)
      : [...list.slice(0, place), inner, ...list.slice(place + 1)];
  return next.length ? next : undefined;
}

/** `data` without `key`. */
export function without(
  data: { readonly [key: string]: Json },
  key: string
): { readonly [key: string]: Json } {
  return Object.fromEntries(Object.entries(data).filter(([name]) => name !== key));
}

/** `task` with other tasks called by new names: in dependencies, inputs and expressions; its own name too. */
export function renamed(task: Json, names: ReadonlyMap<string, string>): Json {
  if (!isObject(task)) {
    return task;
  }
  const next: Record<string, Json> = { ...task };
  if (typeof task.name === 'string' || typeof task.name === 'number') {
    next.name = names.get(String(task.name)) ?? task.name;
  }
  if (Array.isArray(task.dependencies)) {
    next.dependencies = (task.dependencies as readonly Json[]).map(one => names.get(String(one)) ?? one);
  }
  if (isObject(task.inputs)) {
    next.inputs = renamedInputs(task.inputs, names);
  }
  if (typeof task.when === 'string') {
    next.when = renameMentions(task.when, names);
  }
  if (typeof task.command === 'string') {
    next.command = renameMentions(task.command, names);
  }
  const isGroup = Array.isArray(task.tasks);
  if ((isNotebook(task) || isGroup) && isObject(task.parameters)) {
    next.parameters = deeply(task.parameters, text => renameMentions(text, names));
  }
  if (isObject(task.environment) && isObject(task.environment.envs)) {
    const envs = mapped(task.environment.envs, text => renameMentions(text, names));
    next.environment = { ...task.environment, envs };
  }
  if (task.for_each !== undefined) {
    next.for_each = deeply(task.for_each, text => renameMentions(text, names));
  }
  if (isGroup) {
    next.tasks = renamedInside(task.tasks as readonly Json[], names);
  }
  return next;
}

/** The tasks of a group with those outside of it called by new names; one inside hides one outside. */
function renamedInside(tasks: readonly Json[], names: ReadonlyMap<string, string>): Json[] {
  const own = new Set(tasks.map(task => (isObject(task) ? String(task.name) : '')));
  const outer = new Map([...names].filter(([name]) => !own.has(name)));
  return tasks.map(task => renamed(task, outer));
}

function mapped(data: { readonly [key: string]: Json }, change: (text: string) => string): Json {
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, typeof value === 'string' ? change(value) : value])
  );
}

/** `data` with every text in it, however deep, changed. */
function deeply(data: Json, change: (text: string) => string): Json {
  if (typeof data === 'string') {
    return change(data);
  }
  if (Array.isArray(data)) {
    return (data as readonly Json[]).map(each => deeply(each, change));
  }
  return isObject(data)
    ? Object.fromEntries(Object.entries(data).map(([key, value]) => [key, deeply(value, change)]))
    : data;
}

function renamedInputs(inputs: { readonly [key: string]: Json }, names: ReadonlyMap<string, string>): Json {
  const short = (text: string): string =>
    text
      .split('|')
      .map(part => renamedInput(part, names))
      .join('|');
  return Object.fromEntries(
    Object.entries(inputs).map(([key, value]) => {
      const isLong = isObject(value) && typeof value.from === 'string';
      const long = isLong ? { ...value, from: short(String(value.from)) } : value;
      return [key, typeof value === 'string' ? short(value) : long];
    })
  );
}

function renamedInput(text: string, names: ReadonlyMap<string, string>): string {
  const [, space, task, rest] = /^(\s*)([^.]*?)(\s*(?:\.[^]*)?)$/.exec(text) ?? [];
  const name = names.get(task);
  return name === undefined ? text : space + name + rest;
}
