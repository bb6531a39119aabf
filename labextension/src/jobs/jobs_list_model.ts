/**
 * The list of jobs: pages of summaries, newest first, kept up to date by the events; filters; what is selected.
 *
 * Jobs that are loaded change in place. A job that is not loaded may be new: then the first page is fetched again and
 * laid over what is there. What no longer fits the chosen states leaves the list.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { EventView, JobCounts, JobSummary, TagCount } from '../generated';
import { stateOf, type State } from '../status';
import type { Asks } from './feed';
import type { Jobs, News } from './model';
import { JOB_ANNOTATED, JOB_DELETED, foldSummary } from './reduce';
import { Selection } from './selection';
import { type Trouble, troubleOf } from '../words';

/** The states by which jobs can be filtered, in the order of the chips. */
export const CHIPS: readonly State[] = ['waiting', 'running', 'success', 'failure', 'cancelled'];

/** Which jobs are shown; no states mean all. */
export interface JobsFilter {
  readonly states: readonly State[];
  readonly text: string;
  readonly tag: string | null;
  readonly pipeline: string | null;
}

/** All jobs. */
export const ALL: JobsFilter = { states: [], text: '', tag: null, pipeline: null };

const STATUS: Partial<Record<State, [string, string]>> = {
  waiting: ['PENDING', 'UNDEFINED'],
  running: ['RUNNING', 'UNDEFINED'],
  success: ['TERMINATED', 'SUCCESS'],
  failure: ['TERMINATED', 'FAILURE'],
  cancelled: ['CANCELLED', 'UNDEFINED']
};
/** Milliseconds for which events are gathered before the server is asked about jobs and counts. */
const SETTLE = 400;
/** Jobs that one question may ask for; the more are loaded, the more are fetched at once. */
const MOST = 1000;

/** The words of the query for a filter: any of its statuses with any of its results is one of its states. */
export function queryOf(filter: JobsFilter): Record<string, string | string[] | undefined> {
  const pairs = filter.states.flatMap(state => (STATUS[state] ? [STATUS[state]] : []));
  return {
    status: [...new Set(pairs.map(([status]) => status))],
    result: [...new Set(pairs.map(([, result]) => result))],
    text: filter.text.trim() || undefined,
    tag: filter.tag ?? undefined,
    pipeline: filter.pipeline ?? undefined
  };
}

/** How many jobs are in each chip's state. */
export function countsOf(counts: JobCounts | null): Partial<Record<State, number>> {
  return counts === null
    ? {}
    : {
        waiting: counts.status.PENDING ?? 0,
        running: counts.status.RUNNING ?? 0,
        success: counts.result.SUCCESS ?? 0,
        failure: counts.result.FAILURE ?? 0,
        cancelled: counts.status.CANCELLED ?? 0
      };
}

/** A fresh first page laid over older pages; the page alone where they do not meet. */
export function overlay(
  page: readonly JobSummary[],
  older: readonly JobSummary[],
  size: number
): JobSummary[] {
  const last = page.at(-1);
  if (last === undefined || page.length < size) {
    return [...page];
  }
  const at = older.findIndex(job => job.id === last.id);
  return at < 0 ? [...page] : [...page, ...older.slice(at + 1)];
}

/** Jobs, as the panel lists them. */
export class JobsList implements IDisposable {
  /** Nothing is fetched before `reload`. */
  constructor(
    private readonly api: Asks,
    private readonly source: Pick<Jobs, 'news' | 'connectionChanged' | 'connection'>,
    private _pageSize = 100
  ) {
    source.news.connect(this._onNews, this);
    source.connectionChanged.connect(this._onConnection, this);
  }

  /** What is loaded, newest first. */
  jobs: readonly JobSummary[] = [];
  /** All jobs that text and tag find, whatever their state. */
  counts: JobCounts | null = null;
  /** Tags in use, the most used first. */
  tags: readonly TagCount[] = [];
  /** Which jobs are asked for. */
  filter: JobsFilter = ALL;
  /** Whether there is nothing more to load. */
  isComplete = false;
  /** Whether an answer is waited for. */
  isLoading = false;
  /** Why the last question was not answered. */
  trouble: Trouble | null = null;
  /** Which are selected. */
  readonly selection = new Selection(() => this.jobs.map(job => job.id));

  /** After each change of anything here. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether the list follows no more. */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** How many jobs there are in the chosen states; null where that is not known yet. */
  get total(): number | null {
    const { states } = this.filter;
    const each = countsOf(this.counts);
    const sum = states.reduce((whole, state) => whole + (each[state] ?? 0), 0);
    return this.counts === null ? null : states.length === 0 ? this.counts.total : sum;
  }

  /** The selected jobs that are loaded. */
  get selected(): readonly JobSummary[] {
    return this.jobs.filter(job => this.selection.has(job.id));
  }

  /** Jobs that are fetched at once. */
  setPageSize(size: number): void {
    this._pageSize = size;
  }

  /** Ask for other jobs. */
  setFilter(filter: Partial<JobsFilter>): void {
    this.filter = { ...this.filter, ...filter };
    this.selection.clear();
    this.jobs = [];
    this.isComplete = false;
    void this.reload();
  }

  /** Fetch the first page, and the counts. */
  async reload(): Promise<void> {
    await Promise.all([this._load(null), this._count()]);
  }

  /** Fetch the next page. */
  async more(): Promise<void> {
    const last = this.jobs.at(-1);
    if (!this.isLoading && !this.isComplete && last !== undefined) {
      await this._load(last.id);
    }
  }

  /** A job after a change that the server has answered. */
  put(job: JobSummary): void {
    this.jobs = this.jobs.map(each => (each.id === job.id ? job : each));
    this._settle();
    this.changedNow();
  }

  /** Jobs that are no more. */
  drop(ids: readonly string[]): void {
    this.jobs = this.jobs.filter(job => !ids.includes(job.id));
    this.selection.keep(this.jobs.map(job => job.id));
    this._settle();
    this.changedNow();
  }

  /** Say that something changed (the selection, by a gesture). */
  changedNow(): void {
    this._changed.emit();
  }

  /** Follow no more. */
  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._settling);
    this.source.news.disconnect(this._onNews, this);
    this.source.connectionChanged.disconnect(this._onConnection, this);
    Signal.clearData(this);
  }

  private async _load(before: string | null): Promise<void> {
    const ticket = ++this._ticket;
    const size =
      before === null ? this._pageSize : Math.min(MOST, Math.max(this._pageSize, this.jobs.length));
    this.isLoading = true;
    this.changedNow();
    try {
      const query = { ...queryOf(this.filter), limit: size, before: before ?? undefined };
      const page = await this.api.get<JobSummary[]>('jobs', query);
      if (ticket === this._ticket) {
        this._take(page, before, size);
      }
    } catch (error) {
      this.trouble = ticket === this._ticket ? troubleOf(error) : this.trouble;
    }
    if (ticket === this._ticket) {
      this.isLoading = false;
      this.changedNow();
    }
  }

  private _take(page: readonly JobSummary[], before: string | null, size: number): void {
    const loaded = this.jobs;
    this.trouble = null;
    this.jobs = before === null ? overlay(page, loaded, size) : [...loaded, ...page];
    if (before !== null || this.jobs.length === page.length) {
      this.isComplete = page.length < size;
    }
    this.selection.keep(this.jobs.map(job => job.id));
  }

  private async _count(): Promise<void> {
    const { text, tag, pipeline } = queryOf(this.filter);
    const ticket = ++this._countTicket;
    try {
      const [counts, tags] = await Promise.all([
        this.api.get<JobCounts>('jobs/counts', { text, tag, pipeline }),
        this.api.get<TagCount[]>('jobs/tags')
      ]);
      if (ticket === this._countTicket) {
        [this.counts, this.tags] = [counts, tags];
        this.changedNow();
      }
    } catch (error) {
      this.trouble = troubleOf(error);
      this.changedNow();
    }
  }

  private _onNews(_: unknown, news: News): void {
    const own = news?.filter(event => event.path === null) ?? [];
    if (news !== null && own.length === 0) {
      return;
    }
    const known = new Map(this.jobs.map(job => [job.id, job]));
    own.forEach(event => {
      const job = known.get(event.job_id);
      if (event.type === JOB_DELETED) {
        known.delete(event.job_id);
      } else if (job !== undefined) {
        known.set(job.id, foldSummary(job, event));
      }
    });
    this.jobs = [...known.values()].filter(job => this._fits(job));
    this.selection.keep(this.jobs.map(job => job.id));
    const isNews = ({ type, job_id }: EventView): boolean =>
      type === JOB_DELETED ? this.isLoading : type === JOB_ANNOTATED || !known.has(job_id);
    this._isBehind ||= news === null || own.some(isNews);
    this._settle();
    this.changedNow();
  }

  private _fits(job: JobSummary): boolean {
    return this.filter.states.length === 0 || this.filter.states.includes(stateOf(job));
  }

  /** Ask again once events have settled a little; not later, however many come. */
  private _settle(): void {
    this._settling ??= setTimeout(() => {
      this._settling = undefined;
      const isBehind = this._isBehind;
      this._isBehind = isBehind && this.isLoading;
      if (this._isBehind) {
        this._settle();
      }
      void (isBehind && !this.isLoading ? this.reload() : this._count());
    }, SETTLE);
  }

  private _onConnection(): void {
    if (this.source.connection === 'connected' && this.trouble !== null) {
      void this.reload();
    }
  }

  private _ticket = 0;
  private _countTicket = 0;
  private _isBehind = false;
  private _isDisposed = false;
  private _settling: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, void>(this);
}
