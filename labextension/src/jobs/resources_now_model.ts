/** Slots in use now and over the last days, and the space that is left on the disk. */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { UsageHistory } from '../generated';
import type { Asks } from './feed';
import type { Jobs } from './model';
import type { PanelSettings } from './settings';
import { type Trouble, troubleOf } from '../words';

/** One slot, as it is drawn. */
export interface SlotShown {
  readonly slot: string;
  readonly used: number;
  /** What there is; 0 where that is not known. */
  readonly total: number;
  /** How much was held on average, bucket by bucket. */
  readonly history: readonly number[];
}

const BUCKETS = 84;
/** Milliseconds after a change, so that what it brings about is there. */
const SETTLE = 200;
/** Milliseconds between two questions while jobs change, and while nothing does. */
const SOON = 2000;
const SELDOM = 60_000;
/** Milliseconds between two looks at the disk. */
const DISK = 300_000;
const USUAL = ['cpu', 'mem', 'cuda.device', 'cuda.shares'];

/** The slots of an answer: the usual ones first; those of which there are none are left out. */
export function slotsOf(usage: UsageHistory): SlotShown[] {
  const names = [
    ...new Set([...Object.keys(usage.total), ...Object.keys(usage.used), ...Object.keys(usage.slots)])
  ];
  const rank = (slot: string): number => (USUAL.includes(slot) ? USUAL.indexOf(slot) : USUAL.length);
  return names
    .map(slot => ({
      slot,
      used: usage.used[slot] ?? 0,
      total: usage.total[slot] ?? 0,
      history: usage.slots[slot] ?? []
    }))
    .filter(each => each.total > 0 || each.used > 0 || each.history.some(amount => amount > 0))
    .sort((one, other) => rank(one.slot) - rank(other.slot) || one.slot.localeCompare(other.slot));
}

/** Resources, as the panel shows them; asks only while it is shown. */
export class ResourcesNow implements IDisposable {
  constructor(
    private readonly api: Asks,
    private readonly jobs: Pick<Jobs, 'jobsChanged' | 'connectionChanged' | 'connection'>,
    readonly settings: PanelSettings
  ) {
    jobs.jobsChanged.connect(this._onJobs, this);
    jobs.connectionChanged.connect(this._onJobs, this);
  }

  /** What is shown; empty before the first answer. */
  slots: readonly SlotShown[] = [];
  /** Free space of the disk that holds the home, as `fasttrack doctor` writes it. */
  freeSpace: string | null = null;
  /** Whether there was an answer. */
  isLoaded = false;
  /** Why the last question was not answered. */
  trouble: Trouble | null = null;

  /** After each answer. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether this asks no more. */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Ask while this is shown. */
  setShown(isShown: boolean): void {
    this._isShown = isShown;
    if (isShown) {
      this._plan(0);
    }
  }

  /** Ask no more. */
  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this._timer);
    this.jobs.jobsChanged.disconnect(this._onJobs, this);
    this.jobs.connectionChanged.disconnect(this._onJobs, this);
    Signal.clearData(this);
  }

  private _onJobs(): void {
    this._plan(Math.max(SETTLE, this._askedAt + SOON - Date.now()));
  }

  private _plan(pause: number): void {
    const due = Date.now() + pause;
    if (this._isShown && !this._isDisposed && (this._timer === undefined || due < this._due)) {
      clearTimeout(this._timer);
      this._due = due;
      this._timer = setTimeout(() => void this._ask(), pause);
    }
  }

  private async _ask(): Promise<void> {
    this._timer = undefined;
    this._askedAt = Date.now();
    if (!document.hidden && this._isShown) {
      try {
        const query = { days: this.settings.historyDays, buckets: BUCKETS };
        this.slots = slotsOf(await this.api.get<UsageHistory>('usage/history', query));
        [this.trouble, this.isLoaded] = [null, true];
      } catch (error) {
        this.trouble = troubleOf(error);
      }
      await this._askDisk();
      this._changed.emit();
    }
    this._plan(SELDOM);
  }

  private async _askDisk(): Promise<void> {
    if (this.trouble !== null || Date.now() - this._diskAskedAt < DISK) {
      return;
    }
    this._diskAskedAt = Date.now();
    try {
      const checks = await this.api.get<readonly Record<string, unknown>[]>('doctor');
      const space = checks.find(each => each.check === 'free disk space');
      this.freeSpace = typeof space?.found === 'string' ? space.found : null;
    } catch {
      this.freeSpace = null; // a line less; the connection's own words are above
    }
  }

  private _isShown = false;
  private _isDisposed = false;
  private _diskAskedAt = -Infinity;
  private _askedAt = -Infinity;
  private _due = 0;
  private _timer: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, void>(this);
}
