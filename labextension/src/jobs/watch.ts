/**
 * One job, followed by any number of watches: fetched once, then folded from the events of the feed.
 *
 * Events that come while a fetch is on its way are kept and folded into its answer, which tells by its `seq` what it
 * shows already. What cannot be folded is fetched, one fetch at a time. A job that was there and is no more was
 * deleted, which is the end: nothing is asked about it again. Two things have no event: why instances wait
 * for a session, and a person's words on a job; so a job with waiting instances is fetched again now and then.
 */
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError, word } from '../api';
import type { EventView, JobView } from '../generated';
import { isEnded, stateOf } from '../status';
import type { IJobWatch } from '../tokens';
import type { AsksInWords } from './feed';
import { foldJob, JOB_DELETED } from './reduce';
import { sentence, troubleOf } from '../words';

/** Milliseconds between two looks at why instances wait; for each task of the job a little longer. */
const LOOK = 10_000;
const LOOK_PER_TASK = 20;

/** Keeps one job up to date, for all who watch it. */
export class Follower {
  /** Fetches at once. */
  constructor(
    readonly id: string,
    private readonly api: AsksInWords
  ) {
    this.fetch();
  }

  /** The job as it is known now; null before the first answer. */
  job: JobView | null = null;
  /** Why it cannot be shown, in words. */
  error: string | null = null;
  /** How many watch. */
  watches = 0;

  /** After each change of `job` or `error`. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Take in events; null: anything may have changed. */
  receive(events: readonly EventView[] | null): void {
    if (events === null) {
      this.fetch();
    } else if (this._isFetching || this.job === null) {
      this._meanwhile.push(...events.filter(event => this._isMine(event)));
    } else if (events.some(event => this._isMine(event))) {
      this._fold(events);
      this._changed.emit();
    }
  }

  /** The connection is back: ask again if the last answer failed. */
  retry(): void {
    if (this.error !== null) {
      this.fetch();
    }
  }

  /** Fetch the whole job; once more after the one on its way. */
  fetch(): void {
    if (this._isFetching) {
      this._isWantedAgain = true;
    } else if (!this._isDeleted) {
      void this._fetch();
    }
  }

  /** Follow no more. */
  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._look);
    Signal.clearData(this);
  }

  private async _fetch(): Promise<void> {
    this._isFetching = true;
    this._isWantedAgain = false;
    try {
      this.job = await this.api.get<JobView>(`jobs/${word(this.id)}`);
      this.error = null;
    } catch (error) {
      this._fail(error);
    } finally {
      this._isFetching = false;
    }
    const meanwhile = this._meanwhile;
    this._meanwhile = [];
    if (!this._isDisposed) {
      this._fold(meanwhile);
      this._lookAgain();
      this._changed.emit();
    }
  }

  /** What is shown stays while the server is away; the panel says that it is. */
  private _fail(error: unknown): void {
    const isAway = error instanceof ApiError && (error.isUnreachable || error.isSignedOut);
    if (this.job !== null && error instanceof ApiError && error.status === 404) {
      this._end();
      return;
    }
    this.error = sentence(troubleOf(error));
    if (!isAway) {
      this.job = null;
    }
  }

  private _end(): void {
    this._isDeleted = true;
    this.job = null;
    this.error = this.api.trans.__('This job was deleted.');
  }

  private _fold(events: readonly EventView[]): void {
    if (events.some(event => event.type === JOB_DELETED && this._isMine(event))) {
      this._end();
    }
    if (this.job === null) {
      return;
    }
    const wasEnded = isEnded(stateOf(this.job));
    const folded = foldJob(this.job, events);
    this.job = folded.job;
    if (folded.isStale || this._isWantedAgain || (!wasEnded && isEnded(stateOf(folded.job)))) {
      this.fetch();
    }
  }

  /** Why instances wait is told by no event. */
  private _lookAgain(): void {
    clearTimeout(this._look);
    const job = this.job;
    if (job !== null && !isEnded(stateOf(job)) && job.tasks.some(task => stateOf(task) === 'waiting')) {
      this._look = setTimeout(() => this._lookNow(), LOOK + LOOK_PER_TASK * job.tasks.length);
    }
  }

  private _lookNow(): void {
    if (document.hidden) {
      this._lookAgain();
    } else {
      this.fetch();
    }
  }

  private _isMine(event: EventView): boolean {
    return event.job_id === (this.job?.id ?? this.id);
  }

  private _isFetching = false;
  private _isWantedAgain = false;
  private _isDisposed = false;
  private _isDeleted = false;
  private _meanwhile: EventView[] = [];
  private _look: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, void>(this);
}

/** One watch of a follower; `release` is called when it is disposed of. */
export class JobWatch implements IJobWatch {
  constructor(
    private readonly follower: Follower,
    private readonly release: () => void
  ) {
    follower.changed.connect(this._onChanged, this);
  }

  /** The job's id. */
  get id(): string {
    return this.follower.job?.id ?? this.follower.id;
  }

  /** The job as it is known now. */
  get job(): JobView | null {
    return this.follower.job;
  }

  /** Why it cannot be shown, in words. */
  get error(): string | null {
    return this.follower.error;
  }

  /** After each change; many events make one signal. */
  get changed(): ISignal<IJobWatch, void> {
    return this._changed;
  }

  /** Whether this watches no more. */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Watch no more. */
  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.follower.changed.disconnect(this._onChanged, this);
      Signal.clearData(this);
      this.release();
    }
  }

  private _onChanged(): void {
    this._changed.emit();
  }

  private _isDisposed = false;
  private readonly _changed = new Signal<IJobWatch, void>(this);
}
