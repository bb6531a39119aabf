/**
 * Which job of the pipeline the canvas shows, and which there are to choose from.
 *
 * One job is followed at a time, by a watch that the panel's event stream feeds. "Latest" is a choice of its own:
 * it moves on when a newer job of the pipeline appears. The list is paged, newest first, and its first page is
 * asked for again after events of jobs (they are hints; many make one request).
 */
import type { IDisposable } from '@lumino/disposable';
import { Debouncer, Throttler } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Api } from '../api';
import { word } from '../api';
import type { JobSummary, JobView } from '../generated';
import type { IJobs, IJobWatch } from '../tokens';

const PAGE = 30;

/** What the canvas shows of a job; no watch: the pipeline is being edited. */
export class JobChoice implements IDisposable {
  constructor(
    private readonly api: Api,
    private readonly jobs: IJobs
  ) {
    jobs.jobsChanged.connect(this.onJobsChanged, this);
    jobs.connectionChanged.connect(this.onConnectionChanged, this);
  }

  /** After each change of what is shown or of the list. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** After another job, or none, was chosen; many changes of the same job make none. */
  get chosen(): ISignal<this, string | null> {
    return this._chosen;
  }

  /** Jobs of the pipeline, newest first, as far as they were asked for. */
  get list(): readonly JobSummary[] {
    return this._list;
  }

  /** Whether there are older jobs than `list` has. */
  get hasMore(): boolean {
    return this._hasMore;
  }

  /** Whether the newest job is followed, whichever that is. */
  get isLatest(): boolean {
    return this._isLatest;
  }

  /** The id of the job that is shown; null while editing. */
  get id(): string | null {
    return this.watch?.id ?? null;
  }

  /** The job that is shown as it is now; null before the first answer, and while editing. */
  get job(): JobView | null {
    return this.watch?.job ?? null;
  }

  /** The job's own YAML; null until it has come. */
  get text(): string | null {
    return this._text;
  }

  /** Why the job cannot be shown, in words. */
  get error(): string | null {
    return this._error ?? this.watch?.error ?? null;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this.watch?.dispose();
    this.asking.dispose();
    this.naming.dispose();
    Signal.clearData(this);
  }

  /** The pipeline's name as the text has it now; jobs of that name are listed. */
  setPipeline(name: string): void {
    if (name !== this.pipeline) {
      this.pipeline = name;
      void this.naming.invoke();
    }
  }

  /** Show a job; null goes back to editing. */
  show(id: string | null): void {
    this._isLatest = false;
    this.follow(id);
  }

  /** Show the newest job, and each newer one when it comes. */
  showLatest(): void {
    this._isLatest = true;
    this.follow(this._list[0]?.id ?? null);
    void this.refresh();
  }

  /** Ask for the first page again. */
  async refresh(): Promise<void> {
    if (!this.pipeline) {
      this._list = [];
      this._changed.emit();
      return;
    }
    const asked = this.pipeline;
    const page = await this.page(asked);
    if (page && asked === this.pipeline && !this._isDisposed) {
      const older = this._list.filter(each => each.pipeline === asked && each.id < (page.at(-1)?.id ?? ''));
      this._hasMore = page.length === PAGE && (older.length === 0 || this._hasMore);
      this._list = [...page, ...(page.length === PAGE ? older : [])];
      if (this._isLatest && page[0] && page[0].id !== this.id) {
        this.follow(page[0].id);
      }
      this._changed.emit();
    }
  }

  /** Ask for the next page of older jobs. */
  async more(): Promise<void> {
    const page = await this.page(this.pipeline, this._list.at(-1)?.id);
    if (page) {
      this._list = [...this._list, ...page];
      this._hasMore = page.length === PAGE;
      this._changed.emit();
    }
  }

  private follow(id: string | null): void {
    if (id === this.id) {
      this._changed.emit();
      return;
    }
    this.watch?.dispose();
    this._text = null;
    this._error = null;
    this.watch = id === null ? null : this.jobs.watch(id);
    this.watch?.changed.connect(() => this._changed.emit());
    this._chosen.emit(id);
    this._changed.emit();
    if (id !== null) {
      void this.loadText(id);
    }
  }

  private async loadText(id: string): Promise<void> {
    try {
      const text = await (await this.api.raw(`jobs/${word(id)}/text`)).text();
      if (id === this.id) {
        this._text = text;
        this._error = null;
      }
    } catch (error) {
      if (id === this.id) {
        this._error = error instanceof Error ? error.message : String(error);
      }
    }
    if (!this._isDisposed) {
      this._changed.emit();
    }
  }

  private async page(pipeline: string, before?: string): Promise<JobSummary[] | null> {
    try {
      return await this.api.get<JobSummary[]>('jobs', { pipeline, before, limit: PAGE });
    } catch {
      return null; // the connection's own state says so; the next event or reconnection asks again
    }
  }

  private onJobsChanged(_: IJobs, changed: readonly string[]): void {
    const known = new Set(this._list.map(each => each.id));
    if (
      changed.length === 0 ||
      changed.some(id => known.has(id)) ||
      this._isLatest ||
      this._list.length < PAGE
    ) {
      void this.asking.invoke();
    }
  }

  private onConnectionChanged(): void {
    if (this.jobs.connection === 'connected') {
      void this.asking.invoke();
      if (this.id !== null && this._text === null) {
        void this.loadText(this.id);
      }
    }
  }

  private readonly asking = new Throttler(() => this.refresh(), { limit: 1000, edge: 'trailing' });
  private readonly naming = new Debouncer(() => this.refresh(), 400);
  private readonly _changed = new Signal<this, void>(this);
  private readonly _chosen = new Signal<this, string | null>(this);
  private pipeline = '';
  private watch: IJobWatch | null = null;
  private _list: readonly JobSummary[] = [];
  private _hasMore = false;
  private _isLatest = false;
  private _text: string | null = null;
  private _error: string | null = null;
  private _isDisposed = false;
}
