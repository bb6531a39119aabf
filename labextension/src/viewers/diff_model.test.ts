import { describe, expect, it } from 'vitest';

import { linesOf, unifiedLines, valueText } from './diff_model';

const text = (lines: ReturnType<typeof linesOf>): string[] => lines.map(line => `${line.sign}${line.text}`);

describe('lines that differ', () => {
  it('leaves out what is alike at both ends, but for one line', () => {
    expect(text(linesOf('a\nb\nc\nd\n', 'a\nb\nX\nd\n'))).toEqual([' b', '−c', '+X', ' d']);
  });

  it('tells a side that has none of it', () => {
    expect(text(linesOf(null, 'a\nb'))).toEqual(['+a', '+b']);
    expect(text(linesOf('a', null))).toEqual(['−a']);
  });

  it('counts a line that was said twice once', () => {
    expect(text(linesOf('a\na', 'a'))).toEqual([' a', '−a']);
  });

  it('reads a unified diff without its names', () => {
    expect(text(unifiedLines(['--- a', '+++ b', '@@ -1 +1 @@', '-x', '+y', ' z']))).toEqual([
      '@@@ -1 +1 @@',
      '−x',
      '+y',
      ' z'
    ]);
  });

  it('tells nothing, a word and a list apart', () => {
    expect([valueText(null), valueText('a'), valueText([1])]).toEqual([null, 'a', '[1]']);
  });
});
