import { Signal } from '@lumino/signaling';
import { nullTranslator } from '@jupyterlab/translation';
import type { Contents } from '@jupyterlab/services';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import type { EventView, JobSummary, PipelineFile, PipelineView } from '../generated';
import { stemFor, stemOf, writeNew, type Files } from './files';
import { anEvent, aSummary } from './fixtures/values';
import { line } from './importing';
import { JobsList, overlay, queryOf, ALL } from './jobs_list_model';
import { tagsOf } from './jobs_list_row';
import { join } from './pipelines_model';
import { slotsOf } from './resources_now_model';
import { Selection } from './selection';
import { settingsOf } from './settings';

const trans = nullTranslator.load('fasttrack_jupyter');

function many(count: number, from = 0): JobSummary[] {
  return Array.from({ length: count }, (_, at) =>
    aSummary({ id: `j${String(9999 - from - at)}`, index: at })
  );
}

describe('a selection', () => {
  const ids = ['a', 'b', 'c', 'd'];

  it('grows and shrinks from where it began', () => {
    const selection = new Selection(() => ids);
    selection.select('b', 'one');
    selection.select('d', 'range');
    expect(ids.filter(id => selection.has(id))).toEqual(['b', 'c', 'd']);
    selection.select('a', 'range');
    expect(ids.filter(id => selection.has(id))).toEqual(['a', 'b']);
  });

  it('takes single ones in and out', () => {
    const selection = new Selection(() => ids);
    selection.select('a', 'one');
    selection.select('c', 'toggle');
    selection.select('a', 'toggle');
    expect(ids.filter(id => selection.has(id))).toEqual(['c']);
  });

  it('stays within the list, and forgets what is gone', () => {
    const selection = new Selection(() => ids);
    expect([selection.step(1), selection.step(-Infinity)]).toEqual(['a', 'a']);
    selection.select('d', 'one');
    expect(selection.step(5)).toBe('d');
    selection.keep(['a']);
    expect([selection.active, selection.size]).toEqual([null, 0]);
  });
});

describe('the list of jobs', () => {
  const server = { jobs: many(250), asked: [] as Record<string, unknown>[] };
  const source = { connection: 'connected' as const, ...signals() };
  let list: JobsList;

  function signals(): {
    news: Signal<never, readonly EventView[] | null>;
    connectionChanged: Signal<never, void>;
  } {
    const sender = {} as never;
    return { news: new Signal(sender), connectionChanged: new Signal(sender) };
  }

  const api = {
    get: async <T>(path: string, query: Record<string, unknown> = {}): Promise<T> => {
      if (path === 'jobs/tags') {
        return [] as T;
      }
      if (path === 'jobs/counts') {
        return { total: server.jobs.length, status: {}, result: {} } as T;
      }
      server.asked.push(query);
      const at = query.before ? server.jobs.findIndex(job => job.id === query.before) + 1 : 0;
      return server.jobs.slice(at, at + (query.limit as number)) as T;
    }
  };

  beforeEach(() => {
    vi.useFakeTimers();
    Object.assign(server, { jobs: many(250), asked: [] });
    list = new JobsList(api, source as never, 100);
  });

  afterEach(() => {
    list.dispose();
    vi.useRealTimers();
  });

  it('is paged to its end, each page after the last job of the one before', async () => {
    await list.reload();
    await list.more();
    await list.more();
    await list.more();
    expect(list.jobs.map(job => job.id)).toEqual(server.jobs.map(job => job.id));
    expect([list.isComplete, server.asked.length]).toEqual([true, 3]);
  });

  it('changes in place by events', async () => {
    await list.reload();
    const id = list.jobs[3].id;
    source.news.emit([anEvent({ job_id: id, status: 'TERMINATED', result: 'FAILURE', reason: 'exit 3' })]);
    expect(list.jobs[3]).toMatchObject({ id, result: 'FAILURE', reason: 'exit 3' });
  });

  it('lets a job go that is no longer in the chosen states', async () => {
    list.setFilter({ states: ['running'] });
    await vi.advanceTimersByTimeAsync(1);
    const id = list.jobs[0].id;
    source.news.emit([anEvent({ job_id: id, status: 'TERMINATED', result: 'SUCCESS' })]);
    expect(list.jobs.some(job => job.id === id)).toBe(false);
  });

  it('lets a job go that somebody deleted, wherever', async () => {
    await list.reload();
    const [first, second] = list.jobs.map(job => job.id);
    list.selection.select(first, 'one');
    server.asked = [];
    source.news.emit([anEvent({ job_id: first, type: 'JobDeleted', status: 'TERMINATED' })]);
    expect(list.jobs[0].id).toBe(second);
    expect(list.selected).toEqual([]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked).toEqual([]);
  });

  it('puts a new job on top, and keeps the pages that are loaded', async () => {
    await list.reload();
    await list.more();
    server.jobs = [aSummary({ id: 'new' }), ...server.jobs];
    source.news.emit([anEvent({ job_id: 'new', type: 'JobCreated', status: 'PENDING' })]);
    await vi.advanceTimersByTimeAsync(1000);
    expect([list.jobs[0].id, list.jobs.length]).toEqual(['new', 201]);
  });

  it('a thousand events are one question', async () => {
    await list.reload();
    server.asked = [];
    for (let at = 0; at < 1000; at++) {
      source.news.emit([anEvent({ job_id: `x${at}`, status: 'PENDING' })]);
    }
    await vi.advanceTimersByTimeAsync(1000);
    expect(server.asked.length).toBe(1);
  });

  it('asks for states by status and result', () => {
    expect(queryOf({ ...ALL, states: ['running', 'failure'], text: ' x ', tag: 'nightly' })).toMatchObject({
      status: ['RUNNING', 'TERMINATED'],
      result: ['UNDEFINED', 'FAILURE'],
      text: 'x',
      tag: 'nightly'
    });
  });

  it('does not join pages that do not meet', () => {
    expect(overlay(many(2), many(4, 100), 2).length).toBe(2);
    expect(overlay(many(2), many(4, 1), 2).map(job => job.id)).toEqual(many(5).map(job => job.id));
  });
});

describe('small parts', () => {
  it('pipelines of files and of the engine are joined by name', () => {
    const file = { path: 'a/x.fasttrack.yaml', name: 'x', tasks: 1, modified_at: '', size: 1, problem: null };
    const view = {
      name: 'x',
      folder: 'x',
      source: '/srv/a/x.fasttrack.yaml',
      created_at: '',
      jobs: 3,
      last_job: null,
      last: null
    };
    const other = { ...view, name: 'y', source: '/elsewhere/y.yaml' };
    const items = join([file as PipelineFile], [view, other] as PipelineView[], '/srv');
    expect(items.map(item => [item.name, item.path, item.jobs])).toEqual([
      ['x', 'a/x.fasttrack.yaml', 3],
      ['y', null, 3]
    ]);
  });

  it('slots that this machine has none of are not shown', () => {
    const usage = {
      start: '',
      end: '',
      seconds: 1,
      slots: { cpu: [0, 1] },
      total: { mem: 8, cpu: 2, 'cuda.device': 0 },
      used: {}
    };
    expect(slotsOf(usage).map(each => each.slot)).toEqual(['cpu', 'mem']);
  });

  it('files are never overwritten: the next number is taken', async () => {
    const saved: string[] = [];
    const content = ['x.fasttrack.yaml', 'x-2.fasttrack.yaml'].map(name => ({ name }));
    const files = {
      get: async () => ({ content }),
      save: async (path: string) => saved.push(path)
    } as unknown as Files & Contents.IManager;
    expect(await writeNew(files, 'a', 'x', '')).toBe('a/x-3.fasttrack.yaml');
    expect(saved).toEqual(['a/x-3.fasttrack.yaml']);
  });

  it('a name becomes the stem of a file on any system', () => {
    expect([stemFor('../a b/<c>'), stemFor('음성 인식'), stemFor('…')]).toEqual([
      'a-b--c',
      '음성-인식',
      'pipeline'
    ]);
    expect([stemOf('a/x.fasttrack.yaml'), stemOf('y.yml')]).toEqual(['x', 'y']);
  });

  it('a problem says where, what, and what to do', () => {
    const problem = {
      code: 'c',
      message: 'two tasks are named a',
      path: [],
      line: 5,
      column: 1,
      hint: 'rename one',
      severity: 'error'
    };
    expect(line(problem as never, trans)).toBe('Line 5: Two tasks are named a. Rename one');
  });

  it('settings of a wrong kind are passed over; tags are each said once', () => {
    expect(settingsOf({ pageSize: 'many', pollSeconds: 9 })).toMatchObject({ pageSize: 100, pollSeconds: 9 });
    expect(tagsOf(' a, b,,a ')).toEqual(['a', 'b']);
  });
});
