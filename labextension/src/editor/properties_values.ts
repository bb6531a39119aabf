/** Values of any type in one line of text: JSON, or else a text that means itself. */
import type { Json } from './edits';

/** `value` as a person writes it; a text that could be read as another value stands between quotes. */
export function writtenValue(value: Json): string {
  return typeof value === 'string' && jsonOf(value) === undefined ? value : JSON.stringify(value);
}

/** What `text` means. */
export function readValue(text: string): Json {
  const found = jsonOf(text);
  return found === undefined ? text : found;
}

/**
 * Inputs with new names and sources. One in its long form (`{from, type}`) keeps the rest of it; where only names differ,
 * the one at the same place is meant.
 */
export function withSources(
  inputs: Readonly<Record<string, Json>>,
  sources: Readonly<Record<string, string>>
): Record<string, Json> {
  const [old, next] = [Object.entries(inputs), Object.entries(sources)];
  return Object.fromEntries(
    next.map(([name, from], place): [string, Json] => {
      const known = inputs[name] ?? (old.length === next.length ? old[place][1] : undefined);
      const isLong = typeof known === 'object' && known !== null && 'from' in known;
      return [name, isLong ? { ...known, from } : from];
    })
  );
}

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

/** A value as one line of text. */
export function textOf(value: Json | undefined): string {
  return value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}
