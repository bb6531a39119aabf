/** New values as YAML text, in the habits of the file that they go into. */
import { Document, isMap, isPair, isScalar, isSeq, visit, type Node, type Scalar as YamlScalar } from 'yaml';

import { isObject, type Source } from './document_source';
import type { Style, Syntax } from './document_tree';
import type { Json } from './edits';

/** How a file is written. */
export interface Habits {
  /** Its line end. */
  eol: string;
  /** Spaces of one level. */
  step: number;
  /** Whether the dashes of a list stand deeper than its key. */
  indentsLists: boolean;
  /** By key: whether the file writes such values in one line, `[…]` or `{…}`. */
  flow: ReadonlyMap<string, boolean>;
}

/** So many tasks tell the habits. */
const TASKS_LOOKED_AT = 20;
/** A list or mapping that is longer than this is not written in one line. */
const LONGEST_LINE = 100;
/** Characters that no YAML text of ours holds as they are: they are escaped between double quotes. */
// eslint-disable-next-line no-control-regex
const UNFIT = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\ufeff\ud800-\udfff]/;
const PAIRED = /[\ud800-\udbff][\udc00-\udfff]/g;

/** The habits of `source`. */
export function habitsOf(source: Source): Habits {
  const learner = new Learner(source.text);
  learner.learn(source.top, 0);
  for (const { value, base } of source.tasks.slice(0, TASKS_LOOKED_AT)) {
    learner.learn(value, base);
  }
  const [list] = source.tasks;
  return {
    eol: /\r?\n/.exec(source.text)?.[0] ?? '\n',
    step: learner.step ?? 2,
    indentsLists: list ? columnOf(source.text, list.base + list.from) > 0 : true,
    flow: learner.flow
  };
}

/** The column of `offset`, from 0. */
export function columnOf(text: string, offset: number): number {
  const start = text.lastIndexOf('\n', offset - 1) + 1;
  return offset - start - (start === 0 && text.charCodeAt(0) === 0xfeff ? 1 : 0);
}

class Learner {
  readonly flow = new Map<string, boolean>();
  step: number | undefined;

  constructor(private readonly text: string) {}

  learn(node: Syntax | null, base: number): void {
    for (const { key, value, from } of node?.kind === 'map' ? node.entries : []) {
      if (value?.kind === 'map' && value.entries.length) {
        this.note(key, value.isFlow);
        if (!value.isFlow) {
          const step = columnOf(this.text, base + value.from) - columnOf(this.text, base + from);
          this.step ??= step > 0 && step <= 8 ? step : undefined;
          this.learn(value, base);
        }
      } else if (value?.kind === 'seq' && value.items.length) {
        this.note(key, value.isFlow);
      }
    }
  }

  private note(key: string, isFlow: boolean): void {
    if (!this.flow.has(key)) {
      this.flow.set(key, isFlow);
    }
  }
}

const TYPES: Readonly<Record<Style, YamlScalar.Type>> = {
  plain: 'PLAIN',
  single: 'QUOTE_SINGLE',
  double: 'QUOTE_DOUBLE',
  literal: 'BLOCK_LITERAL',
  folded: 'BLOCK_FOLDED'
};

/** `value` in one line; `isFlow` where it goes between brackets. */
export function inline(value: Json, isFlow: boolean, style?: Style): string {
  const document = documentOf(isFlow ? [value] : { k: value });
  visit(document, {
    Collection: (_, node) => void (node.flow = isFlow || node !== document.contents),
    Scalar: (key, node) => {
      if (key !== 'key' && typeof node.value === 'string') {
        const isBlock = node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED';
        const wished = style && !isBlock && node.type !== 'QUOTE_DOUBLE' ? TYPES[style] : undefined;
        node.type = isBlock || node.value.includes('\n') ? 'QUOTE_DOUBLE' : (wished ?? node.type);
      }
    }
  });
  const text = written(document, 2, 0, true);
  return isFlow ? text.slice(1, -1) : text.slice(2).trim();
}

/** `value` as JSON in one line, spaced as people write it. */
export function jsonText(value: Json): string {
  if (Array.isArray(value)) {
    return `[${(value as readonly Json[]).map(jsonText).join(', ')}]`;
  }
  return isObject(value)
    ? `{${Object.entries(value)
        .map(([key, one]) => `${jsonText(key)}: ${jsonText(one)}`)
        .join(', ')}}`
    : escaped(JSON.stringify(value));
}

/** How a block is written. */
export interface BlockOptions {
  /** The style of a text that is the value itself. */
  style?: Style;
  /** Spaces of its first level, where that is not the file's habit. */
  step?: number;
  /** Where a folded text breaks; 0 is never. */
  width?: number;
}

/** The lines of `key: value`, at the left margin. */
export function entryLines(key: string, value: Json, habits: Habits, options: BlockOptions = {}): string[] {
  return blockLines({ [key]: value }, habits, options);
}

/** The lines of `- value`, at the left margin. */
export function itemLines(value: Json, habits: Habits, options: BlockOptions = {}): string[] {
  return blockLines([value], habits, options);
}

function blockLines(value: Json, habits: Habits, { style, step, width }: BlockOptions): string[] {
  const document = documentOf(value);
  const top = document.contents;
  visit(document, {
    Collection: (_, node, path) => {
      if (node !== top) {
        const parent = path[path.length - 1];
        const key = isPair(parent) && isScalar(parent.key) ? String(parent.key.value) : '';
        node.flow = isInOneLine(node, habits.flow.get(key));
        return node.flow ? visit.SKIP : undefined;
      }
      return undefined;
    },
    Scalar: (key, node, path) => {
      if (
        style &&
        key !== 'key' &&
        path.length <= 3 &&
        typeof node.value === 'string' &&
        node.type !== 'QUOTE_DOUBLE'
      ) {
        node.type = TYPES[style];
      }
    }
  });
  return written(document, step ?? habits.step, width ?? 0, habits.indentsLists).split('\n');
}

function isInOneLine(node: Node, habit: boolean | undefined): boolean {
  const parts: unknown[] = isMap(node) ? node.items.map(one => one.value) : isSeq(node) ? node.items : [];
  const isFit = parts.every(one => isScalar(one) && !String(one.value).includes('\n')) || isPosition(node);
  const length = JSON.stringify(node.toJSON()).length;
  return parts.length === 0 || (isFit && length <= LONGEST_LINE && (habit ?? isSeq(node)));
}

/** Whether `text` can stand below `|` without `+`, whose blank lines would take in those that follow. */
export function isBlockText(text: string): boolean {
  return !isUnfit(text) && /\S/.test(text) && !/\n\s*\n$/.test(text) && !/[ \t]\n?$/.test(text);
}

function isUnfit(text: string): boolean {
  return UNFIT.test(text.replace(PAIRED, ''));
}

function isPosition(node: Node): boolean {
  return isSeq(node) && node.items.every(one => isScalar(one) && typeof one.value === 'number');
}

function documentOf(value: Json): Document<Node> {
  const document = new Document(value, {
    compat: 'yaml-1.1',
    aliasDuplicateObjects: false
  }) as Document<Node>;
  visit(document, {
    Scalar: (_, node) => {
      if (typeof node.value === 'string') {
        const isLong = node.value.includes('\n');
        const isFit = isLong ? isBlockText(node.value) : !isUnfit(node.value);
        node.type = !isFit ? 'QUOTE_DOUBLE' : isLong ? 'BLOCK_LITERAL' : undefined;
      }
    }
  });
  return document;
}

function written(document: Document<Node>, indent: number, lineWidth: number, indentSeq: boolean): string {
  const text = document.toString({
    indent,
    lineWidth,
    indentSeq,
    flowCollectionPadding: false,
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
    minContentWidth: 0
  });
  return escaped(text.replace(/\n$/, ''));
}

/** Only texts between double quotes hold such characters. */
function escaped(text: string): string {
  if (!UNFIT.test(text)) {
    return text;
  }
  const found = new RegExp(`${PAIRED.source}|${UNFIT.source}`, 'g');
  return text.replace(found, one =>
    one.length > 1 ? one : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`
  );
}

/** Whether two values say the same. */
export function isSame(one: Json | undefined, other: Json | undefined): boolean {
  if (one === other || (typeof one === 'number' && typeof other === 'number' && isNaN(one) && isNaN(other))) {
    return true;
  }
  if (Array.isArray(one) && Array.isArray(other)) {
    return (
      one.length === other.length && one.every((item, place) => isSame(item as Json, other[place] as Json))
    );
  }
  if (!isObject(one) || !isObject(other)) {
    return false;
  }
  const keys = Object.keys(one);
  return (
    keys.length === Object.keys(other).length &&
    keys.every(key => Object.hasOwn(other, key) && isSame(one[key], other[key]))
  );
}
