/**
 * The canvas: a pipeline as cards and wires, edited by hand or watched while it runs.
 *
 * Layers, from below: cytoscape's element, which has the mouse and the fingers (`canvas-stage.ts`); our picture
 * (`canvas-paint.ts`), which has no events; the minimap, hints and the tip. The widget itself has the keyboard: it is
 * one stop of the Tab key with the role of an application, and `aria-activedescendant` names an invisible element that
 * says in words what the task in focus is, as the outline does. Names are data: they become text by `fillText`,
 * `textContent` and attributes alone.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Widget } from '@lumino/widgets';

import { CanvasCore } from './canvas-core';
import { aligned } from './canvas-align';
import { Keyboard } from './canvas-keyboard';
import { Mouse } from './canvas-mouse';
import { boundsInView } from './canvas-paint';
import { makeParts } from './canvas-parts';
import type { Parts } from './canvas-parts';
import { Surface } from './canvas-surface';
import type { Alignment, Direction, EdgeEnds, Gesture, IDagCanvas, Marker, ViewState } from './canvas-types';
import { neededBy, taskWords } from './canvas-words';
import type { Graph, NodeState, Position } from './graph';
import { Minimap } from './minimap';

export type { Alignment, Direction, EdgeEnds, Gesture, IDagCanvas, Marker, ViewState } from './canvas-types';

/** How long the view must rest before it is worth remembering, in milliseconds. */
const SETTLED = 300;

/** The canvas as a Lumino widget. */
export class DagCanvas extends Widget implements IDagCanvas {
  private readonly core: CanvasCore;
  private readonly surface: Surface;
  private readonly mouse: Mouse;
  private readonly keyboard: Keyboard;
  private readonly minimap: Minimap;
  private readonly parts: Parts;
  private readonly _gestures = new Signal<IDagCanvas, Gesture>(this);
  private readonly _selectionChanged = new Signal<IDagCanvas, readonly string[]>(this);
  private readonly _viewChanged = new Signal<IDagCanvas, void>(this);
  private users: ReadonlyMap<string, readonly string[]> = new Map();
  private settling = 0;
  private described: string | null = null;
  private isFocusVisible = false;

  constructor(private readonly trans: TranslationBundle) {
    super();
    this.parts = makeParts(this.node, trans);
    const isHeadless = document.createElement('canvas').getContext('2d') === null;
    this.core = new CanvasCore(this.parts.stage, isHeadless, trans, {
      paint: () => this.paint(),
      tapped: (id, at) => this.mouse.tapped(id, at),
      doubleTapped: (id, at) => this.mouse.doubleTapped(id, at),
      menu: (id, at, event) => this.mouse.menu(id, at, event),
      gesture: gesture => this._gestures.emit(gesture),
      selectionChanged: names => this._selectionChanged.emit(names),
      viewChanged: () => this.settleLater(),
      announce: words => this.announce(words),
      focusChanged: () => this.describeFocus()
    });
    this.surface = new Surface(this.node, this.core, trans);
    this.parts.stage.after(this.surface.element);
    this.minimap = new Minimap(centre => this.core.centreOn(centre));
    this.node.append(this.minimap.element);
    this.mouse = new Mouse(this.core, (x, y) => this.toModelPosition(x, y), this.parts.tip);
    this.keyboard = new Keyboard(this.core, {
      pointer: () => this.mouse.at,
      toClient: point => this.toClient(point),
      isMac: /mac/i.test(navigator.platform)
    });
    this.showHint();
  }

  /** See `IDagCanvas`. */
  setGraph(graph: Graph): void {
    this.users = neededBy(graph.tasks);
    this.core.setGraph(graph);
    this.showHint();
  }

  /** See `IDagCanvas`. */
  setStates(states: ReadonlyMap<string, NodeState> | null): void {
    this.core.setStates(states);
  }

  /** See `IDagCanvas`. */
  setProblems(problems: ReadonlyMap<string, Marker>): void {
    this.core.setProblems(problems);
  }

  /** See `IDagCanvas`. */
  get isReadOnly(): boolean {
    return this.core.isReadOnly;
  }
  set isReadOnly(value: boolean) {
    this.core.isReadOnly = value;
    this.node.classList.toggle('ft-mod-readOnly', value);
    this.surface.themeChanged();
    this.showHint();
  }

  /** See `IDagCanvas`. */
  get selected(): readonly string[] {
    return this.core.selected;
  }

  /** See `IDagCanvas`. */
  get selectedEdge(): EdgeEnds | null {
    return this.core.selectedEdge;
  }

  /** See `IDagCanvas`. */
  get focused(): string | null {
    return this.core.focused;
  }

  /** See `IDagCanvas`. */
  get selectionChanged(): ISignal<IDagCanvas, readonly string[]> {
    return this._selectionChanged;
  }

  /** See `IDagCanvas`. */
  get gestures(): ISignal<IDagCanvas, Gesture> {
    return this._gestures;
  }

  /** See `IDagCanvas`. */
  get viewChanged(): ISignal<IDagCanvas, void> {
    return this._viewChanged;
  }

  /** See `IDagCanvas`. */
  select(names: readonly string[]): void {
    this.core.select(names);
  }

  /** See `IDagCanvas`. */
  fitView(): void {
    this.core.fit();
  }

  /** See `IDagCanvas`. */
  zoomBy(factor: number): void {
    this.core.zoomBy(factor);
  }

  /** See `IDagCanvas`. */
  arrange(direction?: Direction): void {
    this.core.arrange(direction);
  }

  /** See `IDagCanvas`. */
  align(how: Alignment): void {
    const { cards } = this.core.scene;
    const chosen = [...cards.values()].filter(card => card.isSelected);
    this.core.moveTasks(aligned(new Map(chosen.map(card => [card.name, { x: card.x, y: card.y }])), how));
  }

  /** See `IDagCanvas`. */
  find(text: string): readonly string[] {
    const wanted = text.trim().toLowerCase();
    const names = this.core.graph.tasks.map(task => task.name);
    const found = wanted === '' ? [] : names.filter(name => name.toLowerCase().includes(wanted));
    this.core.found = new Set(found);
    this.core.stage.redraw();
    return found;
  }

  /** See `IDagCanvas`. */
  reveal(name: string): boolean {
    const isThere = this.core.scene.cards.has(name);
    if (isThere) {
      this.core.focus(name);
    }
    return isThere;
  }

  /** See `IDagCanvas`. */
  viewState(): ViewState {
    return this.core.viewState();
  }

  /** See `IDagCanvas`. */
  restoreView(view: ViewState): void {
    this.core.restoreView(view);
  }

  /** See `IDagCanvas`. */
  positionsOf(names: readonly string[]): Readonly<Record<string, Position>> {
    const cards = names.flatMap(name => this.core.scene.cards.get(name) ?? []);
    return Object.fromEntries(cards.map(({ name, x, y }) => [name, { x: Math.round(x), y: Math.round(y) }]));
  }

  /** See `IDagCanvas`. */
  toModelPosition(clientX: number, clientY: number): Position {
    const area = this.parts.stage.getBoundingClientRect();
    const { zoom, pan } = this.core.stage;
    return { x: (clientX - area.left - pan.x) / zoom, y: (clientY - area.top - pan.y) / zoom };
  }

  private toClient(point: Position): Position {
    const area = this.parts.stage.getBoundingClientRect();
    const { zoom, pan } = this.core.stage;
    return { x: point.x * zoom + pan.x + area.left, y: point.y * zoom + pan.y + area.top };
  }

  /** See `IDagCanvas`. */
  placeNext(name: string, position: Position): void {
    this.core.placeNext(name, position);
  }

  /** See `IDagCanvas`. */
  taskAt(clientX: number, clientY: number): string | null {
    return this.core.scene.cardAt(this.toModelPosition(clientX, clientY))?.name ?? null;
  }

  /** See `IDagCanvas`. */
  showDropTarget(position: Position | null): void {
    this.core.ghost = position;
    this.core.stage.redraw();
  }

  /** See `IDagCanvas`. */
  toPng(scale = 2): string {
    return this.surface.toPng(scale);
  }

  /** See `IDagCanvas`. */
  startConnecting(from: string): void {
    this.keyboard.startConnecting(from);
  }

  /** Handle what happens on the canvas's own element. */
  handleEvent(event: Event): void {
    switch (event.type) {
      case 'keydown':
        this.onKey(event as KeyboardEvent);
        break;
      case 'mousedown':
        this.isFocusVisible = false;
        this.node.focus({ preventScroll: true });
        break;
      case 'focus':
      case 'blur':
        this.onFocus();
        break;
    }
  }

  private onKey(event: KeyboardEvent): void {
    this.isFocusVisible = true;
    if (!event.isComposing && this.keyboard.handle(event)) {
      event.preventDefault();
      event.stopPropagation();
    }
    this.core.stage.redraw();
  }

  private onFocus(): void {
    this.isFocusVisible = document.activeElement === this.node && this.node.matches(':focus-visible');
    if (this.isFocusVisible && this.core.focused === null) {
      this.core.focus(this.core.selected[0] ?? this.core.graph.tasks[0]?.name ?? null);
    }
    if (document.activeElement !== this.node && this.core.connector.draft?.at === null) {
      this.core.connector.cancel();
    }
    this.core.stage.redraw();
  }

  private describeFocus(): void {
    const card = this.core.scene.cards.get(this.core.focused ?? '');
    const [one, other] = this.parts.currents;
    if (card === undefined) {
      this.described = null;
      this.node.removeAttribute('aria-activedescendant');
      this.parts.currents.forEach(each => ['role', 'aria-label'].forEach(name => each.removeAttribute(name)));
      return;
    }
    const facts = { state: card.state, marker: card.marker, neededBy: this.users.get(card.name) ?? [] };
    const isNew = this.described !== card.name;
    this.described = card.name;
    const isOne = (this.node.getAttribute('aria-activedescendant') === one.id) !== isNew;
    const [current, idle] = isOne ? [one, other] : [other, one];
    current.setAttribute('role', 'img');
    current.setAttribute('aria-label', taskWords(card.task, facts, Date.now(), this.trans));
    ['role', 'aria-label'].forEach(name => idle.removeAttribute(name)); // an unnamed image is no image
    this.node.setAttribute('aria-activedescendant', current.id);
  }

  private announce(words: string): void {
    this.parts.live.textContent = words;
  }

  private showHint(): void {
    this.parts.hint.hidden = this.core.graph.tasks.length > 0 || this.core.isReadOnly;
  }

  private paint(): void {
    this.surface.paint(this.isFocusVisible);
    const { zoom, pan, size } = this.core.stage;
    this.minimap.update(this.core.scene, boundsInView({ zoom, pan, ...size }), this.surface.palette);
    this.parts.draft.textContent = this.core.connector.typed;
    this.parts.draft.hidden = this.core.connector.typed === '';
  }

  private settleLater(): void {
    window.clearTimeout(this.settling);
    this.settling = window.setTimeout(() => this._viewChanged.emit(), SETTLED);
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    ['keydown', 'mousedown', 'focus', 'blur'].forEach(type => this.node.addEventListener(type, this));
    this.mouse.attach(this.parts.stage);
    this.surface.themeChanged();
    this.core.resized();
  }

  protected onBeforeDetach(message: Message): void {
    ['keydown', 'mousedown', 'focus', 'blur'].forEach(type => this.node.removeEventListener(type, this));
    this.mouse.detach(this.parts.stage);
    super.onBeforeDetach(message);
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.core.resized();
  }

  protected onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this.core.resized();
  }

  /** Let go of all. */
  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    window.clearTimeout(this.settling);
    this.surface.dispose();
    this.minimap.dispose();
    this.core.stage.dispose();
    super.dispose();
  }
}
