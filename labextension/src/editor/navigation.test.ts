import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { keyTable } from './commands_keys';
import { actionOf, KEYS, keyName } from './navigation';
import type { KeyPress } from './navigation';

const press = (key: string, more: Partial<KeyPress> = {}): KeyPress => ({
  key,
  code: '',
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  shiftKey: false,
  ...more
});

describe('keys', () => {
  it('have one meaning each', () => {
    const keys = KEYS.flatMap(entry => entry.keys);
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('are all in the help', () => {
    const arrows: Record<string, string> = {
      '←': 'ArrowLeft',
      '→': 'ArrowRight',
      '↑': 'ArrowUp',
      '↓': 'ArrowDown'
    };
    const told = keyTable(nullTranslator.load(''), false).flatMap(line =>
      line.keys.map(key =>
        key
          .replace('Ctrl ', 'Mod+')
          .replace(/(Shift|Alt) /, '$1+')
          .replace(/[←→↑↓]/, arrow => arrows[arrow])
          .replace(/^Esc$/, 'Escape')
      )
    );
    const untold = KEYS.filter(entry => !entry.keys.some(key => told.includes(key)));
    expect(untold.map(entry => entry.action)).toEqual([]);
  });

  it('are known by letter, whatever caps lock does', () => {
    expect(actionOf(press('a'), false)?.action).toBe('add');
    expect(actionOf(press('A'), false)?.action).toBe('add');
  });

  it('are known by place while a Korean input method is on', () => {
    expect(actionOf(press('ㅁ', { code: 'KeyA' }), false)?.action).toBe('add');
    expect(actionOf(press('Process', { code: 'KeyL' }), false)?.action).toBe('log');
  });

  it('tell R from Shift+R', () => {
    expect(actionOf(press('r'), false)?.action).toBe('run');
    expect(actionOf(press('R', { shiftKey: true }), false)?.action).toBe('run-from');
  });

  it('take Ctrl, and on a Mac ⌘', () => {
    expect(actionOf(press('d', { ctrlKey: true }), false)?.action).toBe('duplicate');
    expect(actionOf(press('d', { metaKey: true }), true)?.action).toBe('duplicate');
    expect(actionOf(press('d', { metaKey: true }), false)).toBeNull();
  });

  it('leave save and undo to JupyterLab', () => {
    expect(actionOf(press('s', { ctrlKey: true }), false)).toBeNull();
    expect(actionOf(press('z', { ctrlKey: true }), false)).toBeNull();
  });

  it('ignore the shift that a sign needs', () => {
    expect(keyName(press('?', { shiftKey: true }), false)).toBe('?');
  });
});
