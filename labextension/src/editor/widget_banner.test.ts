import { expect, it } from 'vitest';

import { begun, closed } from './widget_banner';

it('ends a text with a full stop before a hint, where it has no end of its own', () => {
  expect(closed('job demo#3 has not ended')).toBe('job demo#3 has not ended.');
  expect(closed('‘a’ is not there')).toBe('‘a’ is not there.');
  expect(closed('작업을 찾을 수 없음')).toBe('작업을 찾을 수 없음.');
  const ended = ['It failed.', 'Why?', 'waiting …', 'Job #3: failed · 1 ✕'];
  expect(ended.map(closed)).toEqual(ended);
});

it('begins a hint as a sentence', () => {
  expect(begun('cancel it first')).toBe('Cancel it first');
});
