import { YFile } from '@jupyter/ydoc';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { Problem as ServerProblem } from '../generated';
import { PipelineModel, type Validator } from './model';

const TEXT =
  'name: p\ntasks:\n  # about a\n  - name: a\n    command: x\n  - name: b\n    dependencies: [a]\n';

function made(text = TEXT, validate?: Validator): { file: YFile; model: PipelineModel } {
  const file = new YFile();
  file.setSource(text);
  file.clearUndoHistory();
  return { file, model: new PipelineModel({ source: file, validate }) };
}

const said = (code: string, line: number, path: (string | number)[] = []): ServerProblem => ({
  code, message: code, hint: '', severity: 'warning', line, column: 1, path, value: null
}); // prettier-ignore

describe('the model', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('applies a gesture at once, as one step of the history', () => {
    const { model, file } = made();
    const told = vi.fn();
    model.changed.connect(told);
    model.apply({ kind: 'rename-task', name: 'a', to: 'prep' });
    model.apply({ kind: 'add-tasks', tasks: [{ name: 'c' }] });
    expect(model.graph.tasks.map(task => task.name)).toEqual(['prep', 'b', 'c']);
    expect(model.selection).toEqual(['c']);
    expect(told).toHaveBeenCalledTimes(2);
    model.undo();
    expect(model.graph.tasks.map(task => task.name)).toEqual(['prep', 'b']);
    model.undo();
    expect(file.getSource()).toBe(TEXT);
    expect(model.canUndo).toBe(false);
    model.redo();
    expect(model.graph.tasks[0].name).toBe('prep');
  });

  it('follows typing within a blink, and keeps the last good graph', () => {
    const { model, file } = made();
    file.updateSource(TEXT.length, TEXT.length, '  - name: "c');
    vi.advanceTimersByTime(100);
    expect(model.isBroken).toBe(true);
    expect(model.graph.tasks).toHaveLength(2);
    expect(model.problems[0].code).toBe('syntax');
    expect(() => model.apply({ kind: 'remove-tasks', names: ['a'] })).toThrow(/cannot be read/);
    file.updateSource(TEXT.length + 12, TEXT.length + 12, '"\n');
    vi.advanceTimersByTime(100);
    expect(model.graph.tasks).toHaveLength(3);
    expect(model.isBroken).toBe(false);
  });

  it('keeps a selection of tasks that are there', () => {
    const { model } = made();
    const told = vi.fn();
    model.selectionChanged.connect(told);
    model.select(['b', 'nobody', 'b']);
    model.select(['b']);
    expect(model.selection).toEqual(['b']);
    expect(told).toHaveBeenCalledTimes(1);
    model.apply({ kind: 'remove-tasks', names: ['b'] });
    expect(model.selection).toEqual([]);
  });

  it('knows data, text and place of tasks', () => {
    const { model } = made();
    expect(model.taskData('b')).toEqual({ name: 'b', dependencies: ['a'] });
    expect(model.textOfTasks(['a'])).toBe('# about a\n- name: a\n  command: x\n');
    expect(model.taskAt(TEXT.indexOf('command'))).toBe('a');
    expect(model.taskAt(0)).toBeNull();
  });

  it('asks the server after a pause, without doubles, and drops late answers', async () => {
    let answer: (found: ServerProblem[]) => void = () => undefined;
    const validate = vi.fn(() => new Promise<ServerProblem[]>(resolve => (answer = resolve)));
    const { model, file } = made(TEXT.replace('[a]', '[z]'), validate);
    await vi.advanceTimersByTimeAsync(450);
    answer([said('unknown-task', 7, ['tasks', 1, 'dependencies', 0]), said('else', 4)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(model.problems.map(problem => problem.code)).toEqual(['else', 'unknown-task']);
    file.updateSource(0, 0, '# new\n');
    await vi.advanceTimersByTimeAsync(100);
    expect(model.problems[0].from).toBe(TEXT.indexOf('  - name: a') + 6);
    await vi.advanceTimersByTimeAsync(400);
    file.updateSource(0, 0, '# newer\n');
    answer([said('late', 1)]);
    await vi.advanceTimersByTimeAsync(0);
    expect(model.problems.map(problem => problem.code)).not.toContain('late');
    expect(validate).toHaveBeenCalledTimes(2);
  });

  it('is quiet while the server is away, and after it is disposed of', async () => {
    const { model, file } = made(TEXT, () => Promise.reject(new Error('away')));
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.problems).toEqual([]);
    model.dispose();
    file.setSource('broken: [');
    await vi.advanceTimersByTimeAsync(1000);
    expect(model.isBroken).toBe(false);
  });
});
