import { describe, expect, it } from 'vitest';

import { amount, bytes, numberOf } from './words';

describe('amounts of a cluster', () => {
  it('are written with units that people use', () => {
    expect([amount('mem', '16g'), amount('cpu', '4'), amount('mem', undefined)]).toEqual([
      '16 GiB',
      '4',
      '0'
    ]);
    expect([bytes(0), bytes(1536), bytes(300 * 1024 ** 3)]).toEqual(['0 B', '1.5 KiB', '300 GiB']);
  });

  it('are numbers for bars', () => {
    expect([numberOf('1k'), numberOf('2.5'), numberOf(undefined)]).toEqual([1024, 2.5, 0]);
  });
});
