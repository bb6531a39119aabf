/** Tasks as text: for the clipboard and from it. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { isObject, nameOf, Source } from './document_source';
import { EditRefused, type Json } from './edits';
import { columnOf, habitsOf, itemLines } from './edits_render';
import { Lines } from './edits_lines';
import { write, type RawTasks } from './edits_write';
import { renamed } from './edits_data';

/** Tasks as YAML with their comments: a list at the left margin, in the order of the text. */
export function textOfTasks(source: Source, names: readonly string[]): string {
  const wanted = new Set(names);
  const places = source.tasks
    .map((_, place) => place)
    .filter(place => wanted.has(nameOf(source.tasks[place].data) ?? ''));
  return places.map(place => linesOf(source, place).join('\n') + '\n').join('');
}

/** The lines of task number `place`, with the comments right above it, at the left margin. */
function linesOf(source: Source, place: number): string[] {
  const { value, base, from, data } = source.tasks[place];
  const { text, root } = source;
  const list = root?.kind === 'map' ? root.entries.find(entry => entry.key === 'tasks')?.value : null;
  if (list?.kind !== 'seq' || list.isFlow || source.hasAliases || text[base + from] !== '-') {
    return itemLines(data, { ...habitsOf(source), indentsLists: true });
  }
  const lines = new Lines(text, '\n');
  const column = columnOf(text, base + from);
  const start = lines.withComments(lines.startOf(base + from), column);
  const own = text.slice(start, lines.endOf(base + (value?.to ?? from + 1)));
  return own
    .replace(/\r?\n$/, '')
    .split(/\r?\n/)
    .map(line => (line.slice(0, column).trim() ? line : line.slice(column)));
}

/** Tasks read from a text: each with its data and its lines. */
export interface Pasted {
  tasks: Json[];
  raw: RawTasks;
}

/** The tasks in `text`: a list of them, one alone, or a whole pipeline, as YAML or JSON; throws EditRefused. */
export function tasksIn(text: string, trans: TranslationBundle): Source {
  const lead = text.replace(/^\ufeff/, '');
  const deeper = lead.trim().replace(/\n/g, '\n  ');
  const source = [lead, `tasks:\n${lead}`, `tasks:\n  ${deeper}\n`, `tasks:\n- ${deeper}\n`]
    .map(one => new Source(one))
    .find(one => isTasks(one));
  if (!source) {
    throw new EditRefused(
      trans.__('The clipboard holds no tasks'),
      trans.__('Copy tasks on a canvas, or the text of a list of tasks: - name: …')
    );
  }
  return source;
}

function isTasks(source: Source): boolean {
  return (
    !source.isBroken &&
    source.tasks.length > 0 &&
    source.tasks.every(task => isObject(task.data) && nameOf(task.data) !== null)
  );
}

/** The tasks of `source` called by `names`, with their text where it can be had. */
export function renamedTasks(
  source: Source,
  names: ReadonlyMap<string, string>,
  trans: TranslationBundle
): Pasted {
  const tasks = source.tasks.map(task => renamed(task.data, names));
  if (source.hasAliases || !isObject(source.data)) {
    return { tasks, raw: new Map() };
  }
  const { source: written } = write(source, { ...source.data, tasks }, trans);
  const own = written.tasks.map(task => task.data);
  return { tasks: own, raw: new Map(own.map((data, place) => [data, linesOf(written, place)])) };
}
