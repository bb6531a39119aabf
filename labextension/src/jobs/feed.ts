/**
 * The engine's event log as it grows: asked after the last seq, when a hint says so and every few seconds anyway.
 *
 * A hint (Jupyter's event bus) may be lost, late or about nothing; a seq never lies. So hints only decide *when* to
 * ask. Whatever went wrong meanwhile (the server away, the engine restarted, the laptop asleep), the next answer
 * continues where the last one ended. Only where that makes no sense, because the log is another one or too far ahead,
 * the feed leaps: it goes on from the log's end and says that anything may have changed.
 *
 * ```
 * connecting ──► connected ◄──► lost | signed-out        after a failure: info first, then the events
 * ```
 */
import { Poll } from '@lumino/polling';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError, type Api } from '../api';
import type { EventsPage, EventView } from '../generated';
import { HINT, type Hint, type Hints } from '../hints';
import type { Connection, ServerInfo } from '../tokens';
import { type Trouble, troubleOf } from '../words';

/** What a list needs of the server. */
export type Asks = Pick<Api, 'get'>;

/** What following a job needs of it. */
export type AsksInWords = Pick<Api, 'get' | 'trans'>;

/** What the feed needs of it. */
export type Listens = Pick<Api, 'get' | 'trans' | 'unreachable'>;

const PAGE = 1000;
/** Events; further behind than this, to fetch what is shown is cheaper than to follow. */
const FAR = 20_000;
/** Milliseconds after which a request counts as lost (a laptop that slept leaves such). */
const PATIENCE = 30_000;
const LONGEST_PAUSE = 15_000;
/** Milliseconds between two looks for a server that is away: more and more, soon enough for one who waits for it. */
const RETRY = 1000;
const LONGEST_RETRY = 3000;
/** So many looks (about a minute); then the poll's own long pauses, and the window's focus, have to do. */
const RETRIES = 20;

/** Follows the event log from its end on. */
export class Feed implements IDisposable {
  /** Starts to ask when `start` is called; `seconds` is the pause between two questions without a hint. */
  constructor(
    private readonly api: Listens,
    private readonly hints: Hints | null = null,
    seconds = 5
  ) {
    this._poll = new Poll({
      auto: false,
      name: 'fasttrack:events',
      factory: () => this._ask(),
      frequency: { interval: seconds * 1000, backoff: true, max: Math.max(LONGEST_PAUSE, seconds * 1000) },
      standby: 'when-hidden'
    });
  }

  /** The server's word on itself; null before the first answer. */
  info: ServerInfo | null = null;
  /** How the connection is. */
  connection: Connection = 'connecting';
  /** Why the connection is not well, in the server's words. */
  trouble: Trouble | null = null;

  /** After each change of `info`, `connection` or `trouble`. */
  get connectionChanged(): ISignal<this, void> {
    return this._connectionChanged;
  }

  /** Events in order, none left out since the last batch; null: events were passed over, anything may have changed. */
  get batches(): ISignal<this, readonly EventView[] | null> {
    return this._batches;
  }

  /** Whether this follows no more. */
  get isDisposed(): boolean {
    return this._poll.isDisposed;
  }

  /** Begin. */
  start(): void {
    this.hints?.connect(this._onHint, this);
    document.addEventListener('visibilitychange', this._onReturn);
    window.addEventListener('online', this._onReturn);
    window.addEventListener('focus', this._onReturn);
    void this._poll.start();
  }

  /** Ask now. */
  refresh(): void {
    if (this._isAsking) {
      this._isAskedAgain = true;
    } else {
      void this._poll.refresh();
    }
  }

  /** Pause so many seconds between two questions when there is no hint. */
  setPeriod(seconds: number): void {
    this._poll.frequency = { ...this._poll.frequency, interval: seconds * 1000 };
  }

  /** Ask no more. */
  dispose(): void {
    this.hints?.disconnect(this._onHint, this);
    document.removeEventListener('visibilitychange', this._onReturn);
    window.removeEventListener('online', this._onReturn);
    window.removeEventListener('focus', this._onReturn);
    this._poll.dispose();
    Signal.clearData(this);
  }

  private async _ask(): Promise<void> {
    this._isAsking = true;
    try {
      do {
        this._isAskedAgain = false;
        if (this.connection !== 'connected') {
          await this._meet();
        }
        await this._catchUp();
      } while (this._isAskedAgain);
    } catch (error) {
      this._fail(error);
      throw error;
    } finally {
      this._isAsking = false;
    }
  }

  /** Learn who is there, and where its log ends. */
  private async _meet(): Promise<void> {
    const info = await this._get<ServerInfo>('info', {});
    const isOther = info.home !== this.info?.home;
    this.info = info;
    if (info.engine.state !== 'connected' || info.seq === null) {
      const { state, message, hint } = info.engine;
      throw new ApiError(
        503,
        `engine-${state}`,
        message || this.api.trans.__('The engine is starting'),
        hint
      );
    }
    if (isOther || this._seq === null || info.seq < this._seq || info.seq - this._seq > FAR) {
      this._leap(info.seq);
    }
    this._failures = 0;
    this._tell('connected', null);
  }

  /** Page through all events since the last one known. */
  private async _catchUp(): Promise<void> {
    for (let isWhole = false; !isWhole && !this.isDisposed;) {
      const page = await this._get<EventsPage>('events', { after: this._seq ?? 0, limit: PAGE });
      isWhole = page.events.length < PAGE;
      if (page.events.length > 0) {
        this._seq = page.events[page.events.length - 1].seq;
        this._batches.emit(page.events);
      }
    }
  }

  private _leap(seq: number): void {
    this._seq = seq;
    this._batches.emit(null);
  }

  private _fail(error: unknown): void {
    if (this.isDisposed) {
      return;
    }
    const isSignedOut = error instanceof ApiError && error.isSignedOut;
    const isStarting = error instanceof ApiError && error.code === 'engine-starting';
    this._tell(isSignedOut ? 'signed-out' : isStarting ? 'connecting' : 'lost', troubleOf(error));
    this._failures += 1;
    if (isStarting || this._failures <= RETRIES) {
      const interval = isStarting ? 500 : Math.min(LONGEST_RETRY, RETRY * this._failures);
      void this._poll.schedule({ interval, phase: 'standby' });
    }
  }

  private _tell(connection: Connection, trouble: Trouble | null): void {
    this.connection = connection;
    this.trouble = trouble;
    this._connectionChanged.emit();
  }

  private async _get<T>(path: string, query: Record<string, number>): Promise<T> {
    const patience = new AbortController();
    const timer = setTimeout(() => patience.abort(), PATIENCE);
    try {
      return await this.api.get<T>(path, query, patience.signal);
    } catch (error) {
      if (patience.signal.aborted) {
        throw this.api.unreachable();
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  private _onHint(_: unknown, hint: Hint): void {
    if (hint.schema_id !== HINT) {
      return;
    }
    const isBehind = typeof hint.seq === 'number' && this._seq !== null && hint.seq < this._seq;
    if (this.connection === 'connected' && (hint.engine !== 'connected' || isBehind)) {
      this._tell('connecting', null);
    }
    if (hint.seq !== this._seq || this.connection !== 'connected') {
      this.refresh();
    }
  }

  private readonly _onReturn = (): void => {
    if (!document.hidden) {
      this.refresh();
    }
  };

  private readonly _poll: Poll<void>;
  private _seq: number | null = null;
  private _isAsking = false;
  private _failures = 0;
  private _isAskedAgain = false;
  private readonly _connectionChanged = new Signal<this, void>(this);
  private readonly _batches = new Signal<this, readonly EventView[] | null>(this);
}
