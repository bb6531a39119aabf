/**
 * The options that a cell can carry, as `%%fasttrack_task` names them: their shapes, and how a value looks in a field
 * and in the cell's metadata. Pure; the words around them stand in `fields.ts`.
 */
import type { PartialJSONObject, ReadonlyPartialJSONValue } from '@lumino/coreutils';

/** What is said of a task, by the options' long names with `_` for `-`. */
export type Options = Readonly<Record<string, ReadonlyPartialJSONValue | undefined>>;

/** `names`: commas between; `lines`: one each; `words`: as a shell splits them; `pairs`: NAME=VALUE, one each. */
export type Shape = 'text' | 'number' | 'names' | 'lines' | 'words' | 'pairs' | 'flag';

/** Every option by its key; `backend` is a notebook's as well, and `mode` a notebook's alone. */
export const SHAPES: Readonly<Record<string, Shape>> = {
  after: 'names',
  image: 'text',
  cpu: 'number',
  mem: 'text',
  gpu: 'number',
  gpu_share: 'number',
  slot: 'pairs',
  shm: 'text',
  mount: 'lines',
  env: 'pairs',
  secret: 'lines',
  project: 'text',
  group: 'text',
  requirements: 'words',
  requirements_file: 'text',
  retry: 'number',
  timeout: 'text',
  when: 'text',
  run_if: 'text',
  final: 'flag',
  skip: 'flag',
  cache: 'flag',
  side_effects: 'flag',
  in: 'names',
  out: 'names',
  value: 'pairs',
  shell: 'flag',
  run: 'flag',
  backend: 'text',
  mode: 'text'
};

/** The words of a line as a shell splits them; an open quote ends with the line. */
export function splitWords(line: string): string[] {
  const words: string[] = [];
  const pattern = /(?:"(?:\\.|[^"\\])*"?|'[^']*'?|\\.|[^\s"'\\])+/g;
  for (const [found] of line.matchAll(pattern)) {
    words.push(
      found.replace(/"((?:\\.|[^"\\])*)"?|'([^']*)'?|\\(.)/g, (_, double, single, one) =>
        double !== undefined ? double.replace(/\\(["\\])/g, '$1') : (single ?? one)
      )
    );
  }
  return words;
}

/** A word so that {@link splitWords} gives it back. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./<>!~[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", `'"'"'`)}'`;
}

/** What the words behind a magic say: the names, and the options as metadata have them. Unknown ones are left out. */
export function optionsOf(words: readonly string[]): { names: string[]; options: PartialJSONObject } {
  const names: string[] = [];
  const options: PartialJSONObject = {};
  for (let at = 0; at < words.length; at++) {
    const flag = /^--([\w-]+)(?:=(.*))?$/s.exec(words[at]);
    if (!flag) {
      names.push(words[at]);
      continue;
    }
    const no = /^no-(run|cache)$/.exec(flag[1])?.[1];
    const key = no ?? flag[1].replaceAll('-', '_');
    const shape = SHAPES[key];
    if (shape === 'flag') {
      options[key] = no === undefined;
    } else if (shape) {
      const text = flag[2] ?? words[++at] ?? '';
      options[key] = joined(shape, options[key], text);
    }
  }
  return { names, options };
}

function joined(
  shape: Shape,
  before: ReadonlyPartialJSONValue | undefined,
  text: string
): PartialJSONObject[string] {
  switch (shape) {
    case 'pairs': {
      const at = text.indexOf('=');
      const [name, value] = at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)];
      return { ...(before as PartialJSONObject | undefined), [name]: value };
    }
    case 'names':
    case 'words':
    case 'lines':
      return [...listOf(before), ...valuesIn(shape, text)];
    case 'number':
      return numberOr(text);
    default:
      return text;
  }
}

/** The items of a value that may be a list; a text counts as one item, or as names with commas. */
export function listOf(value: ReadonlyPartialJSONValue | undefined): string[] {
  if (Array.isArray(value)) {
    return value.map(String);
  }
  return typeof value === 'string' ? valuesIn('names', value) : [];
}

/** The pairs of a mapping, or of texts such as `A=1`. */
export function pairsOf(value: ReadonlyPartialJSONValue | undefined): [string, string][] {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    return Object.entries(value).map(([name, each]) => [name, String(each)]);
  }
  const texts = Array.isArray(value) ? value.map(String) : typeof value === 'string' ? [value] : [];
  return texts.map(text => splitPair(text));
}

/** `A=1` as its two halves; without a `=` the second is empty. */
export function splitPair(text: string): [string, string] {
  const at = text.indexOf('=');
  return at < 0 ? [text.trim(), ''] : [text.slice(0, at).trim(), text.slice(at + 1)];
}

function valuesIn(shape: Shape, text: string): string[] {
  const parts = shape === 'names' ? text.split(',') : shape === 'words' ? splitWords(text) : text.split('\n');
  return parts.map(each => each.trim()).filter(Boolean);
}

/** A value as the text of its field. */
export function textOf(key: string, value: ReadonlyPartialJSONValue | undefined): string {
  if (value === undefined || value === null) {
    return '';
  }
  switch (SHAPES[key]) {
    case 'names':
      return listOf(value).join(', ');
    case 'lines':
      return (Array.isArray(value) ? value.map(String) : [String(value)]).join('\n');
    case 'words':
      return (Array.isArray(value) ? value.map(each => quoted(String(each))) : [String(value)]).join(' ');
    case 'pairs':
      return pairsOf(value)
        .map(([name, each]) => `${name}=${each}`)
        .join('\n');
    default:
      return String(value);
  }
}

/** The text of a field as metadata have it; undefined where nothing is said. */
export function valueOf(key: string, text: string): PartialJSONObject[string] | undefined {
  const shape = SHAPES[key] ?? 'text';
  if (!text.trim()) {
    return undefined;
  }
  switch (shape) {
    case 'names':
    case 'lines':
    case 'words':
      return valuesIn(shape, text);
    case 'pairs':
      return Object.fromEntries(text.split('\n').filter(each => each.trim()).map(splitPair)); // prettier-ignore
    case 'number':
      return numberOr(text.trim());
    case 'flag':
      return text === 'true' ? true : undefined;
    default:
      return text.trim();
  }
}

function numberOr(text: string): string | number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) : text;
}
