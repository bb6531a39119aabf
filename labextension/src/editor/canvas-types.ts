/**
 * What the canvas and its neighbours say to each other: plain values, no user interface, no cytoscape.
 */
import type { ISignal } from '@lumino/signaling';

import type { Edit } from './edits';
import type { Graph, NodeState, Position, Severity } from './graph';

/** A dependency as it is drawn: `to` needs `from`. Names of tasks. */
export interface EdgeEnds {
  from: string;
  to: string;
}

/** Where the graph flows to. */
export type Direction = 'LR' | 'TB';

/** Along which line selected tasks are aligned, or between which they are spread evenly. */
export type Alignment = 'left' | 'center' | 'right' | 'top' | 'middle' | 'bottom' | 'columns' | 'rows';

/** The problems of one task, as its badge shows them. */
export interface Marker {
  count: number;
  severity: Severity;
}

/**
 * What a person did on the canvas that others must answer. What only moves the view (selection, zoom, focus)
 * is not among them. `names` are task names.
 */
export type Gesture =
  /** Change the text. */
  | { kind: 'edit'; edit: Edit }
  /** Show a panel about a task. */
  | { kind: 'open'; name: string; panel: 'properties' | 'log' | 'outputs' }
  /** Ask for a task to add at `position` (of the model), needing `after`. */
  | { kind: 'add'; position: Position; after: readonly string[] }
  /** Ask for a new name. */
  | { kind: 'rename'; name: string }
  /** Ask for a remark's new text. */
  | { kind: 'edit-remark'; id: string }
  /** Clipboard; for `paste` the place is where the mouse is, or the view's centre. */
  | { kind: 'copy' | 'cut'; names: readonly string[] }
  | { kind: 'paste'; position: Position }
  /** A context menu at a point of the page (client coordinates). Nothing named: of the background. */
  | {
      kind: 'menu';
      names: readonly string[];
      edge: EdgeEnds | null;
      remark: string | null;
      x: number;
      y: number;
    }
  | { kind: 'run' }
  | { kind: 'run-from'; name: string }
  /** Stop these task instances; nobody named: the whole job. */
  | { kind: 'stop'; names: readonly string[] }
  /** Show the search field, or the list of keys. */
  | { kind: 'search' }
  | { kind: 'help' }
  /** A gesture that cannot be done, and why, in words. The canvas has announced it already to screen readers. */
  | { kind: 'refused'; message: string };

/** What is remembered of the view, per file: plain JSON. */
export interface ViewState {
  zoom: number;
  pan: Position;
  direction: Direction;
  /** Whether it shows all, and is to go on doing so when the size of the canvas changes. */
  isFitted: boolean;
  /** By task name. */
  positions: Readonly<Record<string, Position>>;
}

/** The public face of the canvas (`DagCanvas` of `canvas.ts`, a Lumino widget, is the one implementation). */
export interface IDagCanvas {
  /** Show `graph`. Known tasks keep their place; the first graph is laid out; pinned positions win. */
  setGraph(graph: Graph): void;
  /** Show what a job says of the tasks; null: nothing runs, the pipeline is being edited. Cheap: call it per event. */
  setStates(states: ReadonlyMap<string, NodeState> | null): void;
  /** Badges, by task name. */
  setProblems(problems: ReadonlyMap<string, Marker>): void;
  /** Whether the graph may not be changed: no handles, no edits, no adding; looking at it works. */
  isReadOnly: boolean;
  /** Names of the selected tasks, in the order of the graph. */
  readonly selected: readonly string[];
  /** The selected dependency, if one is. */
  readonly selectedEdge: EdgeEnds | null;
  /** The task that the keyboard is at. */
  readonly focused: string | null;
  /** Select exactly these; unknown names are ignored. Emits `selectionChanged` if that changed anything. */
  select(names: readonly string[]): void;
  /** After the selection changed, by whomever: the selected tasks. */
  readonly selectionChanged: ISignal<IDagCanvas, readonly string[]>;
  /** What the person wants. */
  readonly gestures: ISignal<IDagCanvas, Gesture>;
  /** After pan, zoom, moves or layout have settled (at most every 300 ms): time to remember `viewState()`. */
  readonly viewChanged: ISignal<IDagCanvas, void>;
  /** Show all, never larger than 1:1. (`Widget.fit` and `Widget.layout` are Lumino's.) */
  fitView(): void;
  /** Zoom around the centre. */
  zoomBy(factor: number): void;
  /** Lay all out anew, but for pinned ones; `direction` stays as it was unless given. Then fits the view. */
  arrange(direction?: Direction): void;
  /** Align the selected tasks. */
  align(how: Alignment): void;
  /** Tasks whose name contains `text` (any case), in the order of the graph; they are highlighted until `find('')`. */
  find(text: string): readonly string[];
  /** Bring a task into view, and put the keyboard's focus on it. Returns whether there is one. */
  reveal(name: string): boolean;
  /** The view as JSON. */
  viewState(): ViewState;
  /** Take a remembered view; call it before the first `setGraph`, or at any time after. */
  restoreView(view: ViewState): void;
  /** Where tasks stand now, for `pin` edits; unknown names are left out. */
  positionsOf(names: readonly string[]): Readonly<Record<string, Position>>;
  /** The model's point under a point of the page. */
  toModelPosition(clientX: number, clientY: number): Position;
  /** Where the next new task of this name is to stand (a drop, an `add` gesture). */
  placeNext(name: string, position: Position): void;
  /** The task under a point of the page. */
  taskAt(clientX: number, clientY: number): string | null;
  /** Show a ghost card where something dragged would land; null: none. */
  showDropTarget(position: Position | null): void;
  /** A static picture of the whole graph as a `data:image/png` URL; `scale` is pixels per unit (default 2). */
  toPng(scale?: number): string;
  /** Draw the connection from `from`: as key C does. */
  startConnecting(from: string): void;
}
