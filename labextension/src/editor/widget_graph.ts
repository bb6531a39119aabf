/**
 * The canvas with what lies over it: prompt, sheet, a hint where it is empty, a word when something was refused; and
 * the place where files of the file browser and tasks of the palette are dropped.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Drag } from '@lumino/dragdrop';
import type { Message } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { IDagCanvas } from './canvas-types';
import { CONTENTS_MIME } from './drop';
import type { Json } from './edits';
import type { Position } from './graph';
import { TASK_MIME } from './parts';
import { Prompt } from './widget_prompt';
import { Sheet } from './widget_sheet';

/** How long a refusal stands there, in milliseconds. */
const REFUSAL = 12_000;

/** What was dropped, and where. */
export interface Dropped {
  /** Contents paths of files. */
  files: readonly string[];
  /** Tasks of the palette. */
  tasks: readonly Json[];
  position: Position;
  /** The task on whose card it was dropped. */
  onto: string | null;
}

/** See the head of this file. */
export class GraphPane extends Widget {
  constructor(
    readonly canvas: IDagCanvas & Widget,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-FastTrack-graph');
    this.sheet = new Sheet(() => canvas.node.focus());
    this.empty = document.createElement('div');
    this.empty.className = 'jp-FastTrack-empty';
    this.refusal = document.createElement('div');
    this.refusal.className = 'jp-FastTrack-refusal';
    this.refusal.setAttribute('role', 'alert');
    const layout = (this.layout = new PanelLayout());
    canvas.addClass('jp-FastTrack-graph-canvas');
    [canvas, this.prompt, this.sheet].forEach(each => layout.addWidget(each));
    this.node.append(this.empty, this.refusal);
  }

  readonly prompt = new Prompt();
  readonly sheet: Sheet;

  /** Something was dropped on the canvas. */
  get dropped(): ISignal<this, Dropped> {
    return this._dropped;
  }

  /** Say why something was not done, here and to screen readers; empty words take it away. */
  refuse(words: string): void {
    clearTimeout(this.timer);
    this.refusal.textContent = words;
    if (words) {
      this.timer = setTimeout(() => (this.refusal.textContent = ''), REFUSAL);
    }
  }

  /** Show `content` in the middle of the canvas, where there is nothing else to be seen; null: nothing. */
  setEmpty(content: readonly HTMLElement[] | null): void {
    this.empty.replaceChildren(...(content ?? []));
    this.empty.hidden = content === null;
  }

  /** A place of the model in pixels of this pane. */
  toPane(position: Position): Position {
    const { zoom, pan } = this.canvas.viewState();
    return { x: position.x * zoom + pan.x, y: position.y * zoom + pan.y };
  }

  handleEvent(event: Event): void {
    const drag = event as Drag.Event;
    if (event.type === 'lm-dragleave') {
      this.canvas.showDropTarget(null);
      return;
    }
    if (this.canvas.isReadOnly || !this.isWanted(drag)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    const position = this.canvas.toModelPosition(drag.clientX, drag.clientY);
    if (event.type === 'lm-dragover') {
      drag.dropAction = drag.proposedAction;
      this.canvas.showDropTarget(position);
    } else if (event.type === 'lm-drop') {
      drag.dropAction = drag.proposedAction;
      this.canvas.showDropTarget(null);
      const onto = this.canvas.taskAt(drag.clientX, drag.clientY);
      this._dropped.emit({ ...contentOf(drag), position, onto });
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    Signal.clearData(this);
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    DRAG_EVENTS.forEach(type => this.node.addEventListener(type, this));
  }

  protected onBeforeDetach(message: Message): void {
    DRAG_EVENTS.forEach(type => this.node.removeEventListener(type, this));
    super.onBeforeDetach(message);
  }

  private isWanted(drag: Drag.Event): boolean {
    return drag.mimeData.hasData(CONTENTS_MIME) || drag.mimeData.hasData(TASK_MIME);
  }

  /** The words of the hint for an empty pipeline, and what its buttons do. */
  emptyHint(onAdd: () => void, onExample: () => void): HTMLElement[] {
    const { trans } = this;
    const title = element('h3', trans.__('No task yet'));
    const how = element(
      'p',
      trans.__('Double-click here, press A, or drag a script (.py, .sh, .R) or a notebook from the file browser.')
    );
    const edges = element('p', trans.__('A dependency is drawn from a card’s handle to the task that needs it.'));
    return [title, how, edges, button(trans.__('Add a task'), onAdd), button(trans.__('Add example'), onExample)];
  }

  private readonly empty: HTMLElement;
  private readonly refusal: HTMLElement;
  private readonly _dropped = new Signal<this, Dropped>(this);
  private timer: ReturnType<typeof setTimeout> | undefined;
}

const DRAG_EVENTS = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'] as const;

function contentOf(drag: Drag.Event): Pick<Dropped, 'files' | 'tasks'> {
  const files: unknown = drag.mimeData.getData(CONTENTS_MIME);
  const task = drag.mimeData.getData(TASK_MIME) as Json | undefined;
  return {
    files: Array.isArray(files) ? files.filter(each => typeof each === 'string') : [],
    tasks: task === undefined ? [] : [task]
  };
}

function element(tag: string, text: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  return made;
}

function button(text: string, onClick: () => void): HTMLElement {
  const made = element('button', text);
  made.className = 'jp-mod-styled';
  made.addEventListener('click', onClick);
  return made;
}
