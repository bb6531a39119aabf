import { describe, expect, it } from 'vitest';

import type { PipelineDiff } from '../generated';
import { comparedGraph, diffStates } from './diff_graph';
import type { Graph, GraphTask } from './graph';

const task = (name: string, dependencies: string[] = []): GraphTask => ({
  name,
  type: 'shell',
  image: '',
  resources: [],
  dependencies,
  implied: [],
  skip: false,
  description: '',
  from: 1,
  to: 2
});
const graph = (...tasks: GraphTask[]): Graph => ({ name: 'p', description: '', tasks, remarks: [] });
const diff = (...tasks: PipelineDiff['tasks']): PipelineDiff => ({
  one: 'p#1',
  other: 'p',
  same: tasks.length === 0,
  pipeline: [],
  values: [],
  tasks,
  files: [],
  code_unknown: ''
});
const told = (
  name: string,
  how: PipelineDiff['tasks'][number]['how'],
  was: string | null = null,
  words: string[] = []
): PipelineDiff['tasks'][number] => ({ name, how, was, words, edits: [] });
const WORDS = { added: 'new', removed: 'gone', changed: 'other' };

describe('differences on the canvas', () => {
  it('stands removed tasks behind what is left of their dependencies', () => {
    const then = graph(task('a'), task('lost'), task('b', ['a', 'lost', 'never']));
    const shown = comparedGraph(
      graph(task('c')),
      then,
      diff(told('b', 'removed'), told('lost', 'removed'), told('c', 'renamed', 'a'))
    );
    expect(shown.tasks.map(({ name }) => name)).toEqual(['c', 'lost', 'b']);
    expect(shown.tasks[2].dependencies).toEqual(['c', 'lost']);
  });

  it('is the graph itself where nothing was removed', () => {
    const now = graph(task('a'));
    expect(comparedGraph(now, graph(), diff(told('a', 'added')))).toBe(now);
  });

  it('says on each card what has changed', () => {
    const states = diffStates(
      diff(told('a', 'changed', null, ['command changed']), told('b', 'removed'), told('n', 'renamed', 'o')),
      WORDS
    );
    expect([...states].map(([name, { change, reason, state }]) => [name, change, state, reason])).toEqual([
      ['a', 'changed', 'waiting', 'other · command changed'],
      ['b', 'removed', 'skipped', 'gone'],
      ['n', 'changed', 'waiting', 'o → n']
    ]);
  });
});
