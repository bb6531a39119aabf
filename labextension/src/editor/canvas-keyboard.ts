/**
 * Keys on the canvas, done: each action of `navigation.ts` becomes a change of the view or a gesture.
 */
import type { CanvasCore } from './canvas-core';
import { connect, isRefused, refuse } from './canvas-mouse';
import { outlet } from './canvas-scene';
import type { Gesture } from './canvas-types';
import type { Position } from './graph';
import { actionOf, walk } from './navigation';
import type { CanvasAction, Way } from './navigation';
import { SPACING } from './layout';

const NUDGE = 20;

/** What the keyboard needs to know of the page. */
export interface Page {
  /** Where the pointer is in the model, if it is over the canvas. */
  pointer(): Position | null;
  /** A point of the model as a point of the page. */
  toClient(point: Position): Position;
  isMac: boolean;
}

/** The keyboard's part of one canvas. */
export class Keyboard {
  private readonly actions: Readonly<Record<CanvasAction, () => void>>;

  constructor(
    private readonly core: CanvasCore,
    private readonly page: Page
  ) {
    this.actions = { ...this.walking(), ...this.editing(), ...this.looking() };
  }

  /** Do what a key means; whether it meant anything. */
  handle(event: KeyboardEvent): boolean {
    if (this.core.connector.draft !== null) {
      return this.handleConnecting(event);
    }
    const entry = actionOf(event, this.page.isMac);
    if (entry === null) {
      return false;
    }
    if (entry.isEdit !== true || !isRefused(this.core)) {
      this.actions[entry.action]();
    }
    return true;
  }

  private walking(): Record<Extract<CanvasAction, `${'walk' | 'extend' | 'nudge'}-${Way}`>, () => void> {
    const walk = (way: Way) => () => this.walk(way, false);
    const extend = (way: Way) => () => this.walk(way, true);
    const nudge = (x: number, y: number) => () => this.nudge(x * NUDGE, y * NUDGE);
    return {
      'walk-left': walk('left'),
      'walk-right': walk('right'),
      'walk-up': walk('up'),
      'walk-down': walk('down'),
      'extend-left': extend('left'),
      'extend-right': extend('right'),
      'extend-up': extend('up'),
      'extend-down': extend('down'),
      'nudge-left': nudge(-1, 0),
      'nudge-right': nudge(1, 0),
      'nudge-up': nudge(0, -1),
      'nudge-down': nudge(0, 1)
    };
  }

  private editing() {
    const { core } = this;
    const edit = (change: Extract<Gesture, { kind: 'edit' }>['edit']) =>
      this.say({ kind: 'edit', edit: change });
    return {
      add: () => this.add(),
      connect: () => this.withFocus(name => this.startConnecting(name)),
      delete: () => this.remove(),
      rename: () => this.withFocus(name => this.say({ kind: 'rename', name })),
      duplicate: () => this.withNames(names => edit({ kind: 'duplicate', names })),
      copy: () => this.withNames(names => this.say({ kind: 'copy', names })),
      cut: () => this.withNames(names => this.say({ kind: 'cut', names })),
      paste: () => this.say({ kind: 'paste', position: this.page.pointer() ?? core.centre })
    };
  }

  private looking() {
    const { core } = this;
    const open = (panel: 'properties' | 'log' | 'outputs') => () =>
      this.withFocus(name => this.say({ kind: 'open', name, panel }));
    return {
      first: () => this.goTo(core.graph.tasks[0]?.name),
      last: () => this.goTo(core.graph.tasks.at(-1)?.name),
      toggle: () => this.withFocus(name => this.toggle(name)),
      'select-all': () => core.select(core.graph.tasks.map(task => task.name)),
      properties: open('properties'),
      log: open('log'),
      outputs: open('outputs'),
      dependency: () => this.withFocus(name => this.nextDependency(name)),
      search: () => this.say({ kind: 'search' }),
      run: () => this.say({ kind: 'run' }),
      'run-from': () => this.withFocus(name => this.say({ kind: 'run-from', name })),
      stop: () => this.say({ kind: 'stop', names: core.selected }),
      fit: () => core.fit(),
      arrange: () => core.arrange(),
      'zoom-in': () => core.zoomBy(1.25),
      'zoom-out': () => core.zoomBy(0.8),
      menu: () => this.menu(),
      help: () => this.say({ kind: 'help' }),
      escape: () => this.escape()
    };
  }

  private say(gesture: Gesture): void {
    this.core.hooks.gesture(gesture);
  }

  private withFocus(act: (name: string) => void): void {
    const name = this.core.focused ?? this.core.selected[0];
    if (name === undefined) {
      this.core.hooks.announce(this.core.trans.__('Choose a task first, with the arrow keys.'));
    } else {
      act(name);
    }
  }

  private withNames(act: (names: readonly string[]) => void): void {
    const { selected } = this.core;
    if (selected.length > 0) {
      act(selected);
    } else {
      this.withFocus(name => act([name]));
    }
  }

  private walk(way: Way, isExtending: boolean): void {
    const { core } = this;
    const { cards, direction } = core.scene;
    const next = walk(cards, core.focused ?? core.selected[0] ?? '', way, direction);
    if (next !== null) {
      core.select(isExtending ? [...core.selected, next] : [next]);
      core.focus(next);
    }
  }

  private goTo(name: string | undefined): void {
    if (name !== undefined) {
      this.core.select([name]);
      this.core.focus(name);
    }
  }

  private toggle(name: string): void {
    const { selected } = this.core;
    this.core.select(selected.includes(name) ? selected.filter(one => one !== name) : [...selected, name]);
  }

  private nudge(x: number, y: number): void {
    this.withNames(names => {
      const places = names.flatMap(name => {
        const card = this.core.scene.cards.get(name);
        return card === undefined ? [] : [[name, { x: card.x + x, y: card.y + y }] as const];
      });
      this.core.moveTasks(new Map(places));
    });
  }

  private add(): void {
    const { core } = this;
    const after = core.selected;
    const from = core.scene.cards.get(after[0] ?? '');
    const { direction } = core.scene;
    const step = SPACING[direction].along;
    const beside = from === undefined ? null : outlet(from, direction);
    const position =
      beside === null ? (this.page.pointer() ?? core.centre) : beyond(beside, direction, step / 2);
    this.say({ kind: 'add', position, after });
  }

  private remove(): void {
    const { selectedEdge, selectedRemarks, selected } = this.core;
    if (selectedEdge !== null) {
      this.removeEdge(selectedEdge.from, selectedEdge.to);
      return;
    }
    selectedRemarks.forEach(id => this.say({ kind: 'edit', edit: { kind: 'set-remark', id, text: null } }));
    if (selected.length > 0 || selectedRemarks.length === 0) {
      this.withNames(names => this.say({ kind: 'edit', edit: { kind: 'remove-tasks', names } }));
    }
  }

  private removeEdge(from: string, to: string): void {
    const { core } = this;
    if (core.scene.cards.get(to)?.task.implied.includes(from) === true) {
      refuse(core, core.trans.__('“%1” takes an output of “%2”: change that input instead.', to, from));
    } else {
      this.say({ kind: 'edit', edit: { kind: 'disconnect', from, to } });
    }
  }

  private nextDependency(name: string): void {
    const { core } = this;
    const needs = (core.scene.cards.get(name)?.task.dependencies ?? []).filter(one =>
      core.scene.cards.has(one)
    );
    const now = core.selectedEdge?.to === name ? needs.indexOf(core.selectedEdge.from) : -1;
    const from = needs[(now + 1) % Math.max(1, needs.length)];
    if (from === undefined) {
      core.hooks.announce(core.trans.__('%1 depends on nothing.', name));
    } else {
      core.selectEdge({ from, to: name });
    }
  }

  private menu(): void {
    const { core } = this;
    const card = core.scene.cards.get(core.focused ?? core.selected[0] ?? '');
    const names = card !== undefined && core.selected.length === 0 ? [card.name] : core.selected;
    const { x, y } = this.page.toClient(card ?? core.centre);
    this.say({ kind: 'menu', names, edge: core.selectedEdge, remark: core.selectedRemarks[0] ?? null, x, y });
  }

  private escape(): void {
    this.core.selectEdge(null);
    this.core.select([]);
  }

  /** Begin to choose what is to depend on `from`. */
  startConnecting(from: string): void {
    this.core.focus(from);
    this.core.connector.begin(from, null);
    this.sayConnecting();
  }

  private handleConnecting(event: KeyboardEvent): boolean {
    const { connector } = this.core;
    const { key } = event;
    const names = this.candidates(connector.draft?.from ?? '');
    if (event.ctrlKey || event.metaKey || event.altKey || key === 'Tab') {
      return false;
    }
    if (key === 'Escape') {
      connector.cancel();
      this.core.hooks.announce(this.core.trans.__('Not connected'));
    } else if (key === 'Enter') {
      const drawn = connector.end();
      if (drawn !== null) {
        connect(this.core, drawn);
      }
    } else if (key.startsWith('Arrow')) {
      connector.step(names, key === 'ArrowRight' || key === 'ArrowDown' ? 1 : -1);
    } else if (key === 'Backspace' || key.length === 1) {
      connector.type(names, key === 'Backspace' ? null : key);
    }
    this.sayConnecting();
    return true;
  }

  /** Tasks that could be the target, nearest first. */
  private candidates(from: string): readonly string[] {
    const { cards } = this.core.scene;
    const here = cards.get(from);
    const far = (name: string) => {
      const card = cards.get(name);
      return card === undefined || here === undefined ? 0 : Math.hypot(card.x - here.x, card.y - here.y);
    };
    return [...cards.keys()].filter(name => name !== from).sort((a, b) => far(a) - far(b));
  }

  private sayConnecting(): void {
    const { core } = this;
    const { draft, typed } = core.connector;
    core.stage.redraw();
    core.hooks.focusChanged();
    if (draft === null) {
      return;
    }
    if (draft.target !== null) {
      core.bringIntoView(draft.target);
      const words = core.trans.__('%1 → %2', draft.from, draft.target);
      core.hooks.announce(draft.refusal === '' ? words : draft.refusal);
    } else if (typed === '') {
      core.hooks.announce(
        core.trans.__('Which task depends on %1? Arrows or letters, then Enter.', draft.from)
      );
    } else {
      core.hooks.announce(core.trans.__('No task is called “%1”.', typed));
    }
  }
}

function beyond(at: Position, direction: 'LR' | 'TB', step: number): Position {
  return direction === 'LR' ? { x: at.x + step + 40, y: at.y } : { x: at.x, y: at.y + step + 20 };
}
