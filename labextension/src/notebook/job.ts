/**
 * The job that a notebook's cells show: the newest one of its pipeline whose source is this notebook, whoever
 * started it (a button here, `%fasttrack run`, the command line). Followed by the watch that the panel's events feed.
 */
import type { IDisposable } from '@lumino/disposable';
import { Throttler } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { toContentsPath } from '../api';
import type { JobSummary, JobView, TaskInstanceView } from '../generated';
import { isEnded, stateOf } from '../status';
import type { IJobs, IJobWatch } from '../tokens';
import type { Book } from './book';

/** See the head of this file. */
export class NotebookJob implements IDisposable {
  constructor(
    private readonly api: Api,
    private readonly jobs: IJobs,
    private readonly book: Book
  ) {
    jobs.jobsChanged.connect(this.onJobsChanged, this);
    jobs.connectionChanged.connect(this.look, this);
    book.changed.connect(this.onBookChanged, this);
  }

  /** After each change of `job`. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The job as it is now; null where there is none to show. */
  get job(): JobView | null {
    const job = this.watch?.job ?? null;
    return job !== null && this.isOurs(job) ? job : null;
  }

  /** The task instance that a task's cells show: of several, one that is not done yet, else one that failed. */
  instanceOf(task: string): TaskInstanceView | null {
    const all = this.job?.tasks.filter(each => each.task === task) ?? [];
    const live = all.find(each => !isEnded(stateOf(each)));
    return live ?? all.find(each => stateOf(each) === 'failure') ?? all.at(-1) ?? null;
  }

  /** Show this job. */
  show(id: string): void {
    this.dismissed = null;
    this.follow(id);
  }

  /** Show it no more; a newer one will be. */
  dismiss(): void {
    this.dismissed = this.watch?.id ?? null;
    this.follow(null);
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.watch?.dispose();
      this.looking.dispose();
      Signal.clearData(this);
    }
  }

  private isOurs(job: JobView): boolean {
    return toContentsPath(job.source, this.jobs.info?.root) === this.book.panel.context.path;
  }

  private onBookChanged(): void {
    const { pipeline } = this.book;
    if (pipeline !== this.pipeline && this.book.tasks.length > 0) {
      this.pipeline = pipeline;
      this.look();
    }
  }

  private onJobsChanged(_: IJobs, changed: readonly string[]): void {
    const fresh = changed.filter(each => !this.seen.has(each));
    fresh.forEach(each => this.seen.add(each));
    if (fresh.length > 0 || (changed.length === 0 && this.watch === null)) {
      this.look();
    }
  }

  private look(): void {
    if (!this._isDisposed && this.jobs.connection === 'connected' && this.book.tasks.length > 0) {
      void this.looking.invoke();
    }
  }

  /** Ask for the newest job of the pipeline; a lost answer is asked for again with the next event. */
  private async refresh(): Promise<void> {
    let newest: JobSummary | undefined;
    try {
      const query = { pipeline: this.book.pipeline, limit: 1 };
      [newest] = await this.api.get<JobSummary[]>('jobs', query);
    } catch {
      return;
    }
    const isOlder = newest && this.watch !== null && newest.id < this.watch.id;
    if (newest && !isOlder && newest.id !== this.dismissed && !this._isDisposed) {
      this.follow(newest.id);
    }
  }

  private follow(id: string | null): void {
    if (id !== (this.watch?.id ?? null)) {
      this.watch?.dispose();
      this.watch = id === null ? null : this.jobs.watch(id);
      this.watch?.changed.connect(() => this._changed.emit());
      this._changed.emit();
    }
  }

  private readonly looking = new Throttler(() => this.refresh(), { limit: 1000, edge: 'trailing' });
  private readonly _changed = new Signal<this, void>(this);
  /** Jobs whose coming was told already. */
  private readonly seen = new Set<string>();
  private watch: IJobWatch | null = null;
  private pipeline = '';
  private dismissed: string | null = null;
  private _isDisposed = false;
}
