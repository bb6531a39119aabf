import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { ApiError } from './api';
import { bytes, numberOf, sentence, troubleHere, troubleOf, writtenSpace } from './words';

describe('words', () => {
  it('an error of the server is its own words and its remedy', () => {
    expect(troubleOf(new ApiError(409, 'conflict', 'Job #3 runs', 'Cancel it first.'))).toEqual({
      message: 'Job #3 runs',
      hint: 'Cancel it first.'
    });
    expect(troubleOf('boo')).toEqual({ message: 'boo', hint: '' });
  });

  it('trouble is one sentence after the other, each with one full stop at most', () => {
    expect(sentence({ message: 'there is no vfolder.', hint: 'make one' })).toBe(
      'There is no vfolder. Make one'
    );
    expect(sentence({ message: 'no', hint: '' })).toBe('No');
  });

  it('remedies for a terminal become some for JupyterLab', () => {
    const hintOf = (hint: string) =>
      troubleHere(new ApiError(404, 'not_found', 'no', hint), nullTranslator.load('')).hint;
    expect(hintOf('fasttrack cluster sessions lists them')).toBe(
      'The tab “Sessions” of the cluster lists them.'
    );
    expect(hintOf('Give it others: fasttrack login (they …).')).toContain('keys of the profile');
    expect([hintOf('see: fasttrack doctor'), hintOf('Ask an administrator.')]).toEqual([
      '',
      'Ask an administrator.'
    ]);
  });

  it('sizes have binary units', () => {
    expect([bytes(0), bytes(1536), bytes(300 * 2 ** 30)]).toEqual(['0 B', '1.5 KiB', '300 GiB']);
    expect([writtenSpace('76.2g'), writtenSpace('lots')]).toEqual(['76.2 GiB', 'lots']);
  });

  it('written amounts are numbers for bars', () => {
    expect(['1k', '2.5', '512 MiB', '', undefined].map(numberOf)).toEqual([
      1024,
      2.5,
      512 * 2 ** 20,
      null,
      null
    ]);
  });
});
