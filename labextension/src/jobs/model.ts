/**
 * What happens in this home, for everything that shows it: the feed's events, gathered up to the browser's next frame,
 * so that a thousand changes are one redraw.
 */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { EventView, JobSummary } from '../generated';
import type { Hints } from '../hints';
import { isEnded, stateOf } from '../status';
import type { Connection, IJobs, IJobWatch, ServerInfo } from '../tokens';
import { Feed, type Listens } from './feed';
import { foldSummary } from './reduce';
import { Follower, JobWatch } from './watch';
import type { Trouble } from '../words';

/** Calls `work` when the next picture is drawn; soon, where none is drawn. */
export type Frame = (work: () => void) => void;

/** How jobs are followed. */
export interface JobsOptions {
  api: Listens;
  hints?: Hints | null;
  /** Seconds between two questions without a hint. */
  pollSeconds?: number;
  frame?: Frame;
}

/** Events, or null where anything may have changed. */
export type News = readonly EventView[] | null;

const MOST_RUNNING = 1000;

/** The jobs of this home. */
export class Jobs implements IJobs, IDisposable {
  /** Nothing is asked before `start`. */
  constructor(options: JobsOptions) {
    this._api = options.api;
    this._frame = options.frame ?? nextFrame;
    this.feed = new Feed(options.api, options.hints ?? null, options.pollSeconds);
    this.feed.batches.connect(this._onBatch, this);
    this.feed.connectionChanged.connect(this._onConnection, this);
  }

  /** Where events come from. */
  readonly feed: Feed;

  /** The server's word on itself. */
  get info(): ServerInfo | null {
    return this.feed.info;
  }

  /** How the connection is. */
  get connection(): Connection {
    return this.feed.connection;
  }

  /** Why the connection is not well, in the server's words. */
  get trouble(): Trouble | null {
    return this.feed.trouble;
  }

  /** Unfinished jobs, newest first. */
  get running(): readonly JobSummary[] {
    return this._running;
  }

  /** After each change of `info` or `connection`. */
  get connectionChanged(): ISignal<this, void> {
    return this._connectionChanged;
  }

  /** After events of any job, and when `running` changed; names the jobs (empty: any may have changed). */
  get jobsChanged(): ISignal<this, readonly string[]> {
    return this._jobsChanged;
  }

  /** The events themselves, once a frame. */
  get news(): ISignal<this, News> {
    return this._news;
  }

  /** Whether nothing is followed any more. */
  get isDisposed(): boolean {
    return this.feed.isDisposed;
  }

  /** Begin to ask. */
  start(): void {
    this.feed.start();
  }

  /** Ask now. */
  refresh(): void {
    this.feed.refresh();
  }

  /** Somebody got no answer, or was asked who he is: look at the connection now, if it was thought to be well. */
  doubt(): void {
    if (this.connection === 'connected') {
      this.feed.refresh();
    }
  }

  /** Follow one job; those who follow the same one share it. The caller disposes of it. */
  watch(job: string): IJobWatch {
    const follower = this._followers.get(job) ?? this._follow(job);
    follower.watches += 1;
    return new JobWatch(follower, () => {
      follower.watches -= 1;
      if (follower.watches === 0) {
        this._followers.delete(job);
        follower.dispose();
      }
    });
  }

  /** Something changed without an event: a name, tags, a note, or jobs that are gone. */
  touch(jobs: readonly string[]): void {
    for (const follower of this._followers.values()) {
      if (jobs.includes(follower.job?.id ?? follower.id)) {
        follower.fetch();
      }
    }
    void this._fetchRunning();
    this._jobsChanged.emit(jobs);
  }

  /** Anything may have changed without an event. */
  touchAll(): void {
    this._onBatch(this.feed, null);
  }

  /** Follow nothing any more. */
  dispose(): void {
    this.feed.dispose();
    this._followers.forEach(follower => follower.dispose());
    this._followers.clear();
    Signal.clearData(this);
  }

  /** Who gets an answer while the feed thinks that there is none has it look at once. */
  private _follow(job: string): Follower {
    const follower = new Follower(job, this._api);
    follower.changed.connect(() => {
      if (follower.error === null && this.connection !== 'connected') {
        this.feed.refresh();
      }
    });
    this._followers.set(job, follower);
    return follower;
  }

  private _onConnection(): void {
    if (this.connection === 'connected') {
      this._followers.forEach(follower => follower.retry());
      if (!this._isRunningKnown) {
        void this._fetchRunning();
      }
    }
    this._connectionChanged.emit();
  }

  private _onBatch(_: Feed, events: News): void {
    if (events === null) {
      this._gathered = [];
      this._mayAllHaveChanged = true;
    } else {
      this._gathered = this._gathered.concat(events);
    }
    if (!this._isFrameAsked) {
      this._isFrameAsked = true;
      this._frame(() => this._flush());
    }
  }

  private _flush(): void {
    this._isFrameAsked = false;
    const events = this._gathered;
    const isAll = this._mayAllHaveChanged;
    this._gathered = [];
    this._mayAllHaveChanged = false;
    if (isAll) {
      this._receive(null);
      void this._fetchRunning();
    }
    if (events.length > 0) {
      this._receive(events);
      this._foldRunning(events);
    }
    this._jobsChanged.emit(isAll ? [] : [...new Set(events.map(event => event.job_id))]);
  }

  private _receive(news: News): void {
    this._followers.forEach(follower => follower.receive(news));
    this._news.emit(news);
  }

  private _foldRunning(events: readonly EventView[]): void {
    if (this._isFetching) {
      this._meanwhile.push(...events);
    }
    const known = new Map(this._running.map(job => [job.id, job]));
    for (const event of events) {
      const job = known.get(event.job_id);
      if (job !== undefined) {
        known.set(job.id, foldSummary(job, event));
      } else if (event.path === null && isUnfinished(event.status)) {
        void this._fetchRunning();
      }
    }
    this._running = [...known.values()].filter(job => !isEnded(stateOf(job)));
  }

  /** Fetch the unfinished jobs; once more if asked meanwhile. */
  private async _fetchRunning(): Promise<void> {
    if (this._isFetching) {
      this._isWantedAgain = true;
      return;
    }
    this._isFetching = true;
    try {
      do {
        this._isWantedAgain = false;
        this._meanwhile = [];
        const query = { status: ['PENDING', 'RUNNING'], limit: MOST_RUNNING };
        this._running = await this._api.get<JobSummary[]>('jobs', query);
      } while (this._isWantedAgain);
    } catch {
      this._isRunningKnown = false; // the feed says what is wrong; asked again once it is connected
      this.feed.refresh();
      return;
    } finally {
      this._isFetching = false;
    }
    this._isRunningKnown = true;
    this._foldRunning(this._meanwhile);
    this._jobsChanged.emit(this._running.map(job => job.id));
  }

  private readonly _api: Listens;
  private readonly _frame: Frame;
  private readonly _followers = new Map<string, Follower>();
  private _running: readonly JobSummary[] = [];
  private _gathered: readonly EventView[] = [];
  private _mayAllHaveChanged = false;
  private _isFrameAsked = false;
  private _isRunningKnown = true;
  private _isFetching = false;
  private _isWantedAgain = false;
  private _meanwhile: EventView[] = [];
  private readonly _connectionChanged = new Signal<this, void>(this);
  private readonly _jobsChanged = new Signal<this, readonly string[]>(this);
  private readonly _news = new Signal<this, News>(this);
}

function isUnfinished(status: string): boolean {
  return status === 'PENDING' || status === 'RUNNING';
}

function nextFrame(work: () => void): void {
  if (document.hidden) {
    setTimeout(work, 100);
  } else {
    requestAnimationFrame(work);
  }
}
