import { describe, expect, it } from 'vitest';

import type { Problem } from './graph';
import { mergeProblems } from './problems';

const problem = (message: string, line: number, path: readonly string[], code = 'unknown'): Problem => ({
  code, message, hint: '', severity: 'error', line, column: 1, from: line, to: line + 1, path: [...path]
}); // prettier-ignore
const words = (problems: readonly Problem[]) => problems.map(each => each.message);

describe('the editor’s and the server’s problems as one list', () => {
  it('says what both found in the editor’s words, which are the reader’s', () => {
    const own = [problem('없음', 2, ['tasks', 'a'])];
    const same = problem('nobody', 2, ['tasks', 'a']);
    expect(words(mergeProblems(own, [same]))).toEqual(['없음']);
    expect(words(mergeProblems(own, [{ ...same, path: ['tasks', '0'] }]))).toEqual(['없음']);
  });

  it('leaves out nothing of which the server found more on a line', () => {
    const own = [problem('ours', 2, ['x'])];
    const theirs = [problem('one', 2, ['y']), problem('two', 2, ['z']), problem('else', 1, ['x'], 'other')];
    expect(words(mergeProblems(own, theirs))).toEqual(['else', 'ours', 'one', 'two']);
  });
});
