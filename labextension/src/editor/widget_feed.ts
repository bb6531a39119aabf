/**
 * What the canvas is shown, and when.
 *
 * While editing: the text's graph. While a job is chosen whose text is the one in the editor: the same graph, which
 * can still be changed, with the job's states on it. While another job is chosen: that job's own graph, frozen.
 * Which of the two it is is decided once, when the job is chosen: a person who repairs a failed pipeline keeps the
 * states in view while typing, and the canvas never jumps to another graph under the hands.
 */
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IDagCanvas, Marker } from './canvas-types';
import { readDocument } from './document';
import type { Graph, NodeState, Problem, Severity } from './graph';
import type { PipelineModel } from './model';
import { isUnfinished, nodeStates } from './monitor';
import type { JobChoice } from './run_jobs';

/** How often elapsed times and progress move on, in milliseconds. */
const TICK = 1000;

const BADNESS: readonly Severity[] = ['notice', 'warning', 'error'];

/** What shows a graph, the states of its tasks and their problems: the canvas, and the outline. */
export type IGraphView = Pick<IDagCanvas, 'setGraph' | 'setStates' | 'setProblems'>;

/** What {@link CanvasFeed} feeds from. */
export interface FeedSources {
  model: PipelineModel;
  choice: JobChoice;
  canvas: IDagCanvas;
  /** What shows the same in words. */
  outline: IGraphView;
  trans: TranslationBundle;
  /** Whether the file itself may not be changed. */
  isFileReadOnly: () => boolean;
  /** Whether anybody can see the canvas. */
  isVisible: () => boolean;
}

/** See the head of this file. */
export class CanvasFeed implements IDisposable {
  constructor(private readonly from: FeedSources) {
    from.model.changed.connect(this.update, this);
    from.choice.changed.connect(this.update, this);
    from.choice.chosen.connect(this.onChosen, this);
    this.timer = setInterval(() => this.tick(), TICK);
  }

  /** Whether the canvas shows a job's own graph, which is not the text's. */
  get isFrozen(): boolean {
    return this.frozen !== null;
  }

  /** The graph that is shown. */
  get graph(): Graph {
    return this.differing?.graph ?? this.frozen ?? this.from.model.graph;
  }

  /** What the job says of the tasks; null while no job is shown. */
  get states(): ReadonlyMap<string, NodeState> | null {
    return this._states;
  }

  /** After each change of what is shown. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    this._isDisposed = true;
    clearInterval(this.timer);
    Signal.clearData(this);
  }

  /** Show on the cards what a job would do, until the text changes or a job is shown; null: no more. */
  showPlan(states: ReadonlyMap<string, NodeState> | null): void {
    this.planned = states && { states, text: this.from.model.text };
    this.showStates();
  }

  /** Show on the cards what differs from a job, until the text changes or a job is shown; null: no more. */
  showDiff(graph: Graph | null, states: ReadonlyMap<string, NodeState> = new Map()): void {
    this.compared = graph && { graph, states, text: this.from.model.text };
    this.update();
  }

  /** Show what there is now. */
  update(): void {
    if (this._isDisposed) {
      return;
    }
    const { choice, canvas, isFileReadOnly } = this.from;
    if (choice.text !== null && !this.isDecided) {
      this.decide(choice.text);
    }
    if (this.graph !== this.shownGraph) {
      this.shownGraph = this.graph;
      this.views.forEach(view => view.setGraph(this.graph));
    }
    const isReadOnly = this.isFrozen || this.differing !== null || isFileReadOnly();
    if (canvas.isReadOnly !== isReadOnly) {
      canvas.isReadOnly = isReadOnly;
    }
    this.showStates();
    const markers: Map<string, Marker> = this.isFrozen
      ? new Map()
      : markersOf(this.from.model.problems, this.from.model);
    this.views.forEach(view => view.setProblems(markers));
    this._changed.emit();
  }

  private decide(text: string): void {
    this.isDecided = true;
    if (text !== this.from.model.text) {
      const { graph } = readDocument(text, this.from.trans);
      this.frozen = graph;
    }
  }

  private onChosen(): void {
    this.planned = null;
    this.compared = null;
    this.isDecided = false;
    this.frozen = null;
  }

  private showStates(): void {
    const { choice } = this.from;
    const planned = this.planned?.text === this.from.model.text ? this.planned.states : null;
    const states = choice.job ? nodeStates(choice.job, Date.now()) : (this.differing?.states ?? planned);
    if (states || this._states) {
      this._states = states;
      this.views.forEach(view => view.setStates(states));
    }
  }

  /** What differs, while that is still so. */
  private get differing(): { graph: Graph; states: ReadonlyMap<string, NodeState> } | null {
    return this.compared?.text === this.from.model.text ? this.compared : null;
  }

  private tick(): void {
    const { job } = this.from.choice;
    if (job && isUnfinished(job) && this.from.isVisible() && document.visibilityState === 'visible') {
      this.showStates();
    }
  }

  private get views(): readonly IGraphView[] {
    return [this.from.canvas, this.from.outline];
  }

  private readonly timer: ReturnType<typeof setInterval>;
  private readonly _changed = new Signal<this, void>(this);
  private _states: ReadonlyMap<string, NodeState> | null = null;
  private planned: { states: ReadonlyMap<string, NodeState>; text: string } | null = null;
  private compared: { graph: Graph; states: ReadonlyMap<string, NodeState>; text: string } | null = null;
  private frozen: Graph | null = null;
  private shownGraph: Graph | null = null;
  private isDecided = false;
  private _isDisposed = false;
}

/** How many problems each task has, and how bad the worst is. */
export function markersOf(
  problems: readonly Problem[],
  places: Pick<PipelineModel, 'taskAt'>
): Map<string, Marker> {
  const markers = new Map<string, Marker>();
  for (const problem of problems) {
    const task = problem.task ?? (problem.to > 0 ? places.taskAt(problem.from) : null);
    if (task) {
      const before = markers.get(task);
      const severity =
        before && BADNESS.indexOf(before.severity) > BADNESS.indexOf(problem.severity)
          ? before.severity
          : problem.severity;
      markers.set(task, { count: (before?.count ?? 0) + 1, severity });
    }
  }
  return markers;
}
