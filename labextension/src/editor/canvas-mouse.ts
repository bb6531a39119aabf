/**
 * What the mouse (and, for dependencies, a finger) does beyond cytoscape's pan, drag and select: the handle from which dependencies are drawn, clicks on
 * wires, double clicks, menus, and what is said about the card under the pointer.
 */
import type { CanvasCore } from './canvas-core';
import { remarkOf, taskOf } from './canvas-core';
import { outlet } from './canvas-scene';
import type { ClientPoint } from './canvas-stage';
import type { EdgeEnds } from './canvas-types';
import { rulesInWords, stateWords } from './canvas-words';
import type { Position } from './graph';

/** How near to a wire a click must be, in CSS pixels. */
const REACH = 7;
/** Radius of the handle, in CSS pixels, and a bit more for the hand; and for a finger. */
const GRIP = 13;
const FINGER = 26;

/** The mouse's part of one canvas. */
export class Mouse {
  /** Where the pointer was last, in the model; null while it is elsewhere. */
  at: Position | null = null;
  private isDrawing = false;

  constructor(
    private readonly core: CanvasCore,
    private readonly toModel: (clientX: number, clientY: number) => Position,
    private readonly tip: HTMLElement
  ) {}

  /** Listen on the canvas's element, before cytoscape does. */
  attach(element: HTMLElement): void {
    element.addEventListener('mousedown', this.onDown, true);
    element.addEventListener('touchstart', this.onTouch, { capture: true, passive: false });
    element.addEventListener('mousemove', this.onMove, true);
    element.addEventListener('mouseleave', this.onLeave);
  }

  /** Listen no more. */
  detach(element: HTMLElement): void {
    element.removeEventListener('mousedown', this.onDown, true);
    element.removeEventListener('touchstart', this.onTouch, true);
    element.removeEventListener('mousemove', this.onMove, true);
    element.removeEventListener('mouseleave', this.onLeave);
    this.stopDrawing();
  }

  private readonly onDown = (event: MouseEvent): void => {
    this.hideTip();
    const at = this.toModel(event.clientX, event.clientY);
    const from = event.button === 0 ? this.handleAt(at, GRIP) : null;
    if (from !== null) {
      event.preventDefault();
      event.stopPropagation();
      this.draw(from, at);
      window.addEventListener('mousemove', this.onDraw, true);
      window.addEventListener('mouseup', this.onDrop, true);
    }
  };

  /** A finger on the handle of the card that was tapped last draws as the mouse does; else it is cytoscape's. */
  private readonly onTouch = (event: TouchEvent): void => {
    const [touch] = event.touches;
    const at = this.toModel(touch.clientX, touch.clientY);
    const from = event.touches.length === 1 ? this.handleAt(at, FINGER) : null;
    if (from !== null) {
      event.preventDefault();
      event.stopPropagation();
      this.draw(from, at);
      window.addEventListener('touchmove', this.onTouchDraw, { capture: true, passive: false });
      ['touchend', 'touchcancel'].forEach(type => window.addEventListener(type, this.onTouchDrop, true));
    } else {
      this.core.hovered = this.core.scene.cardAt(at)?.name ?? null; // shows that card's handle
      this.core.stage.redraw();
    }
  };

  private draw(from: string, at: Position): void {
    this.isDrawing = true;
    this.core.connector.begin(from, at);
  }

  /** The task whose handle is at a point: of the focused, the hovered or the nearest card around it. */
  private handleAt(point: Position, reach: number): string | null {
    if (this.core.isReadOnly) {
      return null;
    }
    const { scene, stage, hovered, focused } = this.core;
    for (const name of [hovered, focused]) {
      const card = name === null ? undefined : scene.cards.get(name);
      const grip = card === undefined ? null : outlet(card, scene.direction);
      if (
        name !== null &&
        grip !== null &&
        Math.hypot(grip.x - point.x, grip.y - point.y) <= reach / stage.zoom
      ) {
        return name;
      }
    }
    return null;
  }

  private readonly onMove = (event: MouseEvent): void => {
    this.at = this.toModel(event.clientX, event.clientY);
    if (this.isDrawing) {
      return;
    }
    const handle = this.handleAt(this.at, GRIP);
    const name = handle ?? this.core.scene.cardAt(this.at)?.name ?? null;
    this.setCursor(handle !== null ? 'crosshair' : name !== null ? 'pointer' : '');
    if (name !== this.core.hovered) {
      this.core.hovered = name;
      this.core.stage.redraw();
    }
    if (event.buttons === 0) {
      this.showTip(handle === null ? name : null, event);
    }
  };

  /** On the element around cytoscape's, which measures itself anew whenever its own style changes. */
  private setCursor(cursor: string): void {
    const around = this.tip.parentElement;
    if (around !== null && around.style.cursor !== cursor) {
      around.style.cursor = cursor;
    }
  }

  private readonly onLeave = (): void => {
    this.at = null;
    this.hideTip();
    if (!this.isDrawing && this.core.hovered !== null) {
      this.core.hovered = null;
      this.core.stage.redraw();
    }
  };

  private readonly onTouchDraw = (event: Event): void => {
    event.preventDefault();
    event.stopPropagation();
    this.aim((event as TouchEvent).touches[0]);
  };

  private readonly onTouchDrop = (event: Event): void => {
    event.stopPropagation();
    this.drop((event as TouchEvent).changedTouches[0], event.type === 'touchcancel');
  };

  private readonly onDraw = (event: MouseEvent): void => {
    event.stopPropagation();
    this.aim(event);
  };

  private aim(event: ClientPoint): void {
    const at = this.toModel(event.clientX, event.clientY);
    this.core.connector.aim(this.core.scene.cardAt(at)?.name ?? null, at);
    const refusal = this.core.connector.draft?.refusal ?? '';
    this.place(refusal, event);
    this.core.stage.redraw();
  }

  private readonly onDrop = (event: MouseEvent): void => {
    event.stopPropagation();
    this.drop(event, false);
  };

  private drop(event: ClientPoint, isCancelled: boolean): void {
    this.stopDrawing();
    const from = this.core.connector.draft?.from;
    const drawn = this.core.connector.end();
    this.core.stage.redraw();
    if (isCancelled) {
      return;
    }
    if (drawn !== null) {
      connect(this.core, drawn);
    } else if (from !== undefined) {
      this.addAfter(from, this.toModel(event.clientX, event.clientY));
    }
  }

  /** Dropped on the background: a new task there, that needs the one it was drawn from. */
  private addAfter(from: string, position: Position): void {
    const card = this.core.scene.cards.get(from);
    const grip = card === undefined ? position : outlet(card, this.core.scene.direction);
    if (Math.hypot(grip.x - position.x, grip.y - position.y) > 60) {
      this.core.hooks.gesture({ kind: 'add', position, after: [from] });
    }
  }

  private stopDrawing(): void {
    this.isDrawing = false;
    this.hideTip();
    window.removeEventListener('mousemove', this.onDraw, true);
    window.removeEventListener('mouseup', this.onDrop, true);
    window.removeEventListener('touchmove', this.onTouchDraw, true);
    ['touchend', 'touchcancel'].forEach(type => window.removeEventListener(type, this.onTouchDrop, true));
  }

  /** A click: on a wire it selects that. */
  tapped(id: string | null, at: Position): void {
    if (id === null) {
      this.core.selectEdge(this.edgeAt(at));
    } else if (taskOf(id) !== null) {
      this.core.focused = taskOf(id);
      this.core.hooks.focusChanged();
    }
  }

  private edgeAt(at: Position): EdgeEnds | null {
    return this.core.scene.wireAt(at, REACH / this.core.stage.zoom);
  }

  /** A double click: on a task its properties, on a remark its text, on nothing a new task. */
  doubleTapped(id: string | null, position: Position): void {
    const { hooks } = this.core;
    const name = taskOf(id);
    const remark = id === null ? null : remarkOf(id);
    if (name !== null) {
      hooks.gesture({ kind: 'open', name, panel: 'properties' });
    } else if (remark !== null) {
      hooks.gesture({ kind: 'edit-remark', id: remark });
    } else if (this.edgeAt(position) === null && !isRefused(this.core)) {
      hooks.gesture({ kind: 'add', position, after: [] });
    }
  }

  /** The right button: a menu for the selection if it is on it, else for what is under it. */
  menu(id: string | null, at: Position, event: ClientPoint): void {
    this.hideTip();
    const name = taskOf(id);
    const remark = id === null ? null : remarkOf(id);
    const edge = id === null ? this.edgeAt(at) : null;
    if (name !== null && !this.core.selected.includes(name)) {
      this.core.select([name]);
    }
    if (edge !== null) {
      this.core.selectEdge(edge);
    }
    const names = name === null ? [] : this.core.selected;
    this.core.hooks.gesture({ kind: 'menu', names, edge, remark, x: event.clientX, y: event.clientY });
  }

  private showTip(name: string | null, event: MouseEvent): void {
    const card = name === null ? undefined : this.core.scene.cards.get(name);
    if (card === undefined) {
      this.hideTip();
      return;
    }
    const { task, state } = card;
    const about = state === null ? task.description : stateWords(state, Date.now(), this.core.trans);
    const rules = rulesInWords(task.rules, this.core.trans).join(', ');
    this.place([task.name, rules, about].filter(text => text !== '').join('\n'), event);
  }

  private place(text: string, event: ClientPoint): void {
    this.tip.textContent = text;
    this.tip.hidden = text === '';
    const area = this.tip.parentElement?.getBoundingClientRect();
    if (area !== undefined && text !== '') {
      const x = Math.min(event.clientX - area.left + 14, area.width - this.tip.offsetWidth - 8);
      const y = Math.min(event.clientY - area.top + 20, area.height - this.tip.offsetHeight - 8);
      this.tip.style.transform = `translate(${Math.max(4, x)}px, ${Math.max(4, y)}px)`;
    }
  }

  private hideTip(): void {
    this.tip.hidden = true;
  }
}

/** Ask for a drawn dependency, or say why it cannot be. */
export function connect(core: CanvasCore, drawn: EdgeEnds & { refusal: string }): void {
  const { from, to, refusal } = drawn;
  if (refusal !== '') {
    refuse(core, refusal);
  } else if (!isRefused(core)) {
    core.hooks.gesture({ kind: 'edit', edit: { kind: 'connect', from, to } });
  }
}

/** Say that a gesture cannot be done. */
export function refuse(core: CanvasCore, message: string): void {
  core.hooks.announce(message);
  core.hooks.gesture({ kind: 'refused', message });
}

/** Whether the pipeline cannot be changed here; says so if it cannot. */
export function isRefused(core: CanvasCore): boolean {
  if (core.isReadOnly) {
    refuse(core, core.trans.__('A job is shown as it was: return to editing to change the pipeline.'));
  }
  return core.isReadOnly;
}
