import { describe, expect, it } from 'vitest';

import { MOST_COLUMNS, PAGE_ROWS, recordEnds, TablePages, type TableKind } from './pages';

function pagesOf(text: string, kind: TableKind = 'csv'): { pages: TablePages; asked: [number, number][] } {
  const bytes = new TextEncoder().encode(text);
  const asked: [number, number][] = [];
  const read = (start: number, end: number): Promise<Uint8Array> => {
    asked.push([start, end]);
    return Promise.resolve(bytes.subarray(start, end));
  };
  return { pages: new TablePages(kind, bytes.length, read), asked };
}

const LONG = `id,text\n${Array.from({ length: 30_000 }, (_, at) => `${at},"한국 ${'x'.repeat(40)}\nline, two"`).join('\n')}\n`;

describe('a table in a file', () => {
  it('keeps quoted cells whole, with commas, line ends and any letters', async () => {
    const page = await pagesOf('a,b\n"x, 한\n국","""q"""\n1,2').pages.page(0);
    expect(page).toMatchObject({ head: ['a', 'b'], first: 0, isLast: true, part: 1 });
    expect(page.rows).toEqual([
      ['x, 한\n국', '"q"'],
      ['1', '2']
    ]);
  });

  it('is shown page by page, and only what is shown is read', async () => {
    const { pages, asked } = pagesOf(LONG);
    expect((await pages.page(0)).rows).toHaveLength(PAGE_ROWS);
    const third = await pages.page(2);
    expect(third).toMatchObject({ first: 2 * PAGE_ROWS, index: 2, isLast: false });
    expect(third.rows[0][0]).toBe(String(2 * PAGE_ROWS));
    const bytes = asked.reduce((sum, [start, end]) => sum + end - start, 0);
    expect(bytes).toBeLessThan(LONG.length * 0.8);
    const back = await pages.page(1);
    expect(back.rows[0][0]).toBe(String(PAGE_ROWS));
  });

  it('has a last page, which is read from its end', async () => {
    const { pages, asked } = pagesOf(LONG);
    const last = await pages.last();
    expect(last).toMatchObject({ first: null, isLast: true });
    expect(last.rows[last.rows.length - 1][0]).toBe('29999');
    expect(asked.length).toBeLessThan(4);
    const near = await pagesOf('a\n1\n2\n').pages.last();
    expect(near).toMatchObject({ first: 0, rows: [['1'], ['2']] });
  });

  it('ends at its last page, however far on is asked for', async () => {
    const { pages } = pagesOf(`a\n${'1\n'.repeat(PAGE_ROWS + 3)}`);
    expect(await pages.page(7)).toMatchObject({ index: 1, isLast: true, rows: { length: 3 } });
  });

  it('of JSON lines has the names of all records as columns, and passes over what is no record', async () => {
    const page = await pagesOf('{"a": 1}\nnoise\n[2]\n{"b": {"c": 3}}\n', 'jsonl').pages.page(0);
    expect(page.head).toEqual(['a', 'b']);
    expect(page.rows).toEqual([
      ['1', ''],
      ['', '{"c":3}']
    ]);
  });

  it('with a quote that nobody closed is still shown, line by line', async () => {
    const text = `a,b\n1,"open\n${'2,3\n'.repeat(2_000_000)}`;
    const page = await pagesOf(text).pages.page(0);
    expect(page.rows.length).toBeGreaterThan(0);
  });

  it('of very many columns is cut', async () => {
    const page = await pagesOf(`${'a,'.repeat(5000)}a\n${'1,'.repeat(5000)}1\n`).pages.page(0);
    expect([page.head.length, page.rows[0].length]).toEqual([MOST_COLUMNS, MOST_COLUMNS]);
  });

  it('that grows goes on behind what is known of it', async () => {
    const text = `a\n${'1\n'.repeat(PAGE_ROWS)}`;
    const bytes = new TextEncoder().encode(`${text}2\n`);
    const pages = new TablePages('csv', text.length, (start, end) =>
      Promise.resolve(bytes.subarray(start, end))
    );
    expect((await pages.page(0)).isLast).toBe(true);
    pages.grow(bytes.length);
    expect((await pages.page(0)).isLast).toBe(false);
    expect((await pages.page(1)).rows).toEqual([['2']]);
  });
});

it('records end at line ends that are not within quotes', () => {
  const bytes = new TextEncoder().encode('a\n"b\nc"\nd');
  expect(recordEnds(bytes, true)).toEqual([2, 8]);
  expect(recordEnds(bytes, false)).toEqual([2, 5, 8]);
});
