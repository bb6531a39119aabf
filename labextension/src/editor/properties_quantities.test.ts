import { describe, expect, it } from 'vitest';

import { nearestStop, parseQuantity, quantityWords, scaleOf, writeQuantity } from './properties_quantities';

const GIB = 2 ** 30;

describe('quantities of slots', () => {
  it.each([
    ['16g', 16 * GIB],
    ['512m', GIB / 2],
    ['1.5 GiB', 1.5 * GIB],
    ['0.5', 0.5],
    [4, 4],
    ['many', undefined],
    [undefined, undefined]
  ])('%s is %s', (written, value) => expect(parseQuantity(written)).toBe(value));

  it.each([
    ['mem', 16 * GIB, '16g'],
    ['mem', 1.5 * GIB, '1536m'],
    ['cpu', 0.5, 0.5],
    ['cuda.device', 2, 2]
  ])('%s %s is written %s', (slot, value, written) => expect(writeQuantity(slot, value)).toBe(written));

  it('a slider ends at what the backend has', () => {
    expect(scaleOf('cpu', 4).stops).toEqual([0, 0.25, 0.5, 1, 2, 3, 4]);
    expect(scaleOf('mem', 23.5 * GIB).stops.at(-1)).toBe(23.5 * GIB);
    expect(scaleOf('cuda.shares', 1).stops).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });

  it('a slider of a large machine has few stops', () => {
    expect(scaleOf('cpu', 4096).stops.length).toBeLessThan(300);
  });

  it('what is written between two stops is shown at the nearer one', () => {
    const scale = scaleOf('cpu', 4);
    expect(scale.stops[nearestStop(scale, 1.2)]).toBe(1);
  });

  it('says memory in units that people use', () => {
    expect(quantityWords('mem', '24064m')).toBe('23.5 GiB');
    expect(quantityWords('cpu', 4)).toBe('4');
  });
});
