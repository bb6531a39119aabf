import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { aSummary } from './fixtures/values';
import { ago, duration, secondsBetween } from '../time';
import { jobSentence, jobTitle, slotAmount } from './words';

const trans = nullTranslator.load('fasttrack_jupyter');

describe('times', () => {
  it.each([
    [0, '0 s'],
    [0.42, '0.4 s'],
    [9.96, '10.0 s'],
    [42.4, '42 s'],
    [59.7, '1 min'],
    [125, '2 min 5 s'],
    [3600, '1 h'],
    [12_060, '3 h 21 min'],
    [187_200, '2 d 4 h']
  ])('%d seconds last %s', (seconds, words) => {
    expect(duration(seconds, trans)).toBe(words);
  });

  const now = Date.parse('2026-11-22T06:00:00Z');
  it.each([
    ['2026-11-22T05:59:57Z', 'just now'],
    ['2026-11-22T06:00:03Z', 'just now'],
    ['2026-11-22T05:59:15Z', '45 s ago'],
    ['2026-11-22T05:57:00Z', '3 min ago'],
    ['2026-11-22T01:10:00Z', '4 h ago'],
    ['2026-11-19T05:00:00Z', '3 d ago']
  ])('%s was %s', (time, words) => {
    expect(ago(time, now, trans)).toBe(words);
  });

  it('what has not begun has no duration, what has not ended lasts until now', () => {
    expect(secondsBetween(null, null, now)).toBeNull();
    expect(secondsBetween('2026-11-22T05:59:00Z', null, now)).toBe(60);
  });
});

describe('words', () => {
  it('a job goes by its name, else by pipeline and index', () => {
    expect([jobTitle(aSummary()), jobTitle(aSummary({ name: 'baseline' }))]).toEqual([
      'digits #12',
      'baseline'
    ]);
  });

  it('a job is a sentence for who cannot see it', () => {
    const job = aSummary({
      status: 'TERMINATED',
      result: 'FAILURE',
      reason: 'train failed',
      tags: ['nightly']
    });
    expect(jobSentence(job, '3 min ago', '2 s', trans)).toBe(
      'digits #12, failed, train failed, 3 min ago, 2 s, nightly'
    );
  });

  it('amounts have the units that people use', () => {
    expect(slotAmount('mem', 16 * 2 ** 30, trans)).toBe('16 GiB');
    expect(slotAmount('cpu', 2.5, trans)).toBe('2.5 cores');
    expect(slotAmount('cpu', 1, trans)).toBe('1 core');
    expect(slotAmount('cuda.device', 2, trans)).toBe('2');
  });
});
