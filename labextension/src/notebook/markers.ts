/**
 * A line at the head of each marked cell: what it is, what it asks for, and how its task is doing.
 *
 * Plain elements in the header that JupyterLab gives each cell and leaves empty: a notebook may have hundreds. A cell
 * out of sight has no header yet; it is drawn when the cell is ready.
 */
import type { Cell } from '@jupyterlab/cells';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { TaskInstanceView } from '../generated';
import { ICONS, progressWords, stateOf, stateWord } from '../status';
import type { Book } from './book';
import { kindWord } from './fields';
import { kindIcon } from './icons';
import type { NotebookJob } from './job';
import type { Mark } from './marks';
import { chipsOf, isTask } from './marks';

/** What a click asks for. */
export interface MarkerActions {
  /** Show the form of this cell. */
  openForm(cell: Cell): void;
  /** Show the log of this task instance. */
  openLog(instance: TaskInstanceView): void;
}

/** The markers of one notebook. */
export class Markers implements IDisposable {
  constructor(
    private readonly book: Book,
    private readonly job: NotebookJob,
    private readonly trans: TranslationBundle,
    private readonly actions: MarkerActions
  ) {
    book.changed.connect(this.schedule, this);
    job.changed.connect(this.schedule, this);
    this.schedule();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.book.changed.disconnect(this.schedule, this);
      this.job.changed.disconnect(this.schedule, this);
    }
  }

  private schedule(): void {
    if (!this.isScheduled && !this._isDisposed) {
      this.isScheduled = true;
      requestAnimationFrame(() => {
        this.isScheduled = false;
        this.book.panel.content.widgets.forEach(cell => this.show(cell));
      });
    }
  }

  private show(cell: Cell): void {
    const mark = this.book.markOf(cell.model);
    if (!mark && !this.shown.has(cell)) {
      return;
    }
    void cell.ready.then(
      () => cell.isDisposed || this.draw(cell),
      () => undefined // a cell that was never shown needs no marker
    );
  }

  private draw(cell: Cell): void {
    const header = cell.node.querySelector<HTMLElement>(':scope > .jp-CellHeader');
    const mark = this.book.markOf(cell.model);
    const instance = isTask(mark) ? this.job.instanceOf(mark.task) : null;
    const key = JSON.stringify([mark, instance && [instance.path, ...this.words(instance)]]);
    if (!header || this.shown.get(cell) === key) {
      return;
    }
    this.shown.set(cell, key);
    const hadFocus = header.contains(document.activeElement);
    header.classList.toggle('ft-CellMark', mark !== null);
    header.replaceChildren(...(mark ? this.parts(cell, mark, instance) : []));
    if (hadFocus) {
      header.querySelector('button')?.focus();
    }
  }

  private parts(cell: Cell, mark: Mark, instance: TaskInstanceView | null): HTMLElement[] {
    const chips = chipsOf(mark).map(({ key, text }) => this.chip(key, text));
    return [this.head(cell, mark), ...chips, ...(instance ? [this.state(instance)] : [])];
  }

  private head(cell: Cell, mark: Mark): HTMLElement {
    const { trans } = this;
    const kind = kindWord(mark.kind, trans);
    const isNamed = mark.kind === 'task' || mark.kind === 'shell' || mark.kind === 'pipeline';
    const button = element('button', 'ft-CellMark-name');
    button.dataset.kind = mark.kind;
    button.dataset.origin = mark.origin;
    const name = element('span', 'ft-CellMark-text');
    name.textContent = isNamed ? mark.task || trans.__('unnamed') : kind;
    kindIcon(mark.kind).element({ container: button, tag: 'span', width: '14px', height: '14px' });
    button.append(name);
    const what = isNamed ? trans.__('%1 %2', kind, mark.task) : kind;
    button.title = trans.__('%1: show and change what this cell is', what);
    button.setAttribute('aria-label', button.title);
    button.addEventListener('click', () => this.actions.openForm(cell));
    return button;
  }

  private chip(key: string, text: string): HTMLElement {
    const chip = element('span', 'ft-CellMark-chip');
    chip.dataset.key = key;
    const words = this.chipWords(key, text);
    chip.textContent = key === 'after' ? words : text;
    chip.title = words;
    return chip;
  }

  private chipWords(key: string, text: string): string {
    const { trans } = this;
    switch (key) {
      case 'image':
        return trans.__('image %1', text);
      case 'after':
        return trans.__('after %1', text);
      case 'timeout':
        return trans.__('time limit %1', text);
      case 'retry':
        return trans.__('attempts %1', text);
      default:
        return trans.__('resources %1', text);
    }
  }

  private state(instance: TaskInstanceView): HTMLElement {
    const state = stateOf(instance);
    const button = element('button', 'ft-CellMark-state');
    button.dataset.state = state;
    const icon = element('span', 'ft-CellMark-icon');
    icon.textContent = ICONS[state];
    icon.setAttribute('aria-hidden', 'true');
    const words = element('span', 'ft-CellMark-text');
    words.textContent = this.words(instance).filter(Boolean).join(': ');
    button.append(icon, words);
    button.title = this.trans.__('%1: show its log', `${instance.path} ${words.textContent}`);
    button.setAttribute('aria-label', button.title);
    button.addEventListener('click', () => this.actions.openLog(instance));
    return button;
  }

  /** The state's word, and why it is so or how far it is. */
  private words(instance: TaskInstanceView): [string, string] {
    const state = stateOf(instance);
    const says = state === 'failure' || state === 'cancelled' || state === 'reused';
    const more = says ? instance.reason : state === 'running' ? progressWords(instance.progress) : '';
    return [stateWord(state, this.trans), more ?? ''];
  }

  private readonly shown = new WeakMap<Cell, string>();
  private isScheduled = false;
  private _isDisposed = false;
}

function element<K extends 'button' | 'span'>(tag: K, className: string): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  if (made instanceof HTMLButtonElement) {
    made.type = 'button';
    made.addEventListener('keydown', keepFromNotebook);
  }
  return made;
}

/** Enter and the space bar press a button; the notebook would take them for its own keys. */
function keepFromNotebook(event: KeyboardEvent): void {
  if (event.key === 'Enter' || event.key === ' ') {
    event.stopPropagation();
  }
}
