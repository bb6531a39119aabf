/**
 * What a cell is to the pipeline, read from what is written on it. Pure.
 *
 * Three ways of writing it, the first winning: a magic on the cell's first line, the cell's metadata (`fasttrack`,
 * written by the form), Kale's tags. Where magic and metadata both make it a task, the magic wins field by field. The
 * server reads the same in Python when it builds, and has the last word; this is what the markers and the form show
 * while somebody types.
 */
import type {
  PartialJSONObject,
  ReadonlyPartialJSONObject,
  ReadonlyPartialJSONValue
} from '@lumino/coreutils';

import type { Options } from './options';
import { optionsOf, splitWords } from './options';

/** What the form can make of a cell. */
export type MarkKind = 'task' | 'shell' | 'params' | 'common' | 'skip';

/** The kinds, as the form lists them. */
export const KINDS: readonly MarkKind[] = ['task', 'shell', 'params', 'common', 'skip'];

/** Where a mark is written. */
export type Origin = 'form' | 'magic' | 'tags';

/** What is written on a cell. */
export interface Mark {
  /** `pipeline`: the cell holds `%fasttrack_pipeline`. */
  kind: MarkKind | 'pipeline';
  /** The task's name, or the pipeline's; empty where there is none. */
  task: string;
  options: Options;
  origin: Origin;
}

const MAGICS: Readonly<Record<string, Mark['kind']>> = {
  '%%fasttrack_task': 'task',
  '%%fasttrack_params': 'params',
  '%%fasttrack_common': 'common',
  '%fasttrack_pipeline': 'pipeline'
};

/** What is written on a cell with this source and these metadata; null where nothing is. */
export function markOf(source: string, metadata: ReadonlyPartialJSONObject): Mark | null {
  const form = ofMetadata(metadata.fasttrack);
  const magic = ofMagic(source);
  if (isTask(magic) && isTask(form)) {
    return { ...magic, options: { ...form.options, ...magic.options } };
  }
  return magic ?? form ?? ofTags(metadata.tags);
}

/** Whether a cell of this mark belongs to a task. */
export function isTask(mark: Mark | null): mark is Mark & { kind: 'task' | 'shell' } {
  return (mark?.kind === 'task' || mark?.kind === 'shell') && mark.task !== '';
}

/** The line of a cell's first magic, if that marks something: its index and its words. */
function magicLine(source: string): { line: number; words: string[] } | null {
  const lines = source.split('\n');
  const line = lines.findIndex(each => each.trim() !== '');
  const words = splitWords(lines[line] ?? '');
  return line >= 0 && words[0] in MAGICS ? { line, words } : null;
}

function ofMagic(source: string): Mark | null {
  const found = magicLine(source);
  if (!found) {
    return null;
  }
  const { names, options } = optionsOf(found.words.slice(1));
  const { shell, ...rest } = options;
  const kind = MAGICS[found.words[0]];
  const isNamed = kind === 'task' || kind === 'pipeline';
  return {
    kind: kind === 'task' && shell === true ? 'shell' : kind,
    task: isNamed ? (names[0] ?? '') : '',
    options: rest,
    origin: 'magic'
  };
}

function ofMetadata(written: ReadonlyPartialJSONValue | undefined): Mark | null {
  if (typeof written !== 'object' || written === null || Array.isArray(written)) {
    return null;
  }
  const { kind, task, shell, ...options } = written as ReadonlyPartialJSONObject;
  const name = typeof task === 'string' ? task : '';
  const known = KINDS.find(each => each === kind) ?? (name ? 'task' : null);
  if (!known) {
    return null;
  }
  return {
    kind: known === 'task' && shell === true ? 'shell' : known,
    task: known === 'task' || known === 'shell' ? name : '',
    options,
    origin: 'form'
  };
}

/** Kale's tags, and papermill's `parameters`. */
function ofTags(written: ReadonlyPartialJSONValue | undefined): Mark | null {
  const tags = Array.isArray(written) ? written.map(String) : [];
  const mark = (kind: MarkKind, task = '', options: PartialJSONObject = {}): Mark => ({
    kind,
    task,
    options,
    origin: 'tags'
  });
  const named = tags.map(each => /^(?:block|step):(.*)$/.exec(each)?.[1]).find(each => each);
  if (tags.includes('skip')) {
    return mark('skip');
  }
  if (named) {
    const after = tags.map(each => /^prev:(.+)$/.exec(each)?.[1]).filter(each => each !== undefined);
    const image = tags.map(each => /^image:(.+)$/.exec(each)?.[1]).find(each => each);
    return mark('task', named, { ...(after.length && { after }), ...(image && { image }) });
  }
  if (tags.includes('parameters') || tags.includes('pipeline-parameters')) {
    return mark('params');
  }
  return tags.includes('imports') || tags.includes('functions') ? mark('common') : null;
}

/** What the form writes into `metadata.fasttrack`. */
export function metadataOf(mark: Mark): PartialJSONObject {
  const said = Object.entries(mark.options).filter(([, value]) => value !== undefined && value !== '');
  const named = mark.kind === 'task' || mark.kind === 'shell';
  return {
    kind: mark.kind,
    ...(named && { task: mark.task }),
    ...(Object.fromEntries(said) as PartialJSONObject)
  };
}

/** The source without the magic that marks it. */
export function withoutMagic(source: string): string {
  const found = magicLine(source);
  if (!found) {
    return source;
  }
  const lines = source.split('\n');
  lines.splice(0, found.line + 1);
  return lines.join('\n');
}

/** A task's name that nobody has yet: `task-1`, `task-2` … */
export function freeName(taken: readonly string[]): string {
  for (let number = 1; ; number++) {
    if (!taken.includes(`task-${number}`)) {
      return `task-${number}`;
    }
  }
}

/** What a cell asks for, in few words for its marker: the image, the resources, what comes before. */
export function chipsOf(mark: Mark): { key: string; text: string }[] {
  const {
    image,
    backend,
    requirements,
    cpu,
    mem,
    gpu,
    gpu_share: share,
    after,
    timeout,
    retry
  } = mark.options;
  const has = (value: ReadonlyPartialJSONValue | undefined) => value !== undefined && value !== '';
  const resources = [
    has(cpu) ? `${cpu} cpu` : '',
    has(mem) ? String(mem) : '',
    has(gpu) ? `${gpu} gpu` : '',
    has(share) ? `${share} gpu` : ''
  ].filter(Boolean);
  const packages = Array.isArray(requirements) ? requirements.join(' ') : (requirements ?? '');
  const chips = [
    { key: 'image', text: has(image) ? String(image) : String(packages) },
    { key: 'backend', text: String(backend ?? '') },
    { key: 'resources', text: resources.join(' · ') },
    { key: 'after', text: Array.isArray(after) ? after.join(', ') : String(after ?? '') },
    { key: 'timeout', text: String(timeout ?? '') },
    { key: 'retry', text: has(retry) ? `×${retry}` : '' }
  ];
  return chips.filter(each => each.text);
}
