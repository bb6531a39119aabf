import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import type { Api } from '../api';
import type { JobSummary, JobView } from '../generated';
import type { IJobs, IJobWatch } from '../tokens';
import { JobChoice } from './run_jobs';

const summary = (number: number) => ({
  id: `j${String(number).padStart(3, '0')}`,
  index: number,
  pipeline: 'p'
});

class FakeJobs {
  readonly info = null;
  readonly connection = 'connected';
  readonly running = [];
  readonly jobsChanged = new Signal<IJobs, readonly string[]>(this as unknown as IJobs);
  readonly connectionChanged = new Signal<IJobs, void>(this as unknown as IJobs);
  readonly living = new Set<string>();

  watch(id: string): IJobWatch {
    this.living.add(id);
    const living = this.living;
    const watch = {
      id,
      job: { id } as JobView,
      error: null,
      isDisposed: false,
      dispose: () => void living.delete(id)
    };
    return { ...watch, changed: new Signal<IJobWatch, void>(watch as unknown as IJobWatch) };
  }
}

let all: ReturnType<typeof summary>[];
let jobs: FakeJobs;
let choice: JobChoice;

beforeEach(() => {
  vi.useFakeTimers();
  all = [3, 2, 1].map(summary);
  jobs = new FakeJobs();
  const api = {
    get: async (_: string, query: { before?: string; limit: number }) =>
      all
        .filter(each => !query.before || each.id < query.before)
        .slice(0, query.limit) as unknown as JobSummary[],
    raw: async (path: string) => new Response(`text of ${path}`)
  };
  choice = new JobChoice(api as unknown as Api, jobs as unknown as IJobs);
  choice.setPipeline('p');
});

afterEach(() => {
  choice.dispose();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(3000);

it('lists the jobs of the pipeline, newest first, in pages', async () => {
  all = Array.from({ length: 40 }, (_, at) => summary(40 - at));
  await settle();
  expect(choice.list).toHaveLength(30);
  expect(choice.hasMore).toBe(true);
  await choice.more();
  expect(choice.list.map(each => each.index)).toEqual(all.map(each => each.index));
  expect(choice.hasMore).toBe(false);
});

it('follows one job at a time, with the text that it was made of', async () => {
  choice.show('j002');
  choice.show('j001');
  await settle();
  expect([...jobs.living]).toEqual(['j001']);
  expect(choice.text).toBe('text of jobs/j001/text');
  choice.show(null);
  expect([choice.id, choice.job, choice.text, jobs.living.size]).toEqual([null, null, null, 0]);
});

it('moves on to a newer job only where the latest was chosen', async () => {
  await settle();
  choice.showLatest();
  await settle();
  expect(choice.id).toBe('j003');
  all.unshift(summary(4));
  jobs.jobsChanged.emit(['j004']);
  await settle();
  expect(choice.id).toBe('j004');
  choice.show('j001');
  all.unshift(summary(5));
  jobs.jobsChanged.emit(['j005']);
  await settle();
  expect(choice.id).toBe('j001');
  expect(choice.list[0].id).toBe('j005');
});

it('says when another job was chosen, and not each time the same one changed', async () => {
  const chosen: (string | null)[] = [];
  choice.chosen.connect((_, id) => chosen.push(id));
  choice.show('j001');
  choice.show('j001');
  choice.show(null);
  expect(chosen).toEqual(['j001', null]);
});

it('ends its watch when it is disposed of', () => {
  choice.show('j001');
  choice.dispose();
  expect(jobs.living.size).toBe(0);
});
