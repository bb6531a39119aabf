import { nullTranslator } from '@jupyterlab/translation';
import { beforeEach, describe, expect, it, vi } from 'vitest';

import type { Api } from '../api';
import { ApiError } from '../api';
import type { IRunnable } from './run_model';
import { RunModel } from './run_model';

type Sent = { path: string; body: Record<string, unknown> };

/** Answers routes from a table; an error in it is thrown once and then taken out. */
class FakeApi {
  readonly sent: Sent[] = [];
  readonly answers = new Map<string, unknown[]>();

  async send(_: string, path: string, body: Record<string, unknown>): Promise<unknown> {
    this.sent.push({ path, body });
    const answers = this.answers.get(path) ?? [{}];
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer instanceof Error) {
      throw answer;
    }
    return answer;
  }

  to(path: string): Sent[] {
    return this.sent.filter(each => each.path === path);
  }
}

const plan = (decision: string) => ({
  pipeline: 'p',
  backend: 'local',
  expected_seconds: null,
  problems: [],
  tasks: [{ path: 'a', task: 'a', decision, reason: 'asks for 900 cpu' }]
});

let api: FakeApi;
let saved: number;
let document: IRunnable;
let model: RunModel;

beforeEach(() => {
  api = new FakeApi();
  api.answers.set('plan', [plan('will run')]);
  api.answers.set('jobs', [{ id: 'j1', index: 1 }]);
  saved = 0;
  document = {
    text: 'tasks:\n- name: a\n',
    graph: { name: 'p', description: '', tasks: [], remarks: [] },
    source: '/srv/p.fasttrack.yaml',
    save: async () => void saved++
  };
  model = new RunModel(api as unknown as Api, document, nullTranslator.load(''));
});

describe('run', () => {
  it('saves, plans, and makes a job of the text with a key of its own', async () => {
    expect((await model.run({ from: ['a'] }))?.id).toBe('j1');
    await model.run();
    const [first, second] = api.to('jobs');
    expect(saved).toBe(2);
    expect(first.body).toMatchObject({
      text: document.text,
      source: document.source,
      selection: { from: ['a'] }
    });
    expect(first.body.key).toBeTruthy();
    expect(second.body.key).not.toBe(first.body.key);
  });

  it('makes no job where the plan refuses a task, and says why at the task', async () => {
    api.answers.set('plan', [plan('refused')]);
    expect(await model.run()).toBeNull();
    expect(api.to('jobs')).toHaveLength(0);
    expect(model.trouble?.message).toContain('a');
    expect(model.problems[0]).toMatchObject({ code: 'refused', severity: 'error' });
  });

  it('starts nothing that could not be saved', async () => {
    document.save = () => Promise.reject(new Error('the disk is full'));
    expect(await model.run()).toBeNull();
    expect(api.sent).toHaveLength(0);
    expect(model.trouble?.message).toBe('the disk is full');
  });

  it('asks again with the same key where the answer was lost', async () => {
    api.answers.set('jobs', [new ApiError(0, 'unreachable', 'away'), { id: 'j1' }]);
    expect((await model.run())?.id).toBe('j1');
    const [first, second] = api.to('jobs');
    expect(second.body.key).toBe(first.body.key);
  });

  it('asks again with the same key where the engine went away before it answered', async () => {
    api.answers.set('jobs', [new ApiError(503, 'engine_unavailable', 'gone'), { id: 'j1' }]);
    expect((await model.run())?.id).toBe('j1');
    const [first, second] = api.to('jobs');
    expect(second.body.key).toBe(first.body.key);
  });

  it('makes one job where it is pressed twice', async () => {
    const [first, second] = await Promise.all([model.run(), model.run()]);
    expect([first?.id, second]).toEqual(['j1', null]);
    expect(api.to('jobs')).toHaveLength(1);
  });

  it('makes one job of a slow double click, two of presses that are meant as two', async () => {
    const now = vi.spyOn(performance, 'now').mockReturnValue(1000);
    await model.run();
    now.mockReturnValue(1700);
    expect(await model.run()).toBeNull();
    expect(await model.run({ from: ['a'] })).not.toBeNull();
    now.mockReturnValue(2800);
    expect(await model.run({ from: ['a'] })).not.toBeNull();
    now.mockRestore();
    expect(api.to('jobs')).toHaveLength(3);
  });

  it('runs what was planned, whatever is typed meanwhile', async () => {
    const text = document.text;
    const running = model.run();
    await Promise.resolve();
    await Promise.resolve();
    document = Object.assign(document, { text: 'half ty' });
    await running;
    expect(api.to('plan')[0].body.text).toBe(api.to('jobs')[0].body.text);
    expect(text).not.toBe(document.text);
  });

  it('does not ask again where the server said no', async () => {
    api.answers.set('jobs', [new ApiError(409, 'conflict', 'no', 'do this')]);
    expect(await model.run()).toBeNull();
    expect(api.to('jobs')).toHaveLength(1);
    expect(model.trouble).toEqual({ message: 'no', hint: 'do this' });
  });
});

it('is busy while it asks, and never after', async () => {
  const seen: string[] = [];
  model.changed.connect(() => seen.push(model.busy));
  await model.planned();
  expect(seen[0]).not.toBe('');
  expect(seen.at(-1)).toBe('');
  expect(model.plan?.tasks).toHaveLength(1);
});

it('reruns what failed with the text as it is now', async () => {
  api.answers.set('jobs/j1/rerun', [{ id: 'j2' }]);
  expect((await model.rerun('j1', { fromFailed: true }))?.id).toBe('j2');
  expect(api.to('jobs/j1/rerun')[0].body).toMatchObject({ from_failed: true, text: document.text });
  expect(saved).toBe(1);
});

it('cancels task instances whose paths have slashes', async () => {
  await model.cancelTasks('j1', ['sweep[2]/train']);
  expect(api.sent[0].path).toBe('jobs/j1/tasks/sweep%5B2%5D%2Ftrain/cancel');
});

it('forgets what was found once the text has changed', async () => {
  api.answers.set('plan', [plan('refused')]);
  await model.planned();
  expect(model.problems).toHaveLength(1);
  model.forget();
  expect([model.problems, model.plan, model.trouble]).toEqual([[], null, null]);
});

it('has no trouble any more once the connection is back, if that was the trouble', async () => {
  api.answers.set('plan', [new ApiError(403, 'forbidden', 'Forbidden'), new ApiError(409, 'conflict', 'no')]);
  await model.planned();
  expect([model.trouble?.message, model.isCutOff]).toEqual(['Forbidden', true]);
  model.reconnected();
  expect(model.trouble).toBeNull();
  await model.planned();
  model.reconnected();
  expect([model.trouble?.message, model.isCutOff]).toEqual(['no', false]);
});
