/**
 * The element that is painted on: its resolution, its palette, and the clock of what moves.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Brush } from './canvas-card';
import type { CanvasCore } from './canvas-core';
import { BlockSprites } from './canvas-blocks';
import { TypeIcons } from './canvas-icons';
import { CardSprites, isMoving } from './canvas-sprites';
import { paintFrame } from './canvas-paint';
import type { View } from './canvas-paint';
import type { Card } from './canvas-scene';
import { TextFitter } from './canvas-text';
import { isMotionReduced, readPalette, watchTheme } from './canvas-theme';
import type { Palette } from './canvas-theme';
import { elapsed, rulesOnCard, shortDuration } from './canvas-words';

/** A picture may not be larger than this on a side, in pixels: browsers refuse more. */
const MOST_PIXELS = 8192;
const SECOND = 1000;
const BLINK = 80;

/** Paints a core's scene on a canvas element. */
export class Surface {
  readonly element = document.createElement('canvas');
  palette: Palette;
  private readonly texts = new TextFitter();
  private readonly icons = new TypeIcons();
  private readonly blocks = new BlockSprites();
  private readonly cards = new CardSprites();
  private readonly unwatch: () => void;
  private timer = 0;
  private isStill = isMotionReduced();

  constructor(
    private readonly host: HTMLElement,
    private readonly core: CanvasCore,
    private readonly trans: TranslationBundle
  ) {
    this.element.className = 'ft-Canvas-surface';
    this.element.setAttribute('aria-hidden', 'true');
    this.palette = readPalette(host);
    this.unwatch = watchTheme(() => this.themeChanged());
  }

  /** Read the theme's colours anew. */
  themeChanged(): void {
    this.palette = readPalette(this.host);
    this.texts.clear();
    this.isStill = isMotionReduced();
    this.core.stage.redraw();
  }

  /** Paint the core as it is now. */
  paint(isFocusVisible: boolean): void {
    const { width, height } = this.core.stage.size;
    const context = this.element.getContext('2d');
    if (context === null || width === 0 || height === 0) {
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    this.resize(Math.round(width * ratio), Math.round(height * ratio));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    paintFrame(this.brush(context), this.core.scene, this.view(width, height, isFocusVisible));
    this.tick();
  }

  private resize(width: number, height: number): void {
    if (this.element.width !== width || this.element.height !== height) {
      this.element.width = width;
      this.element.height = height;
    }
  }

  private view(width: number, height: number, isFocusVisible: boolean): View {
    const { stage, focused, hovered, isReadOnly, selectedEdge, found, connector, ghost } = this.core;
    const { zoom, pan, band } = stage;
    const draft = connector.draft;
    return {
      ...{ zoom, pan, width, height, focused, hovered, isReadOnly, selectedEdge, found, ghost, band, draft },
      isFocusVisible
    };
  }

  private brush(context: CanvasRenderingContext2D): Brush {
    const now = Date.now();
    return {
      context,
      palette: this.palette,
      texts: this.texts,
      icons: this.icons,
      blocks: this.blocks,
      cards: this.cards,
      tick: this.isStill ? 0 : performance.now(),
      aside: card => this.aside(card, now),
      rules: card => rulesOnCard(card.task.rules, this.trans),
      causeWord: this.trans.__('cause')
    };
  }

  private aside(card: Card, now: number): string {
    const ran = card.state === null ? null : elapsed(card.state, now);
    return ran === null ? '' : shortDuration(ran, this.trans);
  }

  /** While something runs, paint again: each second for the clocks, sooner for what moves. */
  private tick(): void {
    window.clearTimeout(this.timer);
    if (!this.core.scene.hasStates) {
      return;
    }
    const active = [...this.core.scene.cards.values()].filter(card => isActive(card));
    if (active.length > 0 && this.core.stage.zoom >= 0.5) {
      const moves = !this.isStill && active.length <= 200 && active.some(card => isMoving(card));
      this.timer = window.setTimeout(() => this.core.stage.redraw(), moves ? BLINK : SECOND);
    }
  }

  /** The whole graph as a `data:image/png` URL. */
  toPng(scale: number): string {
    const bounds = this.core.scene.bounds() ?? { left: 0, top: 0, right: 300, bottom: 100 };
    const room = 24;
    const [wide, high] = [bounds.right - bounds.left + 2 * room, bounds.bottom - bounds.top + 2 * room];
    const zoom = Math.min(scale, MOST_PIXELS / wide, MOST_PIXELS / high);
    const picture = document.createElement('canvas');
    picture.width = Math.ceil(wide * zoom);
    picture.height = Math.ceil(high * zoom);
    const context = picture.getContext('2d');
    if (context === null) {
      return '';
    }
    const view = this.view(picture.width, picture.height, false);
    const pan = { x: (room - bounds.left) * zoom, y: (room - bounds.top) * zoom };
    const bare = {
      hovered: null,
      selectedEdge: null,
      draft: null,
      ghost: null,
      band: null,
      isReadOnly: true
    };
    paintFrame(this.brush(context), this.core.scene, { ...view, ...bare, zoom, pan });
    return picture.toDataURL('image/png');
  }

  /** Stop the clock and let go of the theme. */
  dispose(): void {
    window.clearTimeout(this.timer);
    this.unwatch();
  }
}

function isActive(card: Card): boolean {
  return card.state?.state === 'running' || card.state?.state === 'preparing';
}
