import { nullTranslator } from '@jupyterlab/translation';
import { Signal } from '@lumino/signaling';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api';
import type { EventView, JobSummary, JobView } from '../generated';
import { HINT, type Hint } from '../hints';
import { Jobs, type News } from './model';
import { aJob, anEvent, aSummary, aTask, JOB } from './fixtures/values';

/** Stands for the server: a log of events, jobs, and trouble on demand. */
class FakeServer {
  home = '/home/a';
  log: EventView[] = [];
  views = new Map<string, JobView>();
  running: JobSummary[] = [];
  trouble: ApiError | null = null;
  asked: string[] = [];
  readonly trans = nullTranslator.load('');
  readonly unreachable = (): ApiError => new ApiError(0, 'unreachable', 'no answer');

  readonly get = async <T>(path: string, query: Record<string, unknown> = {}): Promise<T> => {
    this.asked.push(path);
    if (this.trouble) {
      throw this.trouble;
    }
    return structuredClone(this.answer(path, query)) as T;
  };

  say(...what: Partial<EventView>[]): void {
    what.forEach(each => this.log.push(anEvent({ ...each, seq: this.log.length + 1 })));
  }

  private answer(path: string, query: Record<string, unknown>): unknown {
    if (path === 'info') {
      const engine = { state: 'connected', message: '', hint: '' };
      return { home: this.home, seq: this.log.length, engine, root: '/root' };
    }
    if (path === 'events') {
      const after = query.after as number;
      return { events: this.log.slice(after, after + (query.limit as number)), next: 0 };
    }
    if (path === 'jobs') {
      return this.running;
    }
    const view = this.views.get(path.slice('jobs/'.length));
    if (!view) {
      throw new ApiError(404, 'not-found', `there is no ${path}`, 'Look at the list.');
    }
    return view;
  }
}

const server = { now: new FakeServer() };
const bus = { signal: new Signal<object, Hint>({}) };
let jobs: Jobs;

function hint(seq: number, engine = 'connected'): Hint {
  return { schema_id: HINT, seq, engine };
}

async function pass(milliseconds: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(milliseconds);
}

beforeEach(() => {
  vi.useFakeTimers();
  server.now = new FakeServer();
  bus.signal = new Signal<object, Hint>({});
  jobs = new Jobs({ api: server.now, hints: bus.signal, frame: work => void setTimeout(work, 16) });
});

afterEach(() => {
  jobs.dispose();
  vi.useRealTimers();
});

describe('the connection', () => {
  it('meets the server and knows the running jobs', async () => {
    server.now.running = [aSummary()];
    jobs.start();
    await pass(50);
    expect(jobs.connection).toBe('connected');
    expect(jobs.info?.root).toBe('/root');
    expect(jobs.running.map(job => job.id)).toEqual([JOB]);
  });

  it('says in the server’s words why it is lost, and goes on where it stopped', async () => {
    server.now.running = [aSummary()];
    jobs.start();
    await pass(50);
    server.now.trouble = new ApiError(503, 'engine', 'The engine failed', 'Run fasttrack doctor.');
    await pass(6000);
    expect([jobs.connection, jobs.trouble?.hint]).toEqual(['lost', 'Run fasttrack doctor.']);
    server.now.say({ status: 'TERMINATED', result: 'SUCCESS' });
    server.now.trouble = null;
    await pass(31_000);
    expect([jobs.connection, jobs.running.length]).toEqual(['connected', 0]);
  });

  it('tells a token that expired from a server that is away', async () => {
    server.now.trouble = new ApiError(403, 'forbidden', 'Forbidden');
    jobs.start();
    await pass(50);
    expect(jobs.connection).toBe('signed-out');
  });

  it('is looked at as soon as anybody is told that he is signed out, and when he comes back', async () => {
    jobs.start();
    await pass(50);
    server.now.trouble = new ApiError(403, 'forbidden', 'Forbidden');
    jobs.doubt();
    await pass(1);
    expect(jobs.connection).toBe('signed-out');
    server.now.trouble = null;
    window.dispatchEvent(new Event('focus'));
    await pass(1);
    expect(jobs.connection).toBe('connected');
  });

  it('asks less and less often while nobody answers', async () => {
    server.now.trouble = new ApiError(0, 'unreachable', 'away');
    jobs.start();
    await pass(600_000);
    expect(server.now.asked.length).toBeLessThan(100);
  });

  it('starts over where the log is another one', async () => {
    server.now.say({}, {}, {});
    jobs.start();
    await pass(50);
    const news: News[] = [];
    jobs.news.connect((_, each) => news.push(each));
    server.now.log = [];
    server.now.home = '/home/b';
    bus.signal.emit(hint(0));
    await pass(50);
    expect(news).toEqual([null]);
    server.now.say({ status: 'RUNNING' });
    bus.signal.emit(hint(1));
    await pass(50);
    expect(news[1]?.length).toBe(1);
  });
});

describe('events', () => {
  it('are fetched at a hint, and without one by the poll', async () => {
    jobs.start();
    await pass(50);
    const seen: (readonly string[])[] = [];
    jobs.jobsChanged.connect((_, each) => seen.push(each));
    server.now.say({ job_id: 'a', status: 'TERMINATED' });
    bus.signal.emit(hint(1));
    await pass(50);
    expect(seen).toEqual([['a']]);
    server.now.say({ job_id: 'b', status: 'TERMINATED' });
    await pass(5100);
    expect(seen).toEqual([['a'], ['b']]);
  });

  it('are not asked for by hints of others, or at what is known already', async () => {
    jobs.start();
    await pass(50);
    const before = server.now.asked.length;
    bus.signal.emit({ schema_id: 'https://events.jupyter.org/other', seq: 9 });
    bus.signal.emit(hint(0));
    await pass(50);
    expect(server.now.asked.length).toBe(before);
  });

  it('a thousand of them are one signal', async () => {
    server.now.views.set(
      JOB,
      aJob({ tasks: Array.from({ length: 1000 }, (_, at) => aTask({ path: `t${at}` })) })
    );
    jobs.start();
    const watch = jobs.watch(JOB);
    await pass(50);
    let signals = 0;
    watch.changed.connect(() => (signals += 1));
    server.now.say(...Array.from({ length: 1000 }, (_, at) => ({ path: `t${at}`, status: 'RUNNING' })));
    bus.signal.emit(hint(1000));
    await pass(50);
    expect(signals).toBe(1);
    expect(watch.job?.tasks.every(task => task.status === 'RUNNING')).toBe(true);
  });

  it('of a job that is new bring it to the running ones', async () => {
    jobs.start();
    await pass(50);
    server.now.running = [aSummary({ id: 'new' })];
    server.now.say({ job_id: 'new', type: 'JobCreated', status: 'PENDING' });
    bus.signal.emit(hint(1));
    await pass(50);
    expect(jobs.running.map(job => job.id)).toEqual(['new']);
  });
});

describe('a watch', () => {
  it('fetches once for all who watch, and lets go with the last', async () => {
    server.now.views.set(JOB, aJob({}));
    jobs.start();
    const [one, two] = [jobs.watch(JOB), jobs.watch(JOB)];
    await pass(50);
    expect(server.now.asked.filter(path => path === `jobs/${JOB}`).length).toBeLessThanOrEqual(2);
    expect(one.job).toBe(two.job);
    one.dispose();
    one.dispose();
    expect(two.job?.id).toBe(JOB);
  });

  it('fetches again where an event cannot be folded', async () => {
    server.now.views.set(JOB, aJob({}));
    jobs.start();
    const watch = jobs.watch(JOB);
    await pass(50);
    server.now.say({ path: 'sweep[2]/train', status: 'RUNNING' });
    server.now.views.set(
      JOB,
      aJob({ seq: 1, tasks: [aTask({ path: 'sweep[2]/train', status: 'RUNNING' })] })
    );
    bus.signal.emit(hint(1));
    await pass(50);
    expect(watch.job?.tasks.map(task => task.path)).toEqual(['sweep[2]/train']);
  });

  it('keeps what it shows while the server is away, and says why it may be old', async () => {
    server.now.views.set(JOB, aJob({ tasks: [aTask({})] }));
    jobs.start();
    const watch = jobs.watch(JOB);
    await pass(50);
    server.now.trouble = new ApiError(0, 'unreachable', 'away');
    await pass(20_000);
    expect(watch.job?.id).toBe(JOB);
    expect(watch.error).toBe('Away');
    server.now.trouble = null;
    await pass(40_000);
    expect(watch.error).toBeNull();
  });

  it('says that there is no such job, with the remedy', async () => {
    jobs.start();
    const watch = jobs.watch('nope');
    await pass(50);
    expect(watch.job).toBeNull();
    expect(watch.error).toBe('There is no jobs/nope. Look at the list.');
  });

  it('says so once the job was deleted by somebody else, and asks no more', async () => {
    server.now.views.set(JOB, aJob({}));
    jobs.start();
    const watch = jobs.watch(JOB);
    await pass(50);
    server.now.views.clear();
    server.now.say({ type: 'JobDeleted', status: 'TERMINATED' });
    bus.signal.emit(hint(1));
    await pass(50);
    expect([watch.job, watch.error]).toEqual([null, 'This job was deleted.']);
    const before = server.now.asked.length;
    jobs.touch([JOB]);
    await pass(50);
    expect(server.now.asked.slice(before)).not.toContain(`jobs/${JOB}`);
  });

  it('says the same where the event was missed and the job is not there any more', async () => {
    server.now.views.set(JOB, aJob({}));
    jobs.start();
    const watch = jobs.watch(JOB);
    await pass(50);
    server.now.views.clear();
    jobs.touchAll();
    await pass(50);
    expect([watch.job, watch.error]).toEqual([null, 'This job was deleted.']);
  });

  it('looks again at why instances wait, which no event tells', async () => {
    server.now.views.set(JOB, aJob({ tasks: [aTask({})] }));
    jobs.start();
    const watch = jobs.watch(JOB);
    await pass(50);
    server.now.views.set(JOB, aJob({ tasks: [aTask({ reason: 'waits for 4 cores' })] }));
    await pass(11_000);
    expect(watch.job?.tasks[0].reason).toBe('waits for 4 cores');
  });
});
