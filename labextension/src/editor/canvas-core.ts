/**
 * The canvas without its page: graph, places, selection, keyboard focus and view, and what may be done to them. The
 * mouse (`canvas-mouse.ts`), the keys (`canvas-keyboard.ts`) and the widget (`canvas.ts`) all act through it.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import { Connector } from './canvas-connect';
import { layoutTasks } from './canvas-dagre';
import { nearest, placesFor, renamed } from './canvas-places';
import { Scene } from './canvas-scene';
import type { Item, StageHooks } from './canvas-stage';
import { Stage } from './canvas-stage';
import type { Direction, EdgeEnds, Gesture, Marker, ViewState } from './canvas-types';
import { CanvasView } from './canvas-view';
import type { Edit } from './edits';
import type { Graph, NodeState, Position } from './graph';

/** What the core asks of the widget around it. */
export interface CoreHooks extends Pick<StageHooks, 'paint' | 'tapped' | 'doubleTapped' | 'menu'> {
  gesture(gesture: Gesture): void;
  selectionChanged(names: readonly string[]): void;
  /** Pan, zoom or places changed. */
  viewChanged(): void;
  /** Say this to a screen reader. */
  announce(words: string): void;
  /** The keyboard is at another task, or knows something new of it. */
  focusChanged(): void;
}

const TASK = 't:';
const REMARK = 'r:';
const EMPTY: Graph = { name: '', description: '', tasks: [], remarks: [] };

/** The id of a remark from a stage's id; null if it is a task's. */
export function remarkOf(id: string): string | null {
  return id.startsWith(REMARK) ? id.slice(REMARK.length) : null;
}

/** The name of a task from a stage's id; null if it is a remark's, or none. */
export function taskOf(id: string | null): string | null {
  return id !== null && id.startsWith(TASK) ? id.slice(TASK.length) : null;
}

/** State and behaviour of one canvas. */
export class CanvasCore {
  graph: Graph = EMPTY;
  readonly scene = new Scene();
  readonly stage: Stage;
  readonly connector: Connector;
  isReadOnly = false;
  focused: string | null = null;
  hovered: string | null = null;
  selectedEdge: EdgeEnds | null = null;
  found: ReadonlySet<string> = new Set();
  ghost: Position | null = null;
  private states: ReadonlyMap<string, NodeState> | null = null;
  private problems: ReadonlyMap<string, Marker> = new Map();
  private remembered = new Map<string, Position>();
  private lastSelected = '[]';
  private readonly view = new CanvasView(
    () => this.stage,
    () => this.scene.bounds()
  );

  constructor(
    container: HTMLElement,
    isHeadless: boolean,
    readonly trans: TranslationBundle,
    readonly hooks: CoreHooks
  ) {
    this.connector = new Connector(() => this.graph, trans);
    this.stage = new Stage(container, isHeadless, {
      ...hooks,
      moved: (id, at) => this.moved(id, at),
      dropped: ids => this.dropped(ids),
      selectionChanged: () => queueMicrotask(() => this.syncSelection()),
      viewportChanged: () => {
        this.view.moved();
        hooks.viewChanged();
      }
    });
  }

  /** See `IDagCanvas.setGraph`. */
  setGraph(graph: Graph): void {
    this.carryRenamed(graph);
    const known = new Map<string, Position>([...this.remembered, ...this.scene.cards]);
    const places = placesFor(graph, known, this.scene.direction);
    const isFirst = this.graph.tasks.length === 0;
    this.graph = graph;
    this.scene.setGraph(graph, name => places.get(name) ?? { x: 0, y: 0 });
    graph.tasks.forEach(task => this.remembered.delete(task.name));
    this.stage.setItems(this.items());
    this.applyFacts();
    this.dropStale(known);
    if (isFirst && this.view.isFitDue) {
      this.fit();
    }
    this.syncSelection();
    this.hooks.focusChanged();
    this.stage.redraw();
  }

  private carryRenamed(graph: Graph): void {
    const pair = renamed(this.graph.tasks, graph.tasks);
    const card = pair === null ? undefined : this.scene.cards.get(pair[0]);
    if (pair === null || card === undefined) {
      return;
    }
    this.remembered.set(pair[1], { x: card.x, y: card.y });
    if (this.focused === pair[0]) {
      this.focused = pair[1];
    }
    if (card.isSelected) {
      queueMicrotask(() => this.select([...this.selected, pair[1]]));
    }
  }

  private items(): Item[] {
    const tasks = [...this.scene.cards.values()].map((card): Item => ({
      id: TASK + card.name,
      kind: 'task',
      at: { x: card.x, y: card.y }
    }));
    const remarks = [...this.scene.notes.values()].map((note): Item => ({
      id: REMARK + note.id,
      kind: 'remark',
      at: { x: note.x, y: note.y }
    }));
    return [...tasks, ...remarks];
  }

  private dropStale(known: ReadonlyMap<string, Position>): void {
    const { cards } = this.scene;
    this.focused = cards.has(this.focused ?? '')
      ? this.focused
      : nearest(cards, known.get(this.focused ?? ''));
    this.hovered = this.hovered !== null && cards.has(this.hovered) ? this.hovered : null;
    const edge = this.selectedEdge;
    if (edge !== null && cards.get(edge.to)?.task.dependencies.includes(edge.from) !== true) {
      this.selectedEdge = null;
    }
  }

  /** See `IDagCanvas.setStates`. */
  setStates(states: ReadonlyMap<string, NodeState> | null): void {
    this.states = states;
    this.factsChanged();
  }

  /** See `IDagCanvas.setProblems`. */
  setProblems(problems: ReadonlyMap<string, Marker>): void {
    this.problems = problems;
    this.factsChanged();
  }

  private factsChanged(): void {
    this.applyFacts();
    this.hooks.focusChanged();
    this.stage.redraw();
  }

  private applyFacts(): void {
    this.scene.hasStates = this.states !== null;
    for (const card of this.scene.cards.values()) {
      card.state = this.states?.get(card.name) ?? null;
      card.marker = this.problems.get(card.name) ?? null;
    }
  }

  private moved(id: string, at: Position): void {
    const box = this.boxOf(id);
    if (box !== undefined) {
      box.x = at.x;
      box.y = at.y;
    }
  }

  private boxOf(id: string): { x: number; y: number } | undefined {
    const remark = remarkOf(id);
    return remark === null ? this.scene.cards.get(taskOf(id) ?? '') : this.scene.notes.get(remark);
  }

  /** After a drag: remarks and pinned tasks keep their new place in the text, the others in the view. */
  private dropped(ids: readonly string[]): void {
    this.hooks.viewChanged();
    for (const id of this.isReadOnly ? [] : ids.flatMap(one => remarkOf(one) ?? [])) {
      const note = this.scene.notes.get(id);
      if (note !== undefined) {
        this.edit({ kind: 'set-remark', id, text: note.remark.text, position: rounded(note) });
      }
    }
    const pinned = (this.isReadOnly ? [] : ids)
      .flatMap(id => this.scene.cards.get(taskOf(id) ?? '') ?? [])
      .filter(card => card.task.position !== undefined);
    if (pinned.length > 0) {
      this.edit({
        kind: 'pin',
        positions: Object.fromEntries(pinned.map(card => [card.name, rounded(card)]))
      });
    }
  }

  private edit(edit: Edit): void {
    this.hooks.gesture({ kind: 'edit', edit });
  }

  /** Names of the selected tasks, in the order of the graph. */
  get selected(): readonly string[] {
    return [...this.scene.cards.values()].filter(card => card.isSelected).map(card => card.name);
  }

  /** Ids of the selected remarks. */
  get selectedRemarks(): readonly string[] {
    return [...this.scene.notes.values()].filter(note => note.isSelected).map(note => note.id);
  }

  /** Select these tasks and nothing else. */
  select(names: readonly string[]): void {
    this.stage.select(names.map(name => TASK + name));
    this.selectedEdge = null;
    this.syncSelection();
  }

  /** Select a dependency and nothing else. */
  selectEdge(edge: EdgeEnds | null): void {
    if (edge !== null) {
      this.select([]);
      this.hooks.announce(this.trans.__('Dependency of %1 on %2 selected', edge.to, edge.from));
    }
    this.selectedEdge = edge;
    this.stage.redraw();
  }

  private syncSelection(): void {
    const ids = this.stage.selected;
    this.scene.cards.forEach(card => (card.isSelected = ids.has(TASK + card.name)));
    this.scene.notes.forEach(note => (note.isSelected = ids.has(REMARK + note.id)));
    const names = this.selected;
    const key = JSON.stringify(names);
    if (names.length > 0) {
      this.selectedEdge = null;
    }
    if (key !== this.lastSelected) {
      this.lastSelected = key;
      this.hooks.selectionChanged(names);
    }
    this.stage.redraw();
  }

  /** Put the keyboard's focus on a task and see that it is in view. */
  focus(name: string | null): void {
    this.focused = name;
    this.bringIntoView(name ?? '');
    this.hooks.focusChanged();
    this.stage.redraw();
  }

  /** See that a task is in view. */
  bringIntoView(name: string): void {
    const card = this.scene.cards.get(name);
    if (card !== undefined) {
      this.view.show(card);
    }
  }

  /** Show all, never larger than 1:1. */
  fit(): void {
    this.view.fit();
  }

  /** The element's size changed: where not all is shown, what is selected stays in view. */
  resized(): void {
    if (this.view.resized()) {
      this.bringIntoView(this.selected[0] ?? '');
    }
    this.stage.redraw();
  }

  /** Zoom around the centre. */
  zoomBy(factor: number): void {
    this.view.zoomBy(factor);
  }

  /** Bring a point of the model to the middle of the view. */
  centreOn(point: Position): void {
    this.view.centreOn(point);
  }

  /** Lay all out anew, but for pinned ones, and show all. */
  arrange(direction: Direction = this.scene.direction): void {
    this.scene.direction = direction;
    const places = layoutTasks(this.graph.tasks, direction);
    this.graph.tasks.forEach(task => task.position && places.set(task.name, task.position));
    this.moveTasks(places);
    this.fit();
  }

  /** Put tasks elsewhere. */
  moveTasks(places: ReadonlyMap<string, Position>): void {
    this.stage.move(new Map([...places].map(([name, at]) => [TASK + name, at])));
    this.hooks.viewChanged();
  }

  /** The view as JSON. */
  viewState(): ViewState {
    const { zoom, pan } = this.stage;
    const positions = Object.fromEntries(
      [...this.scene.cards.values()].map(card => [card.name, rounded(card)])
    );
    return {
      zoom,
      pan: { ...pan },
      direction: this.scene.direction,
      isFitted: this.view.isFitted,
      positions
    };
  }

  /** Take a remembered view. */
  restoreView(view: ViewState): void {
    this.remembered = new Map(Object.entries(view.positions));
    this.scene.direction = view.direction;
    this.moveTasks(new Map([...this.remembered].filter(([name]) => this.scene.cards.has(name))));
    this.view.isFitDue = false;
    this.view.set(view.zoom, view.pan);
    this.view.isFitted = view.isFitted;
    if (view.isFitted) {
      this.fit();
    }
  }

  /** See `IDagCanvas.placeNext`: a task's centre, by its name. */
  placeNext(name: string, position: Position): void {
    this.remembered.set(name, position);
  }

  /** Where the centre of the view is in the model. */
  get centre(): Position {
    const { zoom, pan, size } = this.stage;
    return { x: (size.width / 2 - pan.x) / zoom, y: (size.height / 2 - pan.y) / zoom };
  }
}

function rounded({ x, y }: Position): Position {
  return { x: Math.round(x), y: Math.round(y) };
}
