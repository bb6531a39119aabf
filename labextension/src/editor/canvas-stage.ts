/**
 * Cytoscape as the canvas's hands: pan, zoom, pinch, drag, box selection, clicks and hit tests, for mouse and fingers.
 *
 * It knows the boxes of tasks and remarks and where they are, nothing else, and it paints nothing: its renderer's
 * `render`, which its frame loop calls when something changed, is ours, and what it computes only to paint labels and
 * edges is switched off. So its loop and our picture are one frame, a status change costs no style calculation, and a
 * graph of thousands opens at once, since wires are no elements of it. Without a drawing context (tests) it runs
 * headless.
 *
 * Its own WebGL renderer (3.34) was tried and is slower: it walks all elements in script for each frame, whatever the
 * GPU (80 ms with 5,000 tasks and straight edges, 320 ms with 20,000; this painter: 4 and 41), styles each change of
 * status (9 s for 1,000 among 5,000), and knows neither dashes nor hatching.
 */
import cytoscape from 'cytoscape';
import type { Core, EventObject, NodeSingular, StylesheetJson } from 'cytoscape';

import type { Bounds } from './canvas-scene';
import { CARD, NOTE } from './canvas-scene';
import { ZOOM } from './canvas-viewport';
import type { Position } from './graph';

/** A box that can be grabbed. */
export interface Item {
  id: string;
  kind: 'task' | 'remark';
  at: Position;
}

/** A point of the page. */
export type ClientPoint = Pick<MouseEvent, 'clientX' | 'clientY'>;

/** What the stage tells. Positions are the model's. */
export interface StageHooks {
  paint(): void;
  moved(id: string, at: Position): void;
  /** A drag ended that moved these. */
  dropped(ids: readonly string[]): void;
  selectionChanged(): void;
  viewportChanged(): void;
  tapped(id: string | null, at: Position): void;
  doubleTapped(id: string | null, at: Position): void;
  menu(id: string | null, at: Position, event: ClientPoint): void;
}

/** What we use of cytoscape's renderer, which its types do not describe. */
interface Renderer {
  render(): void;
  recalculateRenderedStyle(): void;
  selection: readonly number[];
  hoverData: { selecting?: boolean };
}

const STYLE: StylesheetJson = [
  {
    selector: 'node',
    style: { shape: 'rectangle', width: CARD.width, height: CARD.height, 'overlay-opacity': 0 }
  },
  { selector: 'node[kind="remark"]', style: { width: NOTE.width, height: NOTE.height } }
];

/** Cytoscape on an element of the page. */
export class Stage {
  private readonly cy: Core;
  private readonly renderer: Renderer | null;
  /** Its boxes by id: to ask cytoscape makes a collection each time. */
  private readonly nodes = new Map<string, NodeSingular>();

  constructor(container: HTMLElement, isHeadless: boolean, hooks: StageHooks) {
    this.cy = cytoscape({
      container: isHeadless ? undefined : container,
      headless: isHeadless,
      styleEnabled: true,
      style: STYLE,
      layout: { name: 'preset' },
      minZoom: ZOOM.least,
      maxZoom: ZOOM.most,
      boxSelectionEnabled: true,
      selectionType: 'single',
      pixelRatio: 1
    });
    this.renderer = isHeadless ? null : (this.cy as unknown as { renderer(): Renderer }).renderer();
    if (this.renderer !== null) {
      this.renderer.render = () => hooks.paint();
      this.renderer.recalculateRenderedStyle = () => undefined;
    }
    this.listen(hooks);
  }

  private listen(hooks: StageHooks): void {
    const { cy } = this;
    const idOf = (event: EventObject) => (event.target === cy ? null : (event.target as NodeSingular).id());
    cy.on('position', 'node', event => hooks.moved(event.target.id(), event.target.position()));
    cy.on('select unselect', 'node', () => hooks.selectionChanged());
    cy.on('viewport', () => hooks.viewportChanged());
    cy.on('tap', event => hooks.tapped(idOf(event), event.position));
    cy.on('dbltap', event => hooks.doubleTapped(idOf(event), event.position));
    cy.on('cxttap', event => hooks.menu(idOf(event), event.position, event.originalEvent));
    cy.on('taphold', event => {
      const touch = (event.originalEvent as Partial<TouchEvent>).touches?.[0];
      if (touch !== undefined) {
        hooks.menu(idOf(event), event.position, touch);
      }
    });
    cy.on('dragfreeon', 'node', event => {
      const node = event.target as NodeSingular;
      const moved = node.selected() ? cy.nodes(':selected') : node;
      hooks.dropped(moved.map(one => one.id()));
    });
  }

  /** Have exactly these boxes, at these places. */
  setItems(items: readonly Item[]): void {
    const { cy } = this;
    const wanted = new Map(items.map(item => [item.id, item]));
    const gone = [...this.nodes].filter(([id]) => !wanted.has(id));
    const fresh = items.filter(item => !this.nodes.has(item.id));
    cy.batch(() => {
      gone.forEach(([id, node]) => {
        node.remove();
        this.nodes.delete(id);
      });
      cy.add(
        fresh.map(({ id, kind, at }) => ({ group: 'nodes', data: { id, kind }, position: { ...at } }))
      ).forEach(node => void this.nodes.set(node.id(), node as NodeSingular));
    });
    this.move(new Map(items.map(item => [item.id, item.at])));
  }

  /** Put boxes elsewhere. */
  move(places: ReadonlyMap<string, Position>): void {
    this.cy.batch(() => {
      places.forEach((at, id) => {
        const node = this.nodes.get(id);
        const now = node?.position();
        if (now && (now.x !== at.x || now.y !== at.y)) {
          node?.position({ ...at });
        }
      });
    });
    this.redraw();
  }

  /** Select exactly these. */
  select(ids: readonly string[]): void {
    const wanted = new Set(ids);
    const unwanted = [...this.selected].filter(id => !wanted.has(id));
    this.cy.batch(() => {
      unwanted.forEach(id => this.nodes.get(id)?.unselect());
      ids.forEach(id => this.nodes.get(id)?.select());
    });
  }

  /** Ids of what is selected. */
  get selected(): ReadonlySet<string> {
    return new Set([...this.nodes].filter(([, node]) => node.selected()).map(([id]) => id));
  }

  /** Paint at the next frame. */
  redraw(): void {
    this.cy.forceRender();
  }

  /** The size of its element may have changed. */
  resize(): void {
    this.cy.resize();
  }

  /** The view's scale. */
  get zoom(): number {
    return this.cy.zoom();
  }

  /** Where the model's origin is, in CSS pixels from the left top corner. */
  get pan(): Position {
    return this.cy.pan();
  }

  /** Show the model at this scale and place. */
  setView(zoom: number, pan: Position): void {
    this.cy.viewport({ zoom, pan: { ...pan } });
  }

  /** Width and height in CSS pixels; 0 while it is not shown. */
  get size(): { width: number; height: number } {
    return { width: this.cy.width() || 0, height: this.cy.height() || 0 };
  }

  /** The box that is being drawn to select, if one is. */
  get band(): Bounds | null {
    if (this.renderer?.hoverData.selecting !== true) {
      return null;
    }
    const [x1, y1, x2, y2] = this.renderer.selection;
    return {
      left: Math.min(x1, x2),
      top: Math.min(y1, y2),
      right: Math.max(x1, x2),
      bottom: Math.max(y1, y2)
    };
  }

  /** Let go of all. */
  dispose(): void {
    this.cy.destroy();
  }
}
