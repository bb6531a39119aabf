import { describe, expect, it } from 'vitest';

import { amount, amounts } from './words';

describe('amounts of a cluster', () => {
  it('are written with units that people use', () => {
    expect([amount('mem', '16g'), amount('cpu', '4'), amount('mem', undefined), amount('mem', '0')]).toEqual([
      '16 GiB',
      '4',
      '0',
      '0'
    ]);
  });

  it('are one line, without what is none', () => {
    const held = { cpu: '2', mem: '4g', 'cuda.device': '0', 'rocm.device': '1' };
    expect(amounts(held, slot => slot.toUpperCase())).toBe('2 CPU · 4 GiB · 1 ROCM.DEVICE');
  });
});
