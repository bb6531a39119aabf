import { describe, expect, it } from 'vitest';

import type { Json } from './edits';
import { readValue, writtenValue } from './properties_values';

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
