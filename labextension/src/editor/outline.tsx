/**
 * The pipeline as a text: a tree (ARIA) of its tasks in dependency order, that a screen reader reads and the keyboard
 * walks, with what each is doing. Only the rows in view are in the page (and the one in focus), so 5,000 tasks cost as
 * much as 50; `aria-setsize` and `aria-posinset` tell the rest.
 *
 * One item is in the Tab order (roving tabindex). Left leads to what it depends on, right to what needs it, as on
 * the canvas.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import { ICONS } from '../status';
import type { Marker } from './canvas-types';
import { elapsed, neededBy, shortDuration, taskWords } from './canvas-words';
import type { Graph, GraphTask, NodeState } from './graph';
import { inDependencyOrder, rowsInView, typeAhead } from './outline-model';

/** Height of a row in CSS pixels; `canvas.css` has the same. */
const ROW = 26;
/** How long letters count as one word, in milliseconds. */
const WORD = 700;

/** The text outline. */
export class Outline extends ReactWidget {
  private tasks: readonly GraphTask[] = [];
  private users: ReadonlyMap<string, readonly string[]> = new Map();
  private states: ReadonlyMap<string, NodeState> | null = null;
  private problems: ReadonlyMap<string, Marker> = new Map();
  private selected: ReadonlySet<string> = new Set();
  private active = 0;
  private typed = '';
  private typedAt = 0;
  private takesFocus = false;
  private readonly _chosen = new Signal<Outline, readonly string[]>(this);
  private readonly _opened = new Signal<Outline, string>(this);

  constructor(private readonly trans: TranslationBundle) {
    super();
    this.addClass('ft-Outline');
    this.node.addEventListener('scroll', () => this.update(), { passive: true });
  }

  /** The person moved to these tasks: select them on the canvas too. */
  get chosen(): ISignal<Outline, readonly string[]> {
    return this._chosen;
  }

  /** The person pressed Enter or double-clicked: show the task's properties. */
  get opened(): ISignal<Outline, string> {
    return this._opened;
  }

  /** Show the tasks of `graph`; focus stays with its task. */
  setGraph(graph: Graph): void {
    const name = this.tasks[this.active]?.name;
    this.tasks = inDependencyOrder(graph.tasks);
    this.users = neededBy(graph.tasks);
    this.active = Math.max(
      0,
      this.tasks.findIndex(task => task.name === name)
    );
    this.update();
  }

  /** As `IDagCanvas.setStates`. */
  setStates(states: ReadonlyMap<string, NodeState> | null): void {
    this.states = states;
    this.update();
  }

  /** As `IDagCanvas.setProblems`. */
  setProblems(problems: ReadonlyMap<string, Marker>): void {
    this.problems = problems;
    this.update();
  }

  /** Show as selected what is selected elsewhere; `chosen` is not emitted. */
  select(names: readonly string[]): void {
    this.selected = new Set(names);
    const at = this.tasks.findIndex(task => this.selected.has(task.name));
    if (at >= 0 && !this.selected.has(this.tasks[this.active]?.name ?? '')) {
      this.active = at;
      this.scrollToActive();
    }
    this.update();
  }

  protected onActivateRequest(_message: Message): void {
    this.focusActive();
  }

  protected onResize(): void {
    this.update();
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.update();
  }

  protected render(): React.ReactElement {
    const { tasks, trans } = this;
    const [first, end] = rowsInView(tasks.length, ROW, this.node.scrollTop, this.node.clientHeight || 600);
    const indices = Array.from({ length: Math.max(0, end - first) }, (_, i) => first + i);
    if (tasks.length > 0 && (this.active < first || this.active >= end)) {
      indices.push(this.active);
    }
    if (tasks.length === 0) {
      return <p className="ft-Outline-empty">{trans.__('No tasks yet.')}</p>;
    }
    return (
      <ul
        role="tree"
        aria-label={trans.__('Tasks in dependency order')}
        aria-multiselectable="true"
        className="ft-Outline-tree"
        style={{ height: tasks.length * ROW }}
        onKeyDown={this.onKeyDown}
      >
        {indices.map(i => this.row(i))}
      </ul>
    );
  }

  private row(index: number): React.ReactElement {
    const task = this.tasks[index];
    const state = this.states?.get(task.name) ?? null;
    const marker = this.problems.get(task.name) ?? null;
    const facts = { state, marker, neededBy: this.users.get(task.name) ?? [] };
    const now = Date.now();
    const isSelected = this.selected.has(task.name);
    return (
      <li
        key={task.name}
        role="treeitem"
        aria-level={1}
        aria-setsize={this.tasks.length}
        aria-posinset={index + 1}
        aria-selected={isSelected}
        aria-label={taskWords(task, facts, now, this.trans)}
        tabIndex={index === this.active ? 0 : -1}
        data-index={index}
        className={`ft-Outline-item${isSelected ? ' ft-mod-selected' : ''}`}
        style={{ top: index * ROW }}
        onClick={event => this.goTo(index, event.ctrlKey || event.metaKey)}
        onDoubleClick={() => this._opened.emit(task.name)}
        onFocus={() => this.focused(index)}
      >
        <span className="ft-Outline-icon" data-state={state?.state ?? 'none'}>
          {state === null ? '·' : ICONS[state.state]}
        </span>
        <span className="ft-Outline-name">{task.name}</span>
        <span className="ft-Outline-aside">{this.aside(task, state, marker)}</span>
      </li>
    );
  }

  private aside(task: GraphTask, state: NodeState | null, marker: Marker | null): string {
    const problems = marker === null ? '' : this.trans._n('%1 problem', '%1 problems', marker.count);
    const ran = state === null ? null : elapsed(state, Date.now());
    const time = ran === null ? '' : shortDuration(ran, this.trans);
    const needs =
      this.states === null && task.dependencies.length > 0 ? `← ${task.dependencies.join(', ')}` : '';
    return [problems, state?.doing ?? '', time, needs].filter(text => text !== '').join(' · ');
  }

  private focused(index: number): void {
    if (index !== this.active) {
      this.active = index;
      this.update();
    }
  }

  private readonly onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.altKey) {
      return;
    }
    const to = this.target(event.key);
    const task = this.tasks[this.active];
    const hasMod = event.ctrlKey || event.metaKey;
    if (to !== null && !hasMod) {
      this.goTo(to, event.shiftKey);
    } else if (event.key === 'Enter' && task !== undefined) {
      this._opened.emit(task.name);
    } else if (event.key === ' ' && task !== undefined) {
      this.choose(task.name, true);
    } else if (event.key.length === 1 && !hasMod) {
      this.search(event.key);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  /** The row that a key leads to; null if it is no key for walking. */
  private target(key: string): number | null {
    const last = this.tasks.length - 1;
    const page = Math.max(1, Math.floor(this.node.clientHeight / ROW) - 1);
    const task = this.tasks[this.active];
    const indexOf = (name: string | undefined) => {
      const at = this.tasks.findIndex(one => one.name === name);
      return at < 0 ? this.active : at;
    };
    const targets: Record<string, () => number> = {
      ArrowDown: () => Math.min(last, this.active + 1),
      ArrowUp: () => Math.max(0, this.active - 1),
      ArrowLeft: () => indexOf(task?.dependencies[0]),
      ArrowRight: () => indexOf(this.users.get(task?.name ?? '')?.[0]),
      Home: () => 0,
      End: () => last,
      PageDown: () => Math.min(last, this.active + page),
      PageUp: () => Math.max(0, this.active - page)
    };
    return Object.hasOwn(targets, key) ? targets[key]() : null;
  }

  private search(letter: string): void {
    const now = Date.now();
    this.typed = now - this.typedAt < WORD ? this.typed + letter : letter;
    this.typedAt = now;
    const names = this.tasks.map(task => task.name);
    const found = typeAhead(names, this.active, this.typed);
    if (found >= 0) {
      this.goTo(found, false);
    }
  }

  private goTo(index: number, isAdding: boolean): void {
    this.active = index;
    this.choose(this.tasks[index].name, isAdding);
    this.scrollToActive();
    this.focusActive();
  }

  private choose(name: string, isAdding: boolean): void {
    const rest = [...this.selected].filter(one => one !== name);
    const isOff = isAdding && this.selected.has(name);
    this.selected = new Set(isAdding ? (isOff ? rest : [...rest, name]) : [name]);
    this.update();
    this._chosen.emit([...this.selected]);
  }

  private scrollToActive(): void {
    const top = this.active * ROW;
    const { scrollTop, clientHeight } = this.node;
    if (top < scrollTop) {
      this.node.scrollTop = top;
    } else if (clientHeight > 0 && top + ROW > scrollTop + clientHeight) {
      this.node.scrollTop = top + ROW - clientHeight;
    }
  }

  /** Focus the active row as soon as it is in the page. */
  private focusActive(): void {
    this.takesFocus = true;
    this.update();
    void this.renderPromise?.then(() => this.takeFocus());
    requestAnimationFrame(() => this.takeFocus());
  }

  private takeFocus(): void {
    const row = this.node.querySelector<HTMLElement>(`[data-index="${this.active}"]`);
    if (this.takesFocus && row !== null) {
      this.takesFocus = false;
      row.focus({ preventScroll: true });
    }
  }
}
