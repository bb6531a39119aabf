/**
 * One card, as it is read near: type icon, name, second line, foot, and the state as colour AND shape.
 *
 * Text stands on the card's surface in the theme's text colours, never on a status colour. What tells the states apart
 * without colour: the icon's character, the outline (dashed, thick, pale) and the foot (empty, partial, full, hollow,
 * hatched). All coordinates are the model's, the card's centre being the origin.
 */
import { ICONS } from '../status';
import type { State } from '../status';
import type { BlockSprites } from './canvas-blocks';
import type { TypeIcons } from './canvas-icons';
import type { Card } from './canvas-scene';
import { CARD } from './canvas-scene';
import type { CardSprites } from './canvas-sprites';
import type { TextFitter } from './canvas-text';
import type { Palette } from './canvas-theme';
import type { Change, Severity } from './graph';

/** What cards are painted with. */
export interface Brush {
  context: CanvasRenderingContext2D;
  palette: Palette;
  texts: TextFitter;
  icons: TypeIcons;
  blocks: BlockSprites;
  cards: CardSprites;
  /** Milliseconds of an unhurried clock for what moves; 0 where nothing may. */
  tick: number;
  /** Words at the right of the second line, such as the elapsed time. */
  aside(card: Card): string;
  /** Words at the lower left edge: what decides whether it runs; empty where that is usual. */
  rules(card: Card): string;
  /** The word on the first failing task. */
  causeWord: string;
}

const { width: W, height: H, radius: R } = CARD;
const LEFT = -W / 2;
const TOP = -H / 2;
const FOOT = 7;
/** A sign for each change, so that the colour is not all there is. */
const CHANGES: Readonly<Record<Change, { sign: string; colour: State }>> = {
  added: { sign: '+', colour: 'running' },
  removed: { sign: '−', colour: 'failure' },
  changed: { sign: '~', colour: 'preparing' }
};
/** Where texts begin. */
const TEXT = 45;
const SEVERITY_ICONS: Readonly<Record<Severity, string>> = { error: '✕', warning: '⚠', notice: 'i' };

/** Paint a card around the origin. */
export function paintCard(brush: Brush, card: Card): void {
  const state = card.state?.state ?? null;
  const isPale = state === 'skipped' || (state === null && card.task.skip);
  paintBody(brush, card, isPale);
  paintFoot(brush, card);
  paintOutline(brush, card, isPale);
  paintTypeIcon(brush, card);
  paintTexts(brush, card, isPale);
  if (state !== null && card.state?.change === undefined) {
    paintStateIcon(brush, card, state);
  }
  paintBadges(brush, card);
}

function paintBody({ context, palette }: Brush, card: Card, isPale: boolean): void {
  if (!isPale) {
    context.fillStyle = palette.text;
    context.globalAlpha = 0.1;
    box(context, LEFT - 0.5, TOP + 1, W + 1, H + 1.5, R + 1);
    context.fill();
    context.globalAlpha = 1;
  }
  context.fillStyle = isPale ? palette.background : palette.surface;
  box(context, LEFT, TOP, W, H, R);
  context.fill();
  if (card.state?.state === 'cancelled') {
    hatch(context, palette.states.cancelled.stroke, 0.2);
  }
}

/** Diagonal lines over the card. */
function hatch(context: CanvasRenderingContext2D, colour: string, alpha: number): void {
  context.save();
  box(context, LEFT, TOP, W, H, R);
  context.clip();
  context.globalAlpha = alpha;
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  for (let x = LEFT - H; x < LEFT + W; x += 9) {
    context.moveTo(x, TOP + H);
    context.lineTo(x + H, TOP);
  }
  context.stroke();
  context.restore();
}

function paintFoot(brush: Brush, card: Card): void {
  const { context, palette } = brush;
  const state = card.state?.state;
  if (state === undefined || state === 'skipped' || state === 'waiting') {
    return;
  }
  context.save();
  box(context, LEFT, TOP, W, H, R);
  context.clip();
  const y = TOP + H - FOOT;
  context.fillStyle = palette.sunken;
  context.fillRect(LEFT, y, W, FOOT);
  context.fillStyle = palette.states[state].fill;
  if (state === 'running') {
    paintProgress(brush, card, y);
  } else if (state === 'reused') {
    context.fillStyle = palette.states.reused.stroke;
    context.fillRect(LEFT, y, W, 1.5);
  } else if (state === 'preparing') {
    stripes(context, y, 14, brush.tick / 60);
  } else if (state === 'cancelled') {
    stripes(context, y, 6, 0);
  } else {
    context.fillRect(LEFT, y, W, FOOT);
  }
  context.restore();
}

function paintProgress({ context, palette, tick }: Brush, card: Card, y: number): void {
  const progress = card.state?.progress;
  if (progress !== undefined) {
    context.fillRect(LEFT, y, W * Math.max(0.02, Math.min(1, progress)), FOOT);
    return;
  }
  context.globalAlpha = 0.4;
  context.fillRect(LEFT, y, W, FOOT);
  context.globalAlpha = 1;
  const at = LEFT - 60 + ((tick / 12) % (W + 60));
  context.fillStyle = palette.states.running.fill;
  context.fillRect(tick === 0 ? LEFT : at, y, 60, FOOT);
}

function stripes(context: CanvasRenderingContext2D, y: number, pitch: number, shift: number): void {
  for (let x = LEFT - pitch + (shift % pitch); x < LEFT + W; x += pitch) {
    context.fillRect(x, y, pitch / 2, FOOT);
  }
}

function paintOutline({ context, palette }: Brush, card: Card, isPale: boolean): void {
  const state = card.state?.state;
  context.strokeStyle = state === undefined ? palette.line : palette.states[state].stroke;
  if (state === undefined && isPale) {
    context.strokeStyle = palette.states.skipped.stroke;
  }
  const change = card.state?.change;
  if (change !== undefined) {
    context.strokeStyle = palette.states[CHANGES[change].colour].stroke;
  }
  context.lineWidth = state === 'failure' ? 3 : change !== undefined ? 2 : 1.25;
  context.setLineDash(state === 'preparing' ? [6, 4] : isPale ? [3, 4] : []);
  const inset = context.lineWidth / 2;
  box(context, LEFT + inset, TOP + inset, W - 2 * inset, H - 2 * inset, R - inset);
  context.stroke();
  context.setLineDash([]);
}

function paintTypeIcon({ context, palette, icons }: Brush, card: Card): void {
  context.fillStyle = palette.sunken;
  box(context, LEFT + 9, TOP + 12, 28, 28, 6);
  context.fill();
  context.save();
  context.translate(LEFT + 15, TOP + 18);
  context.strokeStyle = palette.faintText;
  context.lineWidth = 1.4;
  context.lineJoin = context.lineCap = 'round';
  context.stroke(icons.of(card.task.type));
  context.restore();
}

function paintTexts(brush: Brush, card: Card, isPale: boolean): void {
  const { context, palette, texts } = brush;
  const x = LEFT + TEXT;
  const hasIcon = card.state !== null;
  context.textAlign = 'left';
  context.textBaseline = 'middle';
  context.font = `600 13px ${palette.font}`;
  context.fillStyle = isPale ? palette.faintText : palette.text;
  context.fillText(
    texts.fit(context, context.font, card.name, W - TEXT - 10 - (hasIcon ? 22 : 0), true),
    x,
    TOP + 20
  );
  context.font = `11px ${palette.font}`;
  context.fillStyle = palette.faintText;
  const aside = brush.aside(card);
  const asideWidth = aside === '' ? 0 : context.measureText(aside).width + 8;
  context.fillText(
    texts.fit(context, context.font, secondLine(card), W - TEXT - 10 - asideWidth),
    x,
    TOP + 37.5
  );
  if (aside !== '') {
    context.textAlign = 'right';
    context.fillText(aside, LEFT + W - 10, TOP + 37.5);
  }
}

/** Why it failed or waits, if it does; else image and resources; else what the task says of itself. */
export function secondLine(card: Card): string {
  const { state, task } = card;
  const tellsWhy =
    state !== null && (state.isPlanned === true || state.state === 'failure' || state.state === 'waiting');
  if (tellsWhy && state.reason !== '') {
    return state.reason.split('\n', 1)[0];
  }
  const facts = [task.image, ...task.resources].filter(text => text !== '').join(' · ');
  return facts || task.description.split('\n', 1)[0] || task.type;
}

function paintStateIcon({ context, palette }: Brush, card: Card, state: State): void {
  // the arrow of what is skipped has little ink in its em
  context.font = `700 ${state === 'skipped' ? 22 : 15}px ${palette.font}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillStyle = palette.states[state].stroke;
  context.fillText(ICONS[state], LEFT + W - 18, TOP + 20);
  if (card.state !== null && card.state.attempts > 1) {
    pill(context, palette, `×${card.state.attempts}`, LEFT + W - 10, TOP + H - 1, palette.line, 'right');
  }
}

function paintBadges(brush: Brush, card: Card): void {
  const { context, palette, causeWord } = brush;
  const rules = brush.rules(card);
  if (rules !== '') {
    pill(context, palette, rules, LEFT + 12, TOP + H - 1, palette.line, 'left');
  }
  if (card.state?.change !== undefined) {
    const { sign, colour } = CHANGES[card.state.change];
    pill(context, palette, sign, LEFT + W - 10, TOP, palette.states[colour].stroke, 'right');
  }
  if (card.state?.isCause === true) {
    pill(context, palette, `⚑ ${causeWord}`, LEFT + 12, TOP, palette.states.failure.stroke, 'left');
  }
  if (card.marker !== null && card.marker.count > 0) {
    const { count, severity } = card.marker;
    pill(
      context,
      palette,
      `${SEVERITY_ICONS[severity]} ${count}`,
      LEFT + W - 10,
      TOP,
      palette.severity[severity],
      'right'
    );
  }
}

/** A small label on the card's edge; `y` is its middle. */
function pill(
  context: CanvasRenderingContext2D,
  palette: Palette,
  text: string,
  x: number,
  y: number,
  stroke: string,
  side: 'left' | 'right'
): void {
  context.font = `600 10.5px ${palette.font}`;
  const width = Math.ceil(context.measureText(text).width) + 12;
  const left = side === 'left' ? x : x - width;
  context.fillStyle = palette.surface;
  context.strokeStyle = stroke;
  context.lineWidth = 1.5;
  box(context, left, y - 8.5, width, 17, 8.5);
  context.fill();
  context.stroke();
  context.fillStyle = palette.text;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  context.fillText(text, left + width / 2, y + 0.5);
}

/** Begin a path of a rectangle with round corners. */
export function box(
  context: CanvasRenderingContext2D,
  x: number,
  y: number,
  width: number,
  height: number,
  radius: number
): void {
  context.beginPath();
  context.roundRect(x, y, width, height, radius);
}
