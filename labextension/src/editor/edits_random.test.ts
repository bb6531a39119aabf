import { describe, expect, it } from 'vitest';

import { readDocument } from './document';
import { Source } from './document_source';
import { applyEdit, EditRefused, type Edited, type TextChange } from './edits';
import { applyChanges } from './edits_changes';
import { randomEdit, randomFrom, randomText } from './fixtures/random';

/** Words by which an edit is rightly refused. */
const RIGHTLY =
  /may not be named|already|wait for each other|no task|uses an output|clipboard|mapping of keys|no name any more/;

/** The changes that take `changes` of `text` back. */
function inverse(text: string, changes: readonly TextChange[]): TextChange[] {
  let moved = 0;
  return changes.map(({ from, to, insert }) => {
    const start = from + moved;
    moved += insert.length - (to - from);
    return { from: start, to: start + insert.length, insert: text.slice(from, to) };
  });
}

function tried(text: string, edit: Parameters<typeof applyEdit>[1]): Edited | null {
  try {
    return applyEdit(text, edit);
  } catch (error) {
    if (error instanceof EditRefused && RIGHTLY.test(error.message)) {
      return null;
    }
    throw new Error(`${String(error)}\n${JSON.stringify(edit)}\n${text}`, { cause: error });
  }
}

describe('any sequence of edits', () => {
  it.each(Array.from({ length: 8 }, (_, seed) => seed))(
    'can be taken back to the first byte (%i)',
    seed => {
      for (let round = 0; round < 12; round += 1) {
        const random = randomFrom(seed * 1000 + round);
        const first = randomText(random);
        let text = first;
        const back: TextChange[][] = [];
        expect(new Source(text).isBroken, text).toBe(false);
        for (let number = 0; number < 6; number += 1) {
          const { graph } = readDocument(text);
          const edit = randomEdit(random, graph!);
          const edited = tried(text, edit);
          if (edited) {
            const next = applyChanges(text, edited.changes);
            const reading = readDocument(next);
            expect(reading.isBroken, `${JSON.stringify(edit)}\n${text}\n=>\n${next}`).toBe(false);
            const names = reading.graph!.tasks.map(task => task.name);
            expect(names).toEqual(expect.arrayContaining(edited.selects));
            back.push(inverse(text, edited.changes));
            if (text.includes('\r\n') && !text.replace(/\r\n/g, '').includes('\n')) {
              expect(next.replace(/\r\n/g, ''), JSON.stringify(edit)).not.toContain('\n');
            }
            text = next;
          }
        }
        for (const changes of back.reverse()) {
          text = applyChanges(text, changes);
        }
        expect(text).toBe(first);
      }
    },
    60_000
  );
});
