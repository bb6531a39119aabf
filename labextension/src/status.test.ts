import { describe, expect, it } from 'vitest';

import type { Status } from './generated';
import { ICONS, progressWords, STATES, stateOf, type State } from './status';

describe('the state that is seen', () => {
  const cases: [Status, 'SUCCESS' | 'FAILURE' | 'UNDEFINED', string, State][] = [
    ['WAITING', 'UNDEFINED', '', 'waiting'],
    ['PENDING', 'UNDEFINED', '', 'waiting'],
    ['PREEMPTED', 'UNDEFINED', '', 'waiting'],
    ['PREPARING', 'UNDEFINED', '', 'preparing'],
    ['PULLING', 'UNDEFINED', '', 'preparing'],
    ['RUNNING', 'UNDEFINED', '', 'running'],
    ['RESIZING', 'UNDEFINED', '', 'running'],
    ['TERMINATING', 'UNDEFINED', '', 'running'],
    ['TERMINATED', 'SUCCESS', '', 'success'],
    ['TERMINATED', 'SUCCESS', 'reused from job #11', 'reused'],
    ['TERMINATED', 'FAILURE', 'exit 3', 'failure'],
    ['ERROR', 'FAILURE', 'lost', 'failure'],
    ['CANCELLED', 'UNDEFINED', 'cancelled', 'cancelled'],
    ['SKIPPED', 'SUCCESS', 'skip: true', 'skipped']
  ];
  it.each(cases)('%s %s %s is %s', (status, result, reason, state) => {
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
