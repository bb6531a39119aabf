import { describe, expect, it } from 'vitest';

import type { Json } from './edits';
import { readValue, withSources, writtenValue } from './properties_values';

describe('a value in one line', () => {
  const cases: [Json, string][] = [
    [3, '3'],
    [0.5, '0.5'],
    [true, 'true'],
    [null, 'null'],
    ['', ''],
    ['three', 'three'],
    ['3', '"3"'],
    ['"3"', '"\\"3\\""'],
    ['${{ params.lr }}', '${{ params.lr }}'],
    [[1, 'a'], '[1,"a"]'],
    [{ k: null }, '{"k":null}']
  ];
  it.each(cases)('%j is written %s, and read as what it was', (value, text) => {
    expect(writtenValue(value)).toBe(text);
    expect(readValue(text)).toEqual(value);
  });
});

describe('inputs with new sources', () => {
  const long = { from: 'a.m', type: 'Model' };

  it('keep what else an input says, also under a new name', () => {
    expect(withSources({ m: long, n: 'a.n' }, { m: 'b.m | a.m', n: 'b.n' })).toEqual({
      m: { from: 'b.m | a.m', type: 'Model' },
      n: 'b.n'
    });
    expect(withSources({ m: long }, { model: 'a.m' })).toEqual({ model: long });
  });

  it('are added and removed', () => {
    expect(withSources({ m: long }, { m: 'a.m', n: 'a.n' })).toEqual({ m: long, n: 'a.n' });
    expect(withSources({ m: long, n: 'a.n' }, { n: 'a.n' })).toEqual({ n: 'a.n' });
  });
});
