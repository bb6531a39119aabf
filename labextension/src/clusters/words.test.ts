import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { amount, amounts, permissionWords, slotsOf } from './words';

describe('amounts of a cluster', () => {
  it('are written with units that people use', () => {
    expect([
      amount('mem', '22576m'),
      amount('cpu', '4'),
      amount('mem', undefined),
      amount('mem', '0')
    ]).toEqual(['22.05 GiB', '4', '0', '0']);
  });

  it('are one line, without what is none', () => {
    const held = { cpu: '2', mem: '4g', 'cuda.device': '0', 'rocm.device': '1' };
    expect(amounts(held, slot => slot.toUpperCase())).toBe('2 CPU · 4 GiB · 1 ROCM.DEVICE');
  });

  it('of a group are shown: the usual ones, what it has, and what one holds', () => {
    const free = { cpu: '1', mem: '1g', 'cuda.device': '0', tpu: '0' };
    const total = { cpu: '2', mem: '2g', 'cuda.device': '2', tpu: '0' };
    expect(slotsOf({ free, mine: {}, total })).toEqual(['cpu', 'mem', 'cuda.device']);
    expect(slotsOf({ free, mine: { rocm: '1' }, total: null })).toEqual([
      'cpu',
      'mem',
      'cuda.device',
      'tpu',
      'rocm'
    ]);
  });
});

it('permissions are words, one that nobody knows is itself', () => {
  const trans = nullTranslator.load('');
  expect(['ro', 'wd', 'odd'].map(each => permissionWords(each, trans))).toEqual([
    'may read',
    'may read, write and remove',
    'odd'
  ]);
});
