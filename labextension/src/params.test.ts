import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { fieldsOf, needsAsking, problemOf, valuesOf } from './params';

const trans = nullTranslator.load('');
const fields = fieldsOf([
  { name: 'seed', type: 'int', default: 7, description: 'the seed' },
  { name: 'rate', type: 'float' },
  { name: 'on', type: 'bool', default: true },
  { name: 'sizes', type: 'list', default: [1, 2] },
  { name: 'kind', choices: ['a', 'b'], default: 'a' },
  { name: 'note', required: false }
]);
const [seed, rate, , sizes, kind, note] = fields;

describe('fieldsOf', () => {
  it('reads type, default, choices and whether a value must be given', () => {
    expect(seed).toMatchObject({ type: 'int', initial: '7', hasDefault: true, isRequired: false });
    expect(rate).toMatchObject({ type: 'float', initial: '', isRequired: true });
    expect(sizes.initial).toBe('[1,2]');
    expect(kind).toMatchObject({ type: 'str', choices: ['a', 'b'] });
    expect(note.isRequired).toBe(false);
  });

  it('leaves out what is no parameter, and survives any text', () => {
    expect(fieldsOf([null, 3, { type: 'int' }, { name: '' }, []])).toEqual([]);
    expect(fieldsOf('nonsense')).toEqual([]);
    expect(fieldsOf(undefined)).toEqual([]);
  });
});

it('says at the field why a text is no value', () => {
  expect(problemOf(seed, 'many', trans)).toContain('whole number');
  expect(problemOf(rate, '', trans)).toContain('needed');
  expect(problemOf(rate, '1e-3', trans)).toBeNull();
  expect(problemOf(sizes, '[1', trans)).toContain('JSON list');
  expect(problemOf(kind, '', trans)).toBeNull();
});

it('sends what differs from the defaults, typed', () => {
  expect(valuesOf(fields, { seed: '9', rate: '0.5', on: 'false', sizes: '[3]' })).toEqual({
    seed: 9,
    rate: 0.5,
    on: false,
    sizes: [3]
  });
  expect(valuesOf([seed, kind, note], {})).toEqual({});
});

it('asks only where a needed value has no default', () => {
  expect(needsAsking(fields)).toBe(true);
  expect(needsAsking([seed, kind, note])).toBe(false);
});
