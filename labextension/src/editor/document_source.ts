/**
 * A text that was read: its tree with places in the whole text, its data, its tasks. Put together from parts
 * (`document_slices.ts`) that were parsed before wherever their text is the same; whole where parts cannot be
 * told apart or an alias reaches from one into another.
 */
import type { Json } from './edits';
import { slicesOf, type Slice, type Slices } from './document_slices';
import {
  dataOf,
  parseTree,
  shifted,
  type Complaint,
  type Entry,
  type Mapping,
  type Syntax
} from './document_tree';

/** A part that was parsed: places count from its own beginning. */
export interface Part {
  root: Syntax | null;
  data: Json;
  complaints: Complaint[];
  hasAliases: boolean;
  /** What others made of it; they know its shape. */
  memo: Map<string, unknown>;
}

/** Parts of texts that were read before, by their text. */
export type SourceCache = ReadonlyMap<string, Part>;

/** A task's place in the source. */
export interface TaskPart {
  /** The part that it stands in, and where that begins. */
  part: Part;
  base: number;
  /** The task's value within the part, and its dash. */
  value: Syntax | null;
  from: number;
  data: Json;
}

/** Values that come a second time by an alias: more are refused, because what is drawn or sent would have them all. */
const MOST_VALUES = 500_000;

/** See the head of this file. Never raises, whatever the text is. */
export class Source {
  /** What the parser complains about, with places in the whole text. */
  readonly complaints: readonly Complaint[];
  /** What the text says. */
  readonly data: Json;
  /** The tasks in the order of the text; empty where there is no list of them. */
  readonly tasks: readonly TaskPart[];
  readonly hasAliases: boolean;
  /** The top level without its tasks. */
  readonly top: Syntax | null;
  private readonly makeRoot: () => Syntax | null;
  private made: { root: Syntax | null } | undefined;

  /** The parts of this text (or those given, if it has none), for reading the next one. */
  readonly parts: SourceCache;

  /** Read `text`; what is in `cache` is not parsed again. */
  constructor(
    readonly text: string,
    cache: SourceCache = new Map()
  ) {
    const pieces = readPieces(text, cache) ?? readWhole(text, cache);
    this.parts = pieces.parts;
    this.complaints = pieces.complaints;
    this.data = pieces.data;
    this.tasks = pieces.tasks;
    this.hasAliases = pieces.hasAliases;
    this.top = pieces.top;
    this.makeRoot = pieces.root;
  }

  /** The tree, with places in the whole text. */
  get root(): Syntax | null {
    this.made ??= { root: this.makeRoot() };
    return this.made.root;
  }

  /** Whether the text is no YAML just now. */
  get isBroken(): boolean {
    return this.complaints.length > 0;
  }

  /** What the text says of a task, or null. */
  taskData(name: string): Json {
    return this.tasks.find(task => nameOf(task.data) === name)?.data ?? null;
  }
}

/** The name in a task's data; null where it has none. */
export function nameOf(task: Json): string | null {
  const name = isObject(task) ? task.name : null;
  return typeof name === 'string'
    ? name
    : typeof name === 'number' || typeof name === 'boolean'
      ? String(name)
      : null;
}

/** Whether `data` is a mapping. */
export function isObject(data: Json | undefined): data is { readonly [key: string]: Json } {
  return typeof data === 'object' && data !== null && !Array.isArray(data);
}

interface Pieces {
  complaints: Complaint[];
  data: Json;
  tasks: TaskPart[];
  hasAliases: boolean;
  top: Syntax | null;
  root: () => Syntax | null;
  parts: SourceCache;
}

function partOf(text: string): Part {
  const { root, complaints, hasAliases } = parseTree(text);
  return { root, data: hasAliases ? null : dataOf(root), complaints, hasAliases, memo: new Map() };
}

function readWhole(text: string, parts: SourceCache): Pieces {
  const { root, complaints, hasAliases } = parseTree(text);
  const problems = [...complaints];
  if (hasAliases && sizeOf(root, new Map()) > MOST_VALUES) {
    problems.push({ code: 'too-many-aliases', message: '', from: 0, to: 0 });
  }
  const seen = new Map<Syntax, Json>();
  const isSound = !problems.some(one => one.code === 'recursive-alias');
  const data = isSound ? dataOf(root, seen) : null;
  const part = { root, data, complaints, hasAliases, memo: new Map() };
  const list = root?.kind === 'map' ? root.entries.find(entry => entry.key === 'tasks')?.value : null;
  const target = list?.kind === 'alias' ? list.target : list;
  const items = isSound && target?.kind === 'seq' ? target.items : [];
  const tasks = items.map(item => ({
    part,
    base: 0,
    value: item.value,
    from: item.from,
    data: dataOf(item.value, seen)
  }));
  const entries =
    root?.kind === 'map'
      ? root.entries.map(one => (one.key === 'tasks' ? { ...one, value: null } : one))
      : [];
  const top = root?.kind === 'map' ? { ...root, entries } : null;
  return { complaints: problems, data, tasks, hasAliases, top, root: () => root, parts };
}

/** How many values `node` holds when aliases are written out. */
function sizeOf(node: Syntax | null, known: Map<Syntax, number>): number {
  if (node === null || node.kind === 'scalar') {
    return 1;
  }
  const before = known.get(node);
  if (before !== undefined) {
    return before;
  }
  known.set(node, 1); // of a value that holds itself, which is refused elsewhere
  const parts =
    node.kind === 'map'
      ? node.entries.map(one => one.value)
      : node.kind === 'seq'
        ? node.items.map(one => one.value)
        : [node.target];
  const size = parts.reduce(
    (sum, part) => Math.min(sum + sizeOf(part, known), Number.MAX_SAFE_INTEGER / 4),
    1
  );
  known.set(node, size);
  return size;
}

/** Null where the text must be read whole. */
function readPieces(text: string, cache: SourceCache): Pieces | null {
  const slices = slicesOf(text);
  if (!slices) {
    return null;
  }
  const used = new Map<string, Part>();
  const parse = (slice: Slice): Part => {
    const own = text.slice(slice.from, slice.to);
    const part = used.get(own) ?? cache.get(own) ?? partOf(own);
    used.set(own, part);
    return part;
  };
  const pieces = joined(slices, parse);
  return pieces && { ...pieces, parts: used };
}

interface Placed {
  part: Part;
  base: number;
}

function joined(slices: Slices, parse: (slice: Slice) => Part): Omit<Pieces, 'parts'> | null {
  const { tasks: list } = slices;
  const items = (list?.items ?? []).map((slice): Placed => ({ part: parse(slice), base: slice.from }));
  const entries = slices.entries.map((slice): Placed & { key: string } => {
    const own = list && slice.key === 'tasks' ? list.header : slice;
    return { key: slice.key, part: parse(own), base: own.from };
  });
  const all: Placed[] = [...entries, ...items];
  if (all.some(({ part }) => part.hasAliases) || items.some(({ part }) => !isOneItem(part))) {
    return null;
  }
  if (
    entries.some(
      ({ part }) => !part.complaints.length && (part.root?.kind !== 'map' || part.root.entries.length !== 1)
    )
  ) {
    return null;
  }
  const complaints = all.flatMap(({ part, base }) =>
    part.complaints.map(one => ({ ...one, from: one.from + base, to: one.to + base }))
  );
  const tasks = list ? items.map(taskOf) : tasksWithin(entries.find(entry => entry.key === 'tasks'));
  const data = Object.fromEntries(
    entries.map(({ key, part }) => [
      key,
      list && key === 'tasks' ? tasks.map(one => one.data) : valueOf(part, key)
    ])
  );
  const root = () => rootOf(entries, list ? items : null);
  complaints.sort((one, other) => one.from - other.from);
  return { complaints, data, tasks, hasAliases: false, top: complaints.length ? null : topOf(entries), root };
}

function isOneItem(part: Part): boolean {
  return part.complaints.length > 0 || (part.root?.kind === 'seq' && part.root.items.length === 1);
}

function valueOf(part: Part, key: string): Json {
  return isObject(part.data) ? (part.data[key] ?? null) : null;
}

function taskOf({ part, base }: Placed): TaskPart {
  const item = part.root?.kind === 'seq' ? part.root.items[0] : undefined;
  const data = Array.isArray(part.data) ? ((part.data as readonly Json[])[0] ?? null) : null;
  return { part, base, value: item?.value ?? null, from: item?.from ?? 0, data };
}

/** Tasks in a list that is written `[…]`. */
function tasksWithin(entry: (Placed & { key: string }) | undefined): TaskPart[] {
  const value = entry?.part.root?.kind === 'map' ? entry.part.root.entries[0].value : null;
  if (!entry || value?.kind !== 'seq') {
    return [];
  }
  const data = valueOf(entry.part, 'tasks') as readonly Json[];
  return value.items.map((item, place) => ({
    part: entry.part,
    base: entry.base,
    value: item.value,
    from: item.from,
    data: data[place] ?? null
  }));
}

function topOf(entries: readonly (Placed & { key: string })[]): Mapping {
  const made = entries.map(({ key, part, base }): Entry => {
    const entry = (shifted(part.root, base) as Mapping).entries[0];
    return key === 'tasks' ? { ...entry, value: null } : entry;
  });
  const [from, to] = [made[0].from, made[made.length - 1].to];
  return { kind: 'map', isFlow: false, entries: made, from, to, start: from };
}

function rootOf(entries: readonly (Placed & { key: string })[], items: readonly Placed[] | null): Mapping {
  const made = entries.map(({ key, part, base }): Entry => {
    const entry = (shifted(part.root, base) as Mapping).entries[0];
    if (key !== 'tasks' || !items) {
      return entry;
    }
    const parts = items.map(
      item => (shifted(item.part.root, item.base) as Syntax & { kind: 'seq' }).items[0]
    );
    const [from, to] = [parts[0].from, parts[parts.length - 1].to];
    return { ...entry, value: { kind: 'seq', isFlow: false, items: parts, from, to, start: from }, to };
  });
  const [from, to] = [made[0].from, made[made.length - 1].to];
  return { kind: 'map', isFlow: false, entries: made, from, to, start: from };
}
