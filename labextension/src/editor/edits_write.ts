/**
 * Makes a text say something else with the smallest change. An edit is told as the data that the text should
 * hold (`wanted`); data and tree are walked side by side, and only where they differ is anything written:
 * first what is replaced and what goes, then, in the text so made, what is added. Each round is a set of
 * changes that do not overlap, so a thousand positions cost as much reading as one. At the end the text is
 * read again and must hold exactly what was wanted: what cannot be written in place (because an anchor is used
 * elsewhere, say) is refused, and never written wrongly.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import { isObject, Source } from './document_source';
import type { Mapping, Scalar, Sequence, Syntax } from './document_tree';
import { EditRefused, type Json, type TextChange } from './edits';
import { aligned } from './edits_align';
import { applyChanges, composed, trimmed } from './edits_changes';
import {
  columnOf,
  entryLines,
  habitsOf,
  inline,
  isBlockText,
  isSame,
  itemLines,
  jsonText,
  type Habits
} from './edits_render';
import { isOpenEnded, Lines } from './edits_lines';
import { cannot } from './edits_refusals';
import { patchedFold } from './edits_fold';
import {
  inlineCollection,
  isCollection,
  isCollectionNode,
  isInFlow,
  orderAt,
  placeFor,
  styleOf,
  type Slot
} from './edits_slots';

/** Data of tasks that are already text: their lines at the left margin, which begin with a dash. */
export type RawTasks = ReadonlyMap<Json, readonly string[]>;

/** The changes that make `source` hold `wanted`; throws EditRefused where that cannot be done in place. */
export function write(
  source: Source,
  wanted: Json,
  trans: TranslationBundle,
  raw: RawTasks = new Map()
): { changes: TextChange[]; source: Source } {
  let now = source;
  let changes: TextChange[] = [];
  for (const round of ['change', 'add'] as const) {
    const found = new Writer(now, habitsOf(source), raw, round, trans).write(wanted);
    if (found.length) {
      changes = composed(source.text.length, changes, found);
      now = new Source(applyChanges(now.text, found), now.parts);
    }
  }
  if (now.isBroken || !isSame(now.data, wanted)) {
    throw cannot(source, trans);
  }
  return { changes: trimmed(source.text, changes), source: now };
}

class Writer {
  private readonly changes: TextChange[] = [];
  private readonly lines: Lines;
  /** Whether the file is JSON, which it then stays. */
  private readonly isJson: boolean;

  constructor(
    private readonly source: Source,
    private readonly habits: Habits,
    private readonly raw: RawTasks,
    private readonly round: 'change' | 'add',
    private readonly trans: TranslationBundle
  ) {
    this.lines = new Lines(source.text, habits.eol);
    this.isJson = /^\ufeff?\s*\{\s*"/.test(source.text);
  }

  write(wanted: Json): TextChange[] {
    const { root, text } = this.source;
    if (root === null && isObject(wanted)) {
      const lines = Object.entries(wanted).flatMap(([key, value]) => this.entry(key, value));
      this.changes.push(...(this.round === 'add' ? [this.lines.append(text.length, lines)] : []));
    } else if (!isSame(this.source.data, wanted)) {
      this.walk(root, this.source.data, wanted, null, []);
    }
    return this.merged();
  }

  /** In order; what is inserted at one place stays in the order in which it was found. */
  private merged(): TextChange[] {
    const sorted = [...this.changes].sort((one, other) => one.from - other.from || one.to - other.to);
    const result: TextChange[] = [];
    for (const change of sorted) {
      const last = result[result.length - 1];
      if (last && change.from < last.to) {
        throw cannot(this.source, this.trans);
      }
      if (last && change.from === last.to && change.from === change.to && last.from === last.to) {
        last.insert += change.insert;
      } else {
        result.push({ ...change });
      }
    }
    return result;
  }

  private walk(
    node: Syntax | null,
    data: Json,
    wanted: Json,
    slot: Slot | null,
    path: readonly string[]
  ): void {
    if (data === wanted || isSame(data, wanted)) {
      return;
    }
    if (node?.anchor && this.source.hasAliases) {
      throw cannot(this.source, this.trans);
    }
    if (node?.kind === 'map' && isObject(wanted) && isObject(data) && (!slot || Object.keys(wanted).length)) {
      this.map(node, data, wanted, path);
    } else if (node?.kind === 'seq' && Array.isArray(wanted) && wanted.length && node.items.length) {
      this.list(node, data as readonly Json[], wanted as readonly Json[], path);
    } else if (!slot) {
      throw cannot(this.source, this.trans);
    } else {
      this.replace(node, wanted, slot);
    }
  }

  private map(
    node: Mapping,
    data: { readonly [key: string]: Json },
    wanted: { readonly [key: string]: Json },
    path: readonly string[]
  ): void {
    const keys = new Set(node.entries.map(entry => entry.key));
    if (keys.size < node.entries.length) {
      throw new EditRefused(
        this.trans.__('A key comes twice here, so that it is not clear which one is meant'),
        this.trans.__('Remove one of them first; the problems list says where.')
      );
    }
    for (const entry of node.entries) {
      if (Object.hasOwn(wanted, entry.key)) {
        this.walk(entry.value, data[entry.key], wanted[entry.key], { entry, map: node }, [
          ...path,
          entry.key
        ]);
      }
    }
    if (this.round === 'change') {
      const gone = node.entries.map(entry => !Object.hasOwn(wanted, entry.key));
      this.changes.push(...this.lines.removals(node.entries, gone, node, false));
    } else {
      this.addEntries(
        node,
        Object.entries(wanted).filter(([key]) => !keys.has(key)),
        path
      );
    }
  }

  private addEntries(node: Mapping, added: readonly [string, Json][], path: readonly string[]): void {
    const order = orderAt(path);
    for (const [key, value] of added) {
      const place = placeFor(key, node.entries, order);
      if (node.isFlow) {
        const text = `${this.flow(key)}: ${this.flow(value)}`;
        this.changes.push(...[this.lines.intoFlow(node, node.entries, place, text)]);
      } else {
        const after = node.entries[place - 1];
        const column = columnOf(this.source.text, node.entries[0].from);
        const isCompact = path[path.length - 1] !== 'tasks';
        const lines = this.lines.indented(this.entry(key, value), column);
        this.changes.push(
          ...[
            after
              ? this.lines.after(after.to, lines, column, isCompact)
              : this.lines.before(node.entries[0].from, lines)
          ]
        );
      }
    }
  }

  /** The lines of a new entry; tasks that are text already keep it. */
  private entry(key: string, value: Json): string[] {
    if (key !== 'tasks' || !Array.isArray(value) || !value.length) {
      return entryLines(key, value, this.habits);
    }
    const items = (value as readonly Json[]).flatMap(task => this.item(task));
    return ['tasks:', ...this.lines.indented(items, this.habits.indentsLists ? this.habits.step : 0)];
  }

  private item(value: Json): string[] {
    return [...(this.raw.get(value) ?? itemLines(value, this.habits))];
  }

  private list(
    node: Sequence,
    data: readonly Json[],
    wanted: readonly Json[],
    path: readonly string[]
  ): void {
    const pairs = aligned(data, wanted, value => this.raw.has(value));
    const gone = node.items.map(() => true);
    for (const [place, number] of pairs) {
      gone[place] = false;
      const item = node.items[place];
      this.walk(item.value, data[place], wanted[number], { item, list: node }, [...path, String(place)]);
    }
    const isTasks = path.length === 1 && path[0] === 'tasks';
    if (this.round === 'change') {
      this.changes.push(...this.lines.removals(node.items, gone, node, isTasks));
      return;
    }
    const known = new Map(pairs.map(([place, number]) => [number, place]));
    let place = 0;
    wanted.forEach((value, number) => {
      const old = known.get(number);
      if (old === undefined) {
        const isSpaced = isTasks && !isOpenEnded(this.raw.get(wanted[number - 1]));
        this.addItem(node, place, value, isTasks, isSpaced);
      }
      place = old === undefined ? place : old + 1;
    });
  }

  private addItem(node: Sequence, place: number, value: Json, isTasks: boolean, maySpace: boolean): void {
    if (node.isFlow) {
      this.changes.push(...[this.lines.intoFlow(node, node.items, place, this.flow(value))]);
      return;
    }
    const column = columnOf(this.source.text, node.items[0].from);
    const lines = this.lines.indented(this.item(value), column);
    const after = node.items[place - 1];
    if (!after) {
      this.changes.push(...[this.lines.before(node.items[0].from, lines)]);
      return;
    }
    const last = node.items[node.items.length - 1];
    const isSpaced =
      maySpace &&
      !this.lines.isOpenEnded(after.value) &&
      node.items.length > 1 &&
      this.lines.isBlankBefore(last.from, column);
    this.changes.push(...[this.lines.after(after.to, isSpaced ? ['', ...lines] : lines, column, !isTasks)]);
  }

  private flow(value: Json): string {
    return this.isJson ? jsonText(value) : inline(value, true);
  }

  private replace(node: Syntax | null, wanted: Json, slot: Slot): void {
    const isFlow = 'entry' in slot ? slot.map.isFlow : slot.list.isFlow;
    if (isFlow) {
      this.putInline(node, this.isJson ? jsonText(wanted) : inline(wanted, true, styleOf(node)), slot);
      return;
    }
    const isBlock = node?.kind === 'scalar' && (node.style === 'literal' || node.style === 'folded');
    if (isBlock && typeof wanted === 'string' && isBlockText(wanted)) {
      this.putBlock(node, wanted, slot);
      return;
    }
    const lines = this.blockOf(wanted, slot);
    if (lines.length === 1) {
      const isText = !isCollection(wanted);
      const text = isText
        ? inline(wanted, false, isBlock ? undefined : styleOf(node))
        : lines[0].slice(1).trim();
      this.putInline(node, isText ? text : inlineCollection(lines[0], slot), slot);
      return;
    }
    this.putLines(node, lines, slot);
  }

  private blockOf(wanted: Json, slot: Slot): string[] {
    if ('item' in slot) {
      return this.item(wanted);
    }
    return slot.entry.key === 'tasks' ? this.entry('tasks', wanted) : entryLines('k', wanted, this.habits);
  }

  /** A value that fits into one line. */
  private putInline(node: Syntax | null, text: string, slot: Slot): void {
    const start = 'entry' in slot ? slot.entry.colon : slot.item.from + (slot.list.isFlow ? 0 : 1);
    const hasColon = !('entry' in slot) || this.source.text[start - 1] === ':';
    if (!node) {
      this.changes.push(...[{ from: start, to: start, insert: `${hasColon ? '' : ':'} ${text}` }]);
    } else if (isCollectionNode(node) && !node.isFlow && 'entry' in slot) {
      this.changes.push(...[{ from: start, to: node.to, insert: ` ${text}` }]);
    } else {
      const needsSpace =
        /\S/.test(this.source.text[node.start - 1] ?? ' ') && ':-'.includes(this.source.text[node.start - 1]);
      this.changes.push(
        ...[{ from: node.start, to: node.to, insert: (needsSpace && !isInFlow(slot) ? ' ' : '') + text }]
      );
    }
  }

  /** A text that stays a block scalar, indented as it was. */
  private putBlock(node: Scalar, wanted: string, slot: Slot): void {
    const { text } = this.source;
    const column = columnOf(text, 'entry' in slot ? slot.entry.from : slot.item.from);
    const own = text.slice(node.from, node.to).split('\n').slice(1);
    const depth = /^ */.exec(own.find(line => line.trim()) ?? '')?.[0].length ?? 0;
    const width = Math.max(40, ...own.map(line => line.trimEnd().length - column));
    const step = depth > column ? depth - column : this.habits.step;
    const options = { style: node.style, step, width: node.style === 'folded' ? width : 0 };
    const patched =
      node.style === 'folded' ? patchedFold(text.slice(node.from, node.to), node.value, wanted) : null;
    if (patched !== null) {
      this.changes.push({ from: node.from, to: node.to, insert: patched });
      return;
    }
    const lines = entryLines('k', wanted, { ...this.habits, step }, options);
    const [header, ...body] = [lines[0].slice(3), ...this.lines.indented(lines.slice(1), column)];
    const isAtEnd =
      this.lines.endOf(node.to) === text.length && !text.endsWith('\n') && wanted.endsWith('\n');
    const insert = [header, ...body].join(this.habits.eol) + (isAtEnd ? this.habits.eol : '');
    this.changes.push(...[{ from: node.start, to: node.to, insert }]);
  }

  /** Lines below the key or behind the dash; a comment behind the old value stays where it is. */
  private putLines(node: Syntax | null, lines: readonly string[], slot: Slot): void {
    const { text } = this.source;
    const isEntry = 'entry' in slot;
    const start = isEntry ? slot.entry.colon : slot.item.from + 1;
    const column = columnOf(text, isEntry ? slot.entry.from : slot.item.from);
    const head = isEntry ? lines[0].replace(/^[^:]*:/, '') : lines[0].slice(1);
    const body = this.lines.indented(lines.slice(1), column);
    const end = node?.to ?? start;
    const rest = text.slice(end, this.lines.endOf(end));
    if (!rest.trim()) {
      this.changes.push(...[{ from: start, to: end, insert: [head, ...body].join(this.habits.eol) }]);
    } else {
      this.changes.push(
        ...[{ from: start, to: end, insert: head }, this.lines.append(this.lines.endOf(end), body)]
      );
    }
  }
}
