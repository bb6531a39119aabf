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

function jsonOf(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}
