/**
 * A YAML text as a tree of small values with their places: what edits need, and no more. Made of npm `yaml`'s
 * nodes and tokens. Offsets are UTF-16 units of the text that was parsed; of a block scalar, `to` stands before
 * its last line's end, so that "the end of the line at `to`" is where the next thing begins, whatever the style.
 */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  parseDocument,
  type CST,
  type Pair,
  type YAMLError
} from 'yaml';

import type { Json } from './edits';

interface Place {
  /** Where the value begins. */
  from: number;
  /** Where it ends. */
  to: number;
  /** Where its anchor or tag begins, or `from`. */
  start: number;
  anchor?: string;
}

/** How a scalar is written. */
export type Style = 'plain' | 'single' | 'double' | 'literal' | 'folded';

/** A single value. */
export interface Scalar extends Place {
  kind: 'scalar';
  style: Style;
  value: null | boolean | number | string;
}

/** `*name`. */
export interface Reference extends Place {
  kind: 'alias';
  name: string;
  target: Syntax | null;
}

/** A key and its value; `value` is null where nothing is written. */
export interface Entry {
  key: string;
  keyNode: Syntax | null;
  from: number;
  /** Behind the colon; of a flow mapping's bare key, behind the key. */
  colon: number;
  value: Syntax | null;
  to: number;
}

/** A mapping. */
export interface Mapping extends Place {
  kind: 'map';
  isFlow: boolean;
  entries: Entry[];
}

/** An item of a sequence; `from` is the dash of a block sequence. */
export interface Item {
  from: number;
  value: Syntax | null;
  to: number;
}

/** A sequence. */
export interface Sequence extends Place {
  kind: 'seq';
  isFlow: boolean;
  items: Item[];
}

/** Anything that is written. */
export type Syntax = Scalar | Reference | Mapping | Sequence;

/** What the parser complains about. */
export interface Complaint {
  code: string;
  message: string;
  from: number;
  to: number;
}

/** A text that was parsed. */
export interface Tree {
  root: Syntax | null;
  complaints: Complaint[];
  hasAliases: boolean;
}

/** Nesting beyond this is refused, here as by the server. */
const MAX_DEPTH = 100;

/** Parse `text`, which is one YAML document; never raises. */
export function parseTree(text: string): Tree {
  try {
    const document = parseDocument(text, {
      keepSourceTokens: true,
      prettyErrors: false,
      uniqueKeys: false,
      stringKeys: true,
      logLevel: 'silent'
    });
    const maker = new Maker(text);
    const root = maker.make(document.contents, [], 0);
    const complaints = [...document.errors.map(complaintOf), ...maker.complaints];
    return { root, complaints, hasAliases: maker.hasAliases };
  } catch (error) {
    // The parser recurses: so deep a text ends its stack. Nothing else is known to raise; if so, it is told.
    const code = error instanceof RangeError ? 'too-deep' : 'unreadable';
    return { root: null, complaints: [{ code, message: String(error), from: 0, to: 0 }], hasAliases: false };
  }
}

function complaintOf(error: YAMLError): Complaint {
  return { code: error.code, message: error.message, from: error.pos[0], to: error.pos[1] };
}

const STYLES: Readonly<Record<string, Style>> = {
  QUOTE_SINGLE: 'single',
  QUOTE_DOUBLE: 'double',
  BLOCK_LITERAL: 'literal',
  BLOCK_FOLDED: 'folded'
};

/** Makes our nodes of the parser's, in the order of the text. */
class Maker {
  readonly complaints: Complaint[] = [];
  hasAliases = false;
  private readonly anchors = new Map<string, Syntax>();
  private readonly open = new Set<string>();

  constructor(private readonly text: string) {}

  /** `props` are the tokens before the node, among them its anchor and tag. */
  make(node: unknown, props: readonly CST.SourceToken[], depth: number): Syntax | null {
    if (depth > MAX_DEPTH) {
      throw new RangeError('too deep');
    }
    if (isAlias(node)) {
      return this.alias(node);
    }
    const anchor = (node as { anchor?: string } | null)?.anchor;
    if (anchor) {
      this.open.add(anchor);
    }
    const made = this.plainly(node, props, depth);
    if (made && anchor) {
      made.anchor = anchor;
      this.anchors.set(anchor, made);
      this.open.delete(anchor);
    }
    return made;
  }

  private plainly(node: unknown, props: readonly CST.SourceToken[], depth: number): Syntax | null {
    if (isScalar(node) && node.range) {
      const [from, end] = node.range;
      const first = props.find(token => token.type === 'anchor' || token.type === 'tag')?.offset;
      const style = STYLES[node.type ?? ''] ?? 'plain';
      const isBlock = style === 'literal' || style === 'folded';
      if (from === end && first === undefined) {
        return null;
      }
      const to = isBlock ? this.beforeBreak(from, end) : end;
      return { kind: 'scalar', style, value: scalarOf(node.value, node.tag), from, to, start: first ?? from };
    }
    if (isMap(node) && node.range) {
      return this.map(node.items as Pair[], node.range, node.srcToken, props, depth);
    }
    return isSeq(node) && node.range ? this.seq(node.items, node.range, node.srcToken, props, depth) : null;
  }

  private alias(node: Alias): Reference {
    const [from, to] = node.range ?? [0, 0, 0];
    this.hasAliases = true;
    if (this.open.has(node.source)) {
      this.complaints.push({ code: 'recursive-alias', message: node.source, from, to });
    }
    return {
      kind: 'alias',
      name: node.source,
      target: this.anchors.get(node.source) ?? null,
      from,
      to,
      start: from
    };
  }

  private map(
    pairs: readonly Pair[],
    range: readonly number[],
    token: CST.Token | undefined,
    props: readonly CST.SourceToken[],
    depth: number
  ): Mapping {
    const isFlow = token?.type !== 'block-map';
    const entries = pairs.map(pair => this.entry(pair, depth));
    const place = this.placeOf(range, isFlow, props, entries);
    return { kind: 'map', isFlow, entries, ...place };
  }

  private entry(pair: Pair, depth: number): Entry {
    const token = (pair as { srcToken?: CST.CollectionItem }).srcToken;
    const keyNode = this.make(pair.key, token?.start ?? [], depth + 1);
    const sep = token?.sep ?? [];
    const colonAt = sep.find(one => one.type === 'map-value-ind')?.offset;
    const from =
      token?.start.find(one => one.type === 'explicit-key-ind')?.offset ?? keyNode?.start ?? colonAt ?? 0;
    const colon = colonAt === undefined ? (keyNode?.to ?? from) : colonAt + 1;
    const value = pair.value ? this.make(pair.value, sep, depth + 1) : null;
    const key = keyNode?.kind === 'scalar' ? keyOf(keyNode) : '';
    return { key, keyNode, from, colon, value, to: value?.to ?? colon };
  }

  private seq(
    nodes: readonly unknown[],
    range: readonly number[],
    token: CST.Token | undefined,
    props: readonly CST.SourceToken[],
    depth: number
  ): Sequence {
    const isFlow = token?.type !== 'block-seq';
    const written = token?.type === 'block-seq' ? token.items.filter(item => dashOf(item) !== undefined) : [];
    const flow = token?.type === 'flow-collection' ? token.items : [];
    const items = nodes.map((node, place): Item => {
      const dash = written[place] && dashOf(written[place]);
      const value = this.make(node, (written[place] ?? flow[place])?.start ?? [], depth + 1);
      const from = dash ?? value?.start ?? range[0];
      return { from, value, to: value?.to ?? from + 1 };
    });
    return { kind: 'seq', isFlow, items, ...this.placeOf(range, isFlow, props, items) };
  }

  private placeOf(
    range: readonly number[],
    isFlow: boolean,
    props: readonly CST.SourceToken[],
    parts: readonly { from: number; to: number }[]
  ): { from: number; to: number; start: number } {
    const from = isFlow || !parts.length ? range[0] : parts[0].from;
    const to = isFlow || !parts.length ? range[1] : parts[parts.length - 1].to;
    const first = props.find(token => token.type === 'anchor' || token.type === 'tag')?.offset;
    return { from, to, start: first !== undefined && first < from ? first : from };
  }

  private beforeBreak(from: number, end: number): number {
    if (end > from && this.text[end - 1] === '\n') {
      return this.text[end - 2] === '\r' ? end - 2 : end - 1;
    }
    return end;
  }
}

function dashOf(item: { start: CST.SourceToken[] }): number | undefined {
  return item.start.find(token => token.type === 'seq-item-ind')?.offset;
}

function keyOf(node: Scalar): string {
  return typeof node.value === 'string' ? node.value : String(node.value);
}

function scalarOf(value: unknown, tag: string | undefined): null | boolean | number | string {
  if (tag === 'tag:yaml.org,2002:float' && typeof value === 'string' && !isNaN(Number(value))) {
    return Number(value); // the parser leaves `!!float 5` a text
  }
  const isOurs = value === null || ['boolean', 'number', 'string'].includes(typeof value);
  return isOurs ? (value as null | boolean | number | string) : String(value);
}

/** The data of `node`; where an alias refers to a collection, the very same object. */
export function dataOf(node: Syntax | null, seen: Map<Syntax, Json> = new Map()): Json {
  if (node === null) {
    return null;
  }
  if (node.kind === 'scalar') {
    return node.value;
  }
  const known = seen.get(node);
  if (known !== undefined) {
    return known;
  }
  let data: Json;
  if (node.kind === 'alias') {
    data = dataOf(node.target, seen);
  } else if (node.kind === 'seq') {
    data = node.items.map(item => dataOf(item.value, seen));
  } else {
    data = Object.fromEntries(node.entries.map(entry => [entry.key, dataOf(entry.value, seen)]));
  }
  seen.set(node, data);
  return data;
}

/** A copy of `node` whose places are `base` further on. */
export function shifted<T extends Syntax | null>(node: T, base: number): T {
  if (node === null || base === 0) {
    return node;
  }
  const place = { from: node.from + base, to: node.to + base, start: node.start + base };
  if (node.kind === 'map') {
    const entries = node.entries.map(entry => ({
      key: entry.key,
      keyNode: shifted(entry.keyNode, base),
      from: entry.from + base,
      colon: entry.colon + base,
      value: shifted(entry.value, base),
      to: entry.to + base
    }));
    return { ...node, ...place, entries };
  }
  if (node.kind === 'seq') {
    const items = node.items.map(item => ({
      from: item.from + base,
      value: shifted(item.value, base),
      to: item.to + base
    }));
    return { ...node, ...place, items };
  }
  return { ...node, ...place };
}
