/** Tasks as text: for the clipboard, from the clipboard. */
import type { Source } from './document_source';

/** Tasks as YAML with their comments. */
export function textOfTasks(source: Source, names: readonly string[]): string {
  return names.length ? source.text : '';
}
