/**
 * One pipeline text as a model of what is drawn: the last graph that could be read, what is wrong, what is
 * selected. The text itself, its history and its collaborators are Jupyter's (`ISharedText`); everything here
 * follows it. Typing is read after a pause as long as reading took last time, which is shorter than a blink: a person
 * who types has half of the time at the least. A gesture (`apply`) is read at once.
 * The server checks what only it knows, a little later; an answer about an older text is dropped, and while
 * a new one is awaited the last one's findings move along with the text.
 */
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Problem as ServerProblem } from '../generated';
import { readSource, type Reading } from './document';
import type { Source } from './document_source';
import { applyEdit, type Edit, type Edited, type Json } from './edits';
import { diffChange } from './edits_changes';
import { textOfTasks } from './edits_tasks';
import type { Graph, Problem } from './graph';
import { fromServer, mergeProblems, movedBy } from './problems';

/** What the model needs of Jupyter's shared text. */
export interface ITextSource {
  /** After each change of the text, whoever made it. */
  readonly changed: ISignal<unknown, unknown>;
  getSource(): string;
  updateSource(start: number, end: number, value?: string): void;
  undo(): unknown;
  redo(): unknown;
  canUndo(): boolean;
  canRedo(): boolean;
  transact(work: () => void, undoable?: boolean): void;
  /** Jupyter's texts have one; it is told where one step of the history ends. */
  readonly undoManager?: { stopCapturing(): void };
}

/** Asks the server what is wrong with a text; fails where it is away. */
export type Validator = (text: string) => Promise<readonly ServerProblem[]>;

const EMPTY: Graph = { name: '', description: '', tasks: [], remarks: [] };

/** See the head of this file. */
export class PipelineModel implements IDisposable {
  /** Follow `source`; `validate` may be left out where there is no server. */
  constructor(options: PipelineModel.IOptions) {
    this._source = options.source;
    this._validate = options.validate;
    this._trans = options.trans;
    this._readDelay = options.readDelay ?? 60;
    this._validateDelay = options.validateDelay ?? 400;
    this._source.changed.connect(this._onText, this);
    this._read();
  }

  /** The text. */
  get text(): string {
    return this._source.getSource();
  }

  /** The last graph that could be read; an empty one before there is any. */
  get graph(): Graph {
    return this._graph;
  }

  /** The editor's own findings and the server's, in the order of the text. */
  get problems(): readonly Problem[] {
    return this._problems;
  }

  /** Whether the text cannot be read just now, so that `graph` is of an earlier one. */
  get isBroken(): boolean {
    return this._reading.isBroken;
  }

  /** After each change of `graph`, `problems` or `isBroken`. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Names of the selected tasks; all of them are in `graph`. */
  get selection(): readonly string[] {
    return this._selection;
  }

  /** After each change of `selection`. */
  get selectionChanged(): ISignal<this, readonly string[]> {
    return this._selectionChanged;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    clearTimeout(this._readTimer);
    clearTimeout(this._validateTimer);
    Signal.clearData(this);
  }

  /**
   * Change the text by one gesture, as one step of its history; what it selects is selected.
   * Throws EditRefused, and nothing has changed then.
   */
  apply(edit: Edit): void {
    const { changes, selects } = this.plan(edit);
    if (changes.length) {
      this._source.undoManager?.stopCapturing();
      this._source.transact(() => {
        for (const { from, to, insert } of [...changes].reverse()) {
          this._source.updateSource(from, to, insert);
        }
      });
      this._source.undoManager?.stopCapturing();
      this._read();
    }
    this.select(selects);
  }

  /** What `apply` would do; throws EditRefused. For asking beforehand, such as while an edge is drawn. */
  plan(edit: Edit): Edited {
    return applyEdit(this.text, edit, this._trans, this._current());
  }

  /** Select tasks by name; names that are no task are left out. */
  select(names: readonly string[]): void {
    const known = new Set(this._graph.tasks.map(task => task.name));
    const next = [...new Set(names)].filter(name => known.has(name));
    if (
      next.length !== this._selection.length ||
      next.some((name, place) => name !== this._selection[place])
    ) {
      this._selection = next;
      this._selectionChanged.emit(next);
    }
  }

  /** What else was found about this very text, such as by a plan; counts until the text changes. */
  setFindings(found: readonly Problem[]): void {
    if (found.length || this._findings.length) {
      this._findings = found;
      this._tell();
    }
  }

  /** The task in whose text `offset` stands, or null. */
  taskAt(offset: number): string | null {
    const { tasks } = this._graph;
    return tasks.find(task => task.from <= offset && offset <= task.to)?.name ?? null;
  }

  /** What the text says of a task, as data; null where there is no such task. */
  taskData(name: string): Json {
    return this._good?.taskData(name) ?? null;
  }

  /** What the text says in all, as data; null before anything could be read. */
  pipelineData(): Json {
    return this._good?.data ?? null;
  }

  /** Tasks as YAML with their comments, for the clipboard. */
  textOfTasks(names: readonly string[]): string {
    return this._good ? textOfTasks(this._good, names) : '';
  }

  /** Whether there is something to undo. */
  get canUndo(): boolean {
    return this._source.canUndo();
  }

  /** Whether there is something to redo. */
  get canRedo(): boolean {
    return this._source.canRedo();
  }

  /** Take the last change of the text back, whether drawn or typed. */
  undo(): void {
    this._source.undo();
    this._read();
  }

  /** Do again what was undone. */
  redo(): void {
    this._source.redo();
    this._read();
  }

  private _onText(): void {
    clearTimeout(this._readTimer);
    this._readTimer = setTimeout(() => this._read(), Math.min(this._readDelay, this._readTook));
  }

  /** The source of the text as it is now. */
  private _current(): Source | undefined {
    if (this._readText !== this.text) {
      this._read();
    }
    return this._latest;
  }

  private _read(): void {
    clearTimeout(this._readTimer);
    const text = this.text;
    if (this._isDisposed || text === this._readText) {
      return;
    }
    const began = performance.now();
    const { reading, source } = readSource(text, this._trans, this._latest?.parts);
    this._theirs = movedBy(this._theirs, diffChange(this._readText ?? '', text));
    this._readText = text;
    this._findings = [];
    this._reading = reading;
    this._latest = source;
    if (reading.graph) {
      this._graph = reading.graph;
      this._good = source;
    }
    this._askServer();
    this._tell();
    this.select(this._selection);
    this._readTook = performance.now() - began;
  }

  private _tell(): void {
    this._problems = mergeProblems(this._reading.problems, mergeProblems(this._theirs, this._findings));
    this._changed.emit();
  }

  private _askServer(): void {
    clearTimeout(this._validateTimer);
    const validate = this._validate;
    if (validate) {
      this._validateTimer = setTimeout(() => void this._validateNow(validate), this._validateDelay);
    }
  }

  private async _validateNow(validate: Validator): Promise<void> {
    const text = this.text;
    let found: readonly ServerProblem[];
    try {
      found = await validate(text);
    } catch {
      return; // the server is away, and says so elsewhere; what the editor itself finds still stands
    }
    if (!this._isDisposed && text === this.text) {
      this._read();
      this._theirs = fromServer(text, found);
      this._tell();
    }
  }

  private readonly _source: ITextSource;
  private readonly _validate: Validator | undefined;
  private readonly _trans: TranslationBundle | undefined;
  private readonly _readDelay: number;
  private readonly _validateDelay: number;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _selectionChanged = new Signal<this, readonly string[]>(this);
  private _readTook = 0;
  private _reading: Reading = { graph: null, problems: [], isBroken: false };
  private _readText: string | undefined;
  private _latest: Source | undefined;
  private _good: Source | null = null;
  private _graph: Graph = EMPTY;
  private _problems: readonly Problem[] = [];
  private _theirs: Problem[] = [];
  private _findings: readonly Problem[] = [];
  private _selection: readonly string[] = [];
  private _readTimer: ReturnType<typeof setTimeout> | undefined;
  private _validateTimer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
}

/** What belongs to {@link PipelineModel}. */
export namespace PipelineModel {
  /** How a model is made. */
  export interface IOptions {
    source: ITextSource;
    validate?: Validator;
    trans?: TranslationBundle;
    /** Milliseconds from the last key to reading, at most; and to asking the server. */
    readDelay?: number;
    validateDelay?: number;
  }
}
