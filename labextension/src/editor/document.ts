/** From the text to what is drawn; never raises, whatever the text is. */
import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';

import { DOMAIN } from '../tokens';
import { factsOf, type Facts } from './document_facts';
import { complaintsAsProblems, placed, problemsOf } from './document_problems';
import { isObject, Source, type SourceCache } from './document_source';
import type { Json } from './edits';
import type { Graph, GraphTask, Position, Problem, Remark } from './graph';

export type { SourceCache } from './document_source';

/** Characters of a text that is still drawn: some fifteen thousand tasks. */
export const MAX_TEXT = 4 << 20;

/** Where the canvas keeps what it has to remember in the text. */
export const CANVAS_KEY = 'x-canvas';

/** What came of reading a text. */
export interface Reading {
  /** The pipeline as it is drawn; null where the text is no YAML (or too large). */
  graph: Graph | null;
  /** Everything that is wrong, in the order of the text. */
  problems: Problem[];
  /** Whether the text cannot be read at all just now. */
  isBroken: boolean;
}

/** Read `text`; words of problems are in the language of `trans`. */
export function readDocument(text: string, trans?: TranslationBundle): Reading {
  return readSource(text, trans).reading;
}

/** As {@link readDocument}, with the source for edits; `cache` makes reading again quick. */
export function readSource(
  text: string,
  trans: TranslationBundle = nullTranslator.load(DOMAIN),
  cache: SourceCache = new Map()
): { reading: Reading; source: Source } {
  if (text.length > MAX_TEXT) {
    return { reading: tooLarge(text, trans), source: new Source('', cache) };
  }
  const source = new Source(text, cache);
  if (source.isBroken) {
    const problems = complaintsAsProblems(text, source.complaints, trans);
    return { reading: { graph: null, problems, isBroken: true }, source };
  }
  const isReadable = isObject(source.data) || source.root === null;
  const problems = problemsOf(source, trans);
  return { reading: { graph: isReadable ? graphOf(source) : null, problems, isBroken: !isReadable }, source };
}

function tooLarge(text: string, trans: TranslationBundle): Reading {
  const size = (text.length / (1 << 20)).toFixed(1);
  const message = trans.__(
    'the file is too large to be drawn: %1 million characters, %2 are the most',
    size,
    MAX_TEXT >> 20
  );
  const hint = trans.__('it can still be run and validated; edit it as text');
  const problems = placed('', [{ code: 'too-large-to-draw', message, hint, from: 0, to: 0, path: [] }]);
  return { graph: null, problems, isBroken: true };
}

/** The pipeline of `source` as it is drawn; an empty one where it holds none. */
export function graphOf(source: Source): Graph {
  const data = isObject(source.data) ? source.data : {};
  const canvas = isObject(data[CANVAS_KEY]) ? data[CANVAS_KEY] : {};
  const positions = isObject(canvas.positions) ? canvas.positions : {};
  const facts = new Map<string, { facts: Facts; base: number }>();
  for (const task of source.tasks) {
    const own = factsOf(task);
    if (own.name !== null && !facts.has(own.name)) {
      facts.set(own.name, { facts: own, base: task.base });
    }
  }
  return {
    name: wordOf(data.name),
    description: wordOf(data.description),
    tasks: [...facts].map(([name, own]) =>
      drawn(name, own.facts, own.base, facts, positionOf(positions[name]))
    ),
    remarks: remarksOf(canvas.remarks)
  };
}

function drawn(
  name: string,
  facts: Facts,
  base: number,
  known: ReadonlyMap<string, unknown>,
  position: Position | undefined
): GraphTask {
  const needs = facts.needs.filter(need => need.name !== name && known.has(need.name));
  const explicit = new Set(needs.filter(need => need.isExplicit).map(need => need.name));
  const dependencies = [...new Set(needs.map(need => need.name))];
  return {
    name,
    type: facts.type,
    image: facts.image,
    resources: facts.resources,
    dependencies,
    implied: dependencies.filter(one => !explicit.has(one)),
    skip: facts.skip,
    ...(facts.rules ? { rules: facts.rules } : {}),
    description: facts.description,
    from: facts.from + base,
    to: facts.to + base,
    ...(position ? { position } : {})
  };
}

function wordOf(data: Json | undefined): string {
  return typeof data === 'string' || typeof data === 'number' ? String(data) : '';
}

function positionOf(data: Json | undefined): Position | undefined {
  const [x, y] = Array.isArray(data) ? (data as readonly Json[]) : [];
  return Number.isFinite(x) && Number.isFinite(y) ? { x: x as number, y: y as number } : undefined;
}

function remarksOf(data: Json | undefined): Remark[] {
  return Object.entries(isObject(data) ? data : {}).flatMap(([id, remark]): Remark[] => {
    const position = isObject(remark) ? positionOf(remark.at) : undefined;
    return isObject(remark) ? [{ id, text: wordOf(remark.text), position: position ?? { x: 0, y: 0 } }] : [];
  });
}
