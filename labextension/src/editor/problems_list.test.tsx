import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { createRoot } from 'react-dom/client';
import { describe, expect, it, vi } from 'vitest';

import type { Problem } from './graph';
import { countWords, Problems } from './problems_list';

const trans = nullTranslator.load('test');
const problem = (message: string, severity: Problem['severity'], line: number): Problem => ({
  code: 'x', message, hint: 'do it', severity, line, column: 2, from: 1, to: 2, path: []
}); // prettier-ignore
const some = [
  problem('<b>first</b>', 'error', 3),
  problem('second', 'warning', 0),
  problem('third', 'notice', 9)
];

describe('the problems list', () => {
  it('counts in words', () => {
    expect(countWords(some, trans)).toBe('1 error, 1 warning, 1 notice');
    expect(countWords([], trans)).toBe('No problems');
  });

  it('shows a line each, as text, and goes there on a click or Enter', () => {
    Object.assign(globalThis, { IS_REACT_ACT_ENVIRONMENT: true });
    const onOpen = vi.fn();
    const host = document.body.appendChild(document.createElement('div'));
    React.act(() => createRoot(host).render(<Problems problems={some} trans={trans} onOpen={onOpen} />));
    const lines = [...host.querySelectorAll<HTMLElement>('[role="option"]')];
    const press = (line: HTMLElement, key: string) =>
      React.act(() => void line.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true })));
    expect(lines[0].textContent).toBe('✕ Error line 3, column 2 <b>first</b> do it');
    expect(lines.map(line => line.tabIndex)).toEqual([0, -1, -1]);
    React.act(() => lines[1].click());
    expect(onOpen).toHaveBeenLastCalledWith(some[1]);
    press(lines[1], 'ArrowDown');
    expect(document.activeElement).toBe(lines[2]);
    press(lines[2], 'Enter');
    expect(onOpen).toHaveBeenLastCalledWith(some[2]);
    press(lines[2], 'Home');
    expect(document.activeElement).toBe(lines[0]);
  });
});
