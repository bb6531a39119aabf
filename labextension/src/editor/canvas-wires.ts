/**
 * Wires: curves with arrows near, straight lines from afar or where there are more than eyes can follow. All wires of
 * one look are one path.
 */
import type { Bounds, Curve, Scene, Wire } from './canvas-scene';
import { CARD, curveOf, inlet, outlet } from './canvas-scene';
import type { EdgeEnds } from './canvas-types';
import type { Palette } from './canvas-theme';

/** Above so many wires in view they are straight and bare. */
const MOST_CURVES = 1000;
/** Above so many, only short ones are drawn: the long ones would cover all. */
const MOST_LINES = 4000;

/** What stands out among the wires. */
export interface WireLooks {
  /** Wires of these tasks are drawn strongly: the selected, the focused, the one under the mouse. */
  hot: ReadonlySet<string>;
  selected: EdgeEnds | null;
}

/** Paint the wires that `view` (a box of the model) may show. */
export function paintWires(
  context: CanvasRenderingContext2D,
  palette: Palette,
  scene: Scene,
  view: Bounds,
  zoom: number,
  looks: WireLooks
): void {
  const inView = scene.wires.filter(wire => mayShow(wire, view));
  const isSimple = zoom < 0.22 || inView.length > MOST_CURVES;
  const isHot = (wire: Wire) => looks.hot.has(wire.from.name) || looks.hot.has(wire.to.name);
  const hot = looks.hot.size === 0 ? [] : inView.filter(isHot);
  const calm = hot.length === 0 ? inView : inView.filter(wire => !isHot(wire));
  const width = Math.max(1.3, (isSimple ? 0.6 : 1) / zoom);
  context.lineJoin = 'round';
  context.globalAlpha = isSimple ? 0.45 : 0.9;
  strokeAll(context, palette.line, width, scene, calm, isSimple);
  context.globalAlpha = 1;
  strokeAll(context, palette.brand, Math.max(2, 1.2 / zoom), scene, hot, isSimple);
  const chosen = inView.filter(wire => isChosen(wire, looks.selected));
  strokeAll(context, palette.brand, Math.max(4, 2.5 / zoom), scene, chosen, isSimple);
}

function isChosen(wire: Wire, chosen: EdgeEnds | null): boolean {
  return chosen !== null && wire.from.name === chosen.from && wire.to.name === chosen.to;
}

function mayShow({ from, to }: Wire, view: Bounds): boolean {
  const reach = CARD.width;
  return (
    Math.min(from.x, to.x) - reach <= view.right &&
    Math.max(from.x, to.x) + reach >= view.left &&
    Math.min(from.y, to.y) - reach <= view.bottom &&
    Math.max(from.y, to.y) + reach >= view.top
  );
}

function strokeAll(
  context: CanvasRenderingContext2D,
  colour: string,
  width: number,
  scene: Scene,
  wires: readonly Wire[],
  isSimple: boolean
): void {
  if (wires.length === 0) {
    return;
  }
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = width;
  if (isSimple) {
    (wires.length > MOST_LINES ? scatterLines : strokeLines)(context, scene, wires);
    return;
  }
  strokeCurves(
    context,
    scene,
    wires.filter(wire => !wire.isImplied)
  );
  context.setLineDash([5, 4]);
  strokeCurves(
    context,
    scene,
    wires.filter(wire => wire.isImplied)
  );
  context.setLineDash([]);
  context.beginPath();
  wires.forEach(wire => arrow(context, curveOf(wire, scene.direction), 4 + 2 * Math.min(width, 3)));
  context.fill();
}

function strokeLines(context: CanvasRenderingContext2D, scene: Scene, wires: readonly Wire[]): void {
  context.beginPath();
  for (const { from, to } of wires) {
    const [a, b] = [outlet(from, scene.direction), inlet(to, scene.direction)];
    context.moveTo(a.x, a.y);
    context.lineTo(b.x, b.y);
  }
  context.stroke();
}

/** Strokes in portions: one path of tens of thousands of lines takes far longer than many short ones. */
function scatterLines(context: CanvasRenderingContext2D, scene: Scene, wires: readonly Wire[]): void {
  const { a: scale } = context.getTransform();
  const short = wires.filter(
    ({ from, to }) => Math.abs(from.x - to.x) + Math.abs(from.y - to.y) < 600 / scale
  );
  for (let i = 0; i < short.length; i += 64) {
    strokeLines(context, scene, short.slice(i, i + 64));
  }
}

function strokeCurves(context: CanvasRenderingContext2D, scene: Scene, wires: readonly Wire[]): void {
  context.beginPath();
  wires.forEach(wire => trace(context, curveOf(wire, scene.direction)));
  context.stroke();
}

/** Add a curve to the current path. */
export function trace(context: CanvasRenderingContext2D, [x0, y0, x1, y1, x2, y2, x3, y3]: Curve): void {
  context.moveTo(x0, y0);
  context.bezierCurveTo(x1, y1, x2, y2, x3, y3);
}

/** Add the arrow head at a curve's end to the current path. */
export function arrow(context: CanvasRenderingContext2D, curve: Curve, size: number): void {
  const [, , , , x2, y2, x, y] = curve;
  const length = Math.hypot(x - x2, y - y2) || 1;
  const [dx, dy] = [((x - x2) / length) * size, ((y - y2) / length) * size];
  context.moveTo(x, y);
  context.lineTo(x - dx * 1.4 - dy * 0.7, y - dy * 1.4 + dx * 0.7);
  context.lineTo(x - dx * 1.4 + dy * 0.7, y - dy * 1.4 - dx * 0.7);
  context.closePath();
}
