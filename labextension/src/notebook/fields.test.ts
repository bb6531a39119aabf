import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { conflictsOf, groupsOf, nameProblem, problemOf } from './fields';
import { SHAPES } from './options';

const trans = nullTranslator.load('');

describe('what is typed', () => {
  it.each([
    ['cpu', '0.5'],
    ['gpu', '2'],
    ['mem', '512m'],
    ['shm', '1 GiB'],
    ['timeout', '1h30m'],
    ['retry', '3'],
    ['env', 'A=1\nB='],
    ['slot', 'rocm.device=1'],
    ['in', 'X, größe'],
    ['secret', 'TOKEN'],
    ['image', 'anything at all'],
    ['backend', 'backend.ai:work'],
    ['mem', '']
  ])('%s: %j is right', (key, text) => expect(problemOf(key, text, trans)).toBeNull());

  it.each([
    ['cpu', 'many'],
    ['cpu', '0'],
    ['gpu', '0.5'],
    ['mem', 'much'],
    ['timeout', 'soon'],
    ['retry', '0'],
    ['env', 'A'],
    ['env', '1A=2'],
    ['in', 'a-b'],
    ['secret', 'MY TOKEN'],
    ['backend', 'my cluster']
  ])('%s: %j is wrong', (key, text) => expect(problemOf(key, text, trans)).toMatch(/\.$/));

  it('is a task’s name in any script', () => {
    expect(nameProblem('학습 1', trans)).toBeNull();
    for (const name of ['', ' a', 'a/b', 'x'.repeat(65)]) {
      expect(nameProblem(name, trans)).not.toBeNull();
    }
  });
});

it('says what does not go together', () => {
  expect(
    Object.keys(conflictsOf({ image: 'a', requirements: ['b'], gpu: 1, gpu_share: 0.5 }, trans))
  ).toEqual(['requirements', 'gpu_share']);
  expect(conflictsOf({ image: 'a', gpu: 1 }, trans)).toEqual({});
});

it('has a field for each option, but for those with a control of their own, and `run`, which is the magic’s', () => {
  const fields = groupsOf(trans).flatMap(each => each.fields.map(field => field.key));
  const own = ['after', 'final', 'skip', 'cache', 'side_effects', 'shell', 'run', 'mode'];
  expect([...fields, ...own].sort()).toEqual(Object.keys(SHAPES).sort());
});
