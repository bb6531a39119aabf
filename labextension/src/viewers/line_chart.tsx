/**
 * Curves over time or steps, drawn as they grow: an SVG in the theme's own colours, so that nothing flickers or jumps
 * when there are new points (a Vega chart is built anew each time). The pointer, or the arrows where the chart has the
 * focus, stand at a place of x; all values there are told, also to a screen reader, for which the chart is a slider.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { clock } from '../time';
import { axisOf, hasPlace, marks, nearest, partOf, pathOf, rangeOf, stopsOf, valueAt } from './chart';
import type { Point, Range } from './chart';
import { lookOf, type Look } from './looks';
import { figure } from './numbers';
import { useWidth } from './width';

/** One curve. */
export interface Line {
  id: string;
  label: string;
  /** In the order of x. */
  points: readonly Point[];
  look?: Look;
}

/** What a chart shows. */
export interface LineChartProps {
  title: string;
  lines: readonly Line[];
  /** What x is called; null: it is a time (milliseconds). */
  x: string | null;
  isLog?: boolean;
  /** A line at this height, and its name; the range begins at zero then. */
  limit?: { value: number; label: string } | null;
  trans: TranslationBundle;
}

interface Frame {
  x: Range;
  y: Range;
  width: number;
}

const HEIGHT = 96;
const LEFT = 48;
const RIGHT = 8;
const TOP = 9;
const FOOT = 18;
const MOST_TOLD = 10;

/** See the head of this file. */
export function LineChart(props: LineChartProps): JSX.Element {
  const { lines, title, limit, trans, isLog = false } = props;
  const [box, outer] = useWidth();
  const width = Math.max(40, outer - LEFT - RIGHT);
  const drawn = lines.filter(line => line.points.length > 0);
  const frame = React.useMemo((): Frame => {
    const values = drawn.flatMap(line => line.points.map(([, value]) => value));
    return {
      x: rangeOf(drawn.flatMap(line => line.points.map(([at]) => at))),
      y: axisOf(limit ? [...values, 0, limit.value] : values, 3, isLog),
      width
    };
  }, [lines, limit?.value, isLog, width]);
  const cursor = useCursor(drawn, frame);
  const { at } = cursor;
  return (
    <figure ref={box} className="ft-Curve">
      <figcaption>
        <span title={title}>{title}</span>
        <output aria-hidden="true">{headline(drawn, props, at)}</output>
      </figcaption>
      <svg
        role="slider"
        tabIndex={0}
        aria-label={summary(props, drawn)}
        aria-valuemin={frame.x.from}
        aria-valuemax={frame.x.to}
        aria-valuenow={at ?? frame.x.to}
        aria-valuetext={spoken(drawn, props, at ?? frame.x.to)}
        width={outer}
        height={HEIGHT + TOP + FOOT}
        {...cursor.handlers}
      >
        <g transform={`translate(${LEFT} ${TOP})`}>
          <Grid {...frame} isTime={props.x === null} trans={trans} />
          {limit && <Limit {...limit} {...frame} />}
          {drawn.map((line, index) => (
            <Path key={line.id} line={line} index={index} frame={frame} isOnly={drawn.length === 1} />
          ))}
          <Cursor at={at} lines={drawn} frame={frame} />
        </g>
      </svg>
      {at !== null && drawn.length > 1 && <Told at={at} lines={drawn} frame={frame} trans={trans} />}
    </figure>
  );
}

/** Where the pointer or the keyboard stands on x, and what moves it. */
function useCursor(
  lines: readonly Line[],
  { x, width }: Frame
): { at: number | null; handlers: React.SVGAttributes<SVGSVGElement> } {
  const [at, setAt] = React.useState<number | null>(null);
  const stops = (): number[] => stopsOf(lines.map(line => line.points));
  const onPointerMove = (event: React.PointerEvent<SVGSVGElement>): void => {
    const left = event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT;
    const points = stops().map((stop): Point => [stop, 0]);
    const found = points[nearest(points, valueAt(x, Math.min(1, Math.max(0, left / width))))];
    setAt(found ? found[0] : null);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const all = stops();
    const page = Math.max(1, Math.round(all.length / 10));
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowDown: -1,
      ArrowRight: 1,
      ArrowUp: 1,
      PageDown: -page,
      PageUp: page,
      Home: -Infinity,
      End: Infinity
    };
    if (event.key in steps && all.length > 0) {
      const now =
        at === null
          ? all.length - 1
          : nearest(
              all.map((stop): Point => [stop, 0]),
              at
            );
      setAt(all[Math.min(all.length - 1, Math.max(0, now + steps[event.key]))]);
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === 'Escape') {
      setAt(null);
    }
  };
  const leave = (): void => setAt(null);
  return { at, handlers: { onPointerMove, onPointerLeave: leave, onKeyDown, onBlur: leave } };
}

function Path(props: { line: Line; index: number; frame: Frame; isOnly: boolean }): JSX.Element {
  const { line, index, isOnly } = props;
  const { x, y, width } = props.frame;
  const look = line.look ?? (isOnly ? null : lookOf(index));
  const d = React.useMemo(() => pathOf(line.points, x, y, width, HEIGHT), [line.points, x, y, width]);
  return (
    <path
      className="ft-Curve-line"
      data-line={line.id}
      style={look ? { stroke: look.colour, strokeDasharray: look.dash || undefined } : undefined}
      d={d}
    />
  );
}

function Grid(props: Frame & { isTime: boolean; trans: TranslationBundle }): JSX.Element {
  const { x, y, width, isTime, trans } = props;
  const times = isTime ? [x.from, x.to] : marks(x, Math.max(2, width / 70));
  return (
    <g className="ft-Curve-grid" aria-hidden="true">
      {marks(y, 4).map(value => {
        const top = HEIGHT * (1 - partOf(y, value));
        return (
          <React.Fragment key={value}>
            <line x1={0} x2={width} y1={top} y2={top} />
            <text x={-6} y={top} dy="0.32em" textAnchor="end">
              {figure(value, trans)}
            </text>
          </React.Fragment>
        );
      })}
      {times.map((value, index) => {
        const left = width * partOf(x, value);
        const end = isTime ? (index === 0 ? 'start' : 'end') : left > width - 12 ? 'end' : 'middle';
        return (
          <text key={value} x={left} y={HEIGHT + 14} textAnchor={end}>
            {isTime ? clock(value, trans) : figure(value, trans)}
          </text>
        );
      })}
    </g>
  );
}

function Limit(props: Frame & { value: number; label: string }): JSX.Element {
  const top = HEIGHT * (1 - partOf(props.y, props.value));
  return (
    <g className="ft-Curve-limit">
      <line x1={0} x2={props.width} y1={top} y2={top} />
      <text x={props.width} y={top + 12} textAnchor="end">
        {props.label}
      </text>
    </g>
  );
}

/** The line under the pointer, and a dot on each curve there; a dot at the end of each while nobody points. */
function Cursor(props: { at: number | null; lines: readonly Line[]; frame: Frame }): JSX.Element {
  const { at, lines } = props;
  const { x, y, width } = props.frame;
  const left = at === null ? 0 : width * partOf(x, at);
  return (
    <g className="ft-Curve-mark" aria-hidden="true">
      {at !== null && <line x1={left} x2={left} y1={0} y2={HEIGHT} />}
      {lines.map((line, index) => {
        const point = line.points[at === null ? line.points.length - 1 : nearest(line.points, at)];
        if (!hasPlace(point[1], y) || (at !== null && !isHere(line.points, at, x))) {
          return null;
        }
        const look = line.look ?? (lines.length === 1 ? null : lookOf(index));
        return (
          <circle
            key={line.id}
            style={look ? { fill: look.colour } : undefined}
            cx={width * partOf(x, point[0])}
            cy={HEIGHT * (1 - partOf(y, point[1]))}
            r={3}
          />
        );
      })}
    </g>
  );
}

/** Whether a curve is drawn at `at`, and does not begin later or end earlier. */
function isHere(points: readonly Point[], at: number, x: Range): boolean {
  const slack = (x.to - x.from) / 100;
  return points[0][0] - slack <= at && points[points.length - 1][0] + slack >= at;
}

/** All values where the pointer is, in a box beside it. */
function Told(props: {
  at: number;
  lines: readonly Line[];
  frame: Frame;
  trans: TranslationBundle;
}): JSX.Element {
  const { at, frame, trans } = props;
  const here = props.lines
    .map((line, index) => ({ line, look: line.look ?? lookOf(index) }))
    .filter(({ line }) => isHere(line.points, at, frame.x));
  const left = LEFT + frame.width * partOf(frame.x, at);
  const isRight = partOf(frame.x, at) > 0.5;
  return (
    <ul
      className="ft-Curve-told"
      aria-hidden="true"
      style={isRight ? { right: `calc(100% - ${left - 8}px)` } : { left: left + 8 }}
    >
      {here.slice(0, MOST_TOLD).map(({ line, look }) => (
        <li key={line.id}>
          <Swatch look={look} />
          <span>{line.label}</span>
          <b>{figure(line.points[nearest(line.points, at)][1], trans)}</b>
        </li>
      ))}
      {here.length > MOST_TOLD && <li>{trans.__('and %1 more', here.length - MOST_TOLD)}</li>}
    </ul>
  );
}

/** A short piece of a curve, for legends. */
export function Swatch({ look }: { look: Look }): JSX.Element {
  return (
    <svg className="ft-Swatch" width={18} height={8} aria-hidden="true">
      <line
        x1={1}
        x2={17}
        y1={4}
        y2={4}
        style={{ stroke: look.colour, strokeDasharray: look.dash || undefined }}
      />
    </svg>
  );
}

function where(at: number, { x, trans }: LineChartProps): string {
  return x === null ? clock(at, trans) : `${x} ${figure(at, trans)}`;
}

function headline(lines: readonly Line[], props: LineChartProps, at: number | null): string {
  const { trans } = props;
  const [only] = lines;
  if (lines.length !== 1) {
    return at === null ? '' : where(at, props);
  }
  const [place, value] = only.points[at === null ? only.points.length - 1 : nearest(only.points, at)];
  return at === null ? figure(value, trans) : `${where(place, props)}: ${figure(value, trans)}`;
}

/** All values at `at`, in words. */
function spoken(lines: readonly Line[], props: LineChartProps, at: number): string {
  const told = lines
    .slice(0, MOST_TOLD)
    .map(line => [line.label, figure(line.points[nearest(line.points, at)][1], props.trans)])
    .map(([label, value]) => (lines.length === 1 ? value : `${label} ${value}`));
  return `${where(at, props)}: ${told.join(', ')}`;
}

/** The chart in words, for those who do not see it. */
function summary({ title, trans }: LineChartProps, lines: readonly Line[]): string {
  if (lines.length !== 1) {
    return trans._n('%2: %1 curve', '%2: %1 curves', lines.length, title);
  }
  const { from, to } = rangeOf(lines[0].points.map(([, value]) => value));
  const last = lines[0].points[lines[0].points.length - 1];
  const words = [last[1], from, to].map(value => figure(value, trans));
  return trans.__('%1: now %2, lowest %3, highest %4', title, ...words);
}
