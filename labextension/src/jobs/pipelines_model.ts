/** The pipelines of this workspace and of this home: files that the server found, joined with what the engine knows. */
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { toContentsPath } from '../api';
import type { LastJob, PipelineFile, PipelineFiles, PipelineView } from '../generated';
import type { Asks } from './feed';
import type { Jobs, News } from './model';
import { Selection } from './selection';
import { type Trouble, troubleOf } from '../words';

/** A pipeline as it is listed. */
export interface PipelineItem {
  /** What tells it from the others: its path, or its name where it has no file here. */
  readonly id: string;
  readonly name: string;
  /** Contents path of its file; null where its file is not in this workspace. */
  readonly path: string | null;
  /** Where the engine last saw its file, on the server's machine. */
  readonly source: string | null;
  /** The first error in the file, in words. */
  readonly problem: string | null;
  /** How many jobs it has, and the newest; none where the engine does not know it. */
  readonly jobs: number;
  readonly last: LastJob | null;
  /** Whether the engine knows a pipeline of that name. */
  readonly isKnown: boolean;
}

const SETTLE = 400;

/** Files first, by path; then what only the engine knows, by name. `root` is the contents root on the server's machine. */
export function join(
  files: readonly PipelineFile[],
  known: readonly PipelineView[],
  root: string | null
): PipelineItem[] {
  const byName = new Map(known.map(view => [view.name, view]));
  const own = files.map(file => itemOfFile(file, byName.get(file.name ?? '')));
  const there = new Set(own.map(item => item.name));
  const rest = known.filter(view => !there.has(view.name)).map(view => itemOfView(view, root));
  return [...own, ...rest];
}

function itemOfFile(file: PipelineFile, view: PipelineView | undefined): PipelineItem {
  return {
    id: file.path,
    name: file.name ?? (file.path.split('/').at(-1) || file.path),
    path: file.path,
    source: view?.source ?? null,
    problem: file.problem,
    jobs: view?.jobs ?? 0,
    last: view?.last ?? null,
    isKnown: view !== undefined
  };
}

function itemOfView(view: PipelineView, root: string | null): PipelineItem {
  return {
    id: `name:${view.name}`,
    name: view.name,
    path: toContentsPath(view.source, root),
    source: view.source,
    problem: null,
    jobs: view.jobs,
    last: view.last,
    isKnown: true
  };
}

/** Pipelines, as the panel lists them. */
export class Pipelines implements IDisposable {
  /** Nothing is fetched before `reload`. */
  constructor(
    private readonly api: Asks,
    private readonly source: Pick<Jobs, 'news' | 'connectionChanged' | 'connection' | 'info'>
  ) {
    source.news.connect(this._onNews, this);
    source.connectionChanged.connect(this._onConnection, this);
  }

  /** All, in the order in which they are shown. */
  items: readonly PipelineItem[] = [];
  /** Whether all files of the workspace were looked at. */
  isComplete = true;
  /** Whether there was an answer yet. */
  isLoaded = false;
  /** Why the last question was not answered. */
  trouble: Trouble | null = null;
  /** The one that the keyboard is on. */
  readonly selection = new Selection(() => this.items.map(item => item.id));

  /** After each change of anything here. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether this follows no more. */
  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** The item that the keyboard is on, or that was clicked last. */
  get active(): PipelineItem | null {
    return this.items.find(item => item.id === this.selection.active) ?? null;
  }

  /** Look for files again, and ask the engine what it knows. */
  async reload(): Promise<void> {
    await this._ask(async () => {
      this._files = await this.api.get<PipelineFiles>('files');
      this._known = await this.api.get<PipelineView[]>('pipelines');
    });
  }

  /** A file was made, changed, moved or removed, or jobs changed: look again when that has settled. */
  settle(areFilesChanged: boolean): void {
    this._areFilesBehind ||= areFilesChanged;
    this._settling ??= setTimeout(() => {
      this._settling = undefined;
      const areFilesBehind = this._areFilesBehind;
      this._areFilesBehind = false;
      void (areFilesBehind ? this.reload() : this._askKnown());
    }, SETTLE);
  }

  /** Say that the selection changed. */
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

  private async _askKnown(): Promise<void> {
    await this._ask(async () => {
      this._known = await this.api.get<PipelineView[]>('pipelines');
    });
  }

  private async _ask(question: () => Promise<void>): Promise<void> {
    try {
      await question();
      this.trouble = null;
      this.isLoaded = true;
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    this.isComplete = this._files.is_complete;
    this.items = join(this._files.files, this._known, this.source.info?.root ?? null);
    this.selection.keep(this.items.map(item => item.id));
    this._changed.emit();
  }

  private _onNews(_: unknown, news: News): void {
    if (news === null || news.some(event => event.path === null)) {
      this.settle(news === null);
    }
  }

  private _onConnection(): void {
    if (this.source.connection === 'connected' && (this.trouble !== null || !this.isLoaded)) {
      this.settle(true);
    }
  }

  private _files: PipelineFiles = { files: [], is_complete: true };
  private _known: readonly PipelineView[] = [];
  private _areFilesBehind = false;
  private _isDisposed = false;
  private _settling: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, void>(this);
}
