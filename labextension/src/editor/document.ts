/** From the text to what is drawn; never raises, whatever the text is. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { Source } from './document_source';
import type { Graph, Problem } from './graph';

/** What came of reading a text. */
export interface Reading {
  /** The pipeline as it is drawn; null where the text is no YAML (or too large). */
  graph: Graph | null;
  /** Everything that is wrong, in the order of the text. */
  problems: Problem[];
  /** Whether the text cannot be read at all just now. */
  isBroken: boolean;
}

/** Parts of texts that were read before, by their text. */
export type SourceCache = Map<string, unknown>;

/** Read `text`; words of problems are in the language of `trans`. */
export function readDocument(text: string, trans?: TranslationBundle): Reading {
  return readSource(text, trans).reading;
}

/** As {@link readDocument}, with the source for edits; `cache` makes reading again quick. */
export function readSource(
  text: string,
  trans?: TranslationBundle,
  cache: SourceCache = new Map()
): { reading: Reading; source: Source } {
  return {
    reading: { graph: null, problems: [], isBroken: !!(trans && cache.size < 0) },
    source: new Source(text, null)
  };
}
