import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { Json } from './edits';
import { commonData, differing, editFor, formDataOf, pipelineGroups, taskGroups } from './properties_fields';

const trans = nullTranslator.load('fasttrack_jupyter');
const groups = taskGroups(trans, false);
const TASK: Json = {
  name: 'train',
  command: 'python train.py',
  environment: { image: 'python:3.12', envs: { A: '1' } },
  resources: { cpu: 2 },
  dependencies: ['prepare', 'fetch']
};

function field(id: string) {
  const found = groups.flatMap(group => group.fields).find(each => each.id === id);
  if (!found) {
    throw new Error(id);
  }
  return found;
}

describe('the form of a task', () => {
  it('shows nested keys as flat fields', () => {
    const data = formDataOf(groups, TASK);
    expect(data['environment.image']).toBe('python:3.12');
    expect(data['resources']).toEqual({ cpu: 2 });
    expect(data['timeout']).toBeUndefined();
  });

  it('asks a task of a whole notebook for that and its parameters, and for no command', () => {
    const ids = (isNotebook: boolean) =>
      taskGroups(trans, false, isNotebook).flatMap(group => group.fields.map(each => each.id));
    expect(ids(true)).toEqual(expect.arrayContaining(['notebook', 'parameters', 'type']));
    expect(ids(true)).not.toContain('command');
    expect(ids(false)).not.toContain('notebook');
  });

  it('takes its help from the JSON Schema', () => {
    for (const each of [...groups, ...taskGroups(trans, false, true), ...pipelineGroups(trans)].flatMap(
      group => group.fields
    )) {
      expect(each.help, each.id).not.toBe('');
    }
  });

  it('shows what several tasks have in common, and says where they differ', () => {
    const many = [TASK, { ...TASK, skip: true, command: 'x' }].map(data => formDataOf(groups, data));
    expect(commonData(many)['environment.image']).toBe('python:3.12');
    expect([...differing(many)].sort()).toEqual(['command', 'skip']);
  });

  it('leaves name, command and data edges out for several tasks', () => {
    const ids = taskGroups(trans, true).flatMap(group => group.fields.map(each => each.id));
    expect(ids).not.toContain('name');
    expect(ids).not.toContain('dependencies');
    expect(ids).toContain('environment.image');
  });
});

describe('a change of a field', () => {
  it('is nothing where nothing changes', () => {
    expect(editFor(field('command'), ['train'], 'x', 'x')).toBeNull();
    expect(editFor(field('skip'), ['train'], undefined, false)).toBeNull();
  });

  it('sets a key', () => {
    expect(editFor(field('environment.image'), ['train'], undefined, 'python:3.13')).toEqual({
      kind: 'set-task',
      names: ['train'],
      path: ['environment', 'image'],
      value: 'python:3.13'
    });
  });

  it('removes a key that became empty', () => {
    expect(editFor(field('environment.envs'), ['train'], { A: '1' }, {})).toMatchObject({ value: undefined });
  });

  it('writes a number as a number, and what is none as it was typed', () => {
    expect(editFor(field('retry.max_attempts'), ['train'], undefined, '3')).toMatchObject({ value: 3 });
    expect(editFor(field('retry.max_attempts'), ['train'], undefined, 'many')).toMatchObject({
      value: 'many'
    });
  });

  it('leaves what a task does not say of reuse to the pipeline, and writes a no of its own', () => {
    expect(editFor(field('cache'), ['train'], undefined, false)).toMatchObject({ value: false });
    expect(editFor(field('cache'), ['train'], false, undefined)).toMatchObject({ value: undefined });
    expect(editFor(field('final'), ['train'], true, false)).toMatchObject({ value: undefined });
  });

  it('renames', () => {
    expect(editFor(field('name'), ['train'], 'train', 'fit')).toEqual({
      kind: 'rename-task',
      name: 'train',
      to: 'fit'
    });
  });

  it('orders dependencies without writing them anew', () => {
    expect(editFor(field('dependencies'), ['train'], ['a', 'b'], ['b', 'a'])).toMatchObject({
      kind: 'order-dependencies'
    });
    expect(editFor(field('dependencies'), ['train'], ['a'], ['a', 'b'])).toMatchObject({ kind: 'set-task' });
  });

  it('of the pipeline is the pipeline’s', () => {
    expect(editFor(field('environment.image'), [], undefined, 'x')).toMatchObject({ kind: 'set-pipeline' });
  });
});
