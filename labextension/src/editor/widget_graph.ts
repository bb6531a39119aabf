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
import { TASK_MIME, TEMPLATE_MIME, type LazyTemplate } from './parts';
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
  /** A template of the palette, if it was one. */
  template: LazyTemplate | null;
  position: Position;
  /** The task on whose card it was dropped. */
  onto: string | null;
}

/** See the head of this file. */
export class GraphPane extends Widget {
  constructor(
    readonly canvas: IDagCanvas & Widget,
    trans: TranslationBundle
  ) {
    super();
    this.addClass('ft-Editor-graph');
    this.sheet = new Sheet(() => canvas.node.focus());
    this.example.className = 'ft-Editor-example jp-mod-styled';
    this.example.textContent = trans.__('Add example');
    this.example.hidden = true;
    this.refusal = document.createElement('div');
    this.refusal.className = 'ft-Editor-refusal';
    this.refusal.setAttribute('role', 'alert');
    // what the canvas has no use for closes what lies over it
    canvas.node.addEventListener(
      'keydown',
      event => event.key === 'Escape' && !event.defaultPrevented && this.sheet.close()
    );
    const layout = (this.layout = new PanelLayout());
    canvas.addClass('ft-Editor-graph-canvas');
    [canvas, this.prompt, this.sheet].forEach(each => layout.addWidget(each));
    this.unreadable.className = 'ft-Editor-unreadable';
    this.unreadable.setAttribute('role', 'status');
    this.unreadable.hidden = true;
    this.node.append(this.example, this.unreadable, this.refusal);
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

  /** Offer the example, where there is nothing else to be seen; null: not any more. The canvas says the rest. */
  setExample(onExample: (() => void) | null): void {
    this.example.hidden = onExample === null;
    this.example.onclick = onExample;
  }

  /**
   * Say that the text cannot be read just now; null: it can. Over a graph of an earlier text it is a note at the
   * corner; where there is no graph at all it covers the canvas, which has nothing to offer then.
   */
  setUnreadable(words: string | null, isCovering: boolean): void {
    this.unreadable.hidden = words === null;
    this.unreadable.textContent = words ?? '';
    this.unreadable.classList.toggle('ft-mod-covering', isCovering);
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
    return [CONTENTS_MIME, TASK_MIME, TEMPLATE_MIME].some(mime => drag.mimeData.hasData(mime));
  }

  private readonly example = document.createElement('button');
  private readonly unreadable = document.createElement('div');
  private readonly refusal: HTMLElement;
  private readonly _dropped = new Signal<this, Dropped>(this);
  private timer: ReturnType<typeof setTimeout> | undefined;
}

const DRAG_EVENTS = ['lm-dragenter', 'lm-dragover', 'lm-dragleave', 'lm-drop'] as const;

function contentOf(drag: Drag.Event): Pick<Dropped, 'files' | 'tasks' | 'template'> {
  const files: unknown = drag.mimeData.getData(CONTENTS_MIME);
  const task = drag.mimeData.getData(TASK_MIME) as Json | undefined;
  const template = drag.mimeData.getData(TEMPLATE_MIME) as LazyTemplate | undefined;
  return {
    files: Array.isArray(files) ? files.filter(each => typeof each === 'string') : [],
    tasks: task === undefined ? [] : [task],
    template: template ?? null
  };
}
