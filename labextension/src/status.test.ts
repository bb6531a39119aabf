import { describe, expect, it } from 'vitest';

import states from './fixtures/states.json';
import type { Result, Status } from './generated';
import { ICONS, progressWords, STATES, stateOf, type State } from './status';

/** The terminal and the kernel are checked against the same. */
const CASES = states.states as [Status, Result, string, State][];

describe('the state that is seen', () => {
  it.each(CASES)('%s %s "%s" is %s', (status, result, reason, state) => {
    expect(stateOf({ status, result, reason })).toBe(state);
  });

  it('is told with how far a running task says that it is', () => {
    expect(progressWords({ fraction: 0.29, text: 'cell 2 of 5' })).toBe('29 % · cell 2 of 5');
    expect(progressWords({ fraction: 0, text: '' })).toBe('0 %');
    expect(progressWords({ fraction: null, text: 'loading' })).toBe('loading');
    expect(progressWords(null)).toBe('');
  });

  it('has an icon of its own for each', () => {
    expect(new Set(STATES.map(state => ICONS[state])).size).toBe(STATES.length);
  });
});
