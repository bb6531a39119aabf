/**
 * One curve over time or steps, drawn as it grows: an SVG in the theme's own colours, so that nothing flickers or jumps
 * when there are new points (a Vega chart is built anew each time), with the value under the pointer.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { clock, shortNumber } from '../time';
import { marks, nearest, pathOf, rangeOf, rounded, type Point, type Range } from './chart';

/** What a curve shows. */
export interface CurveProps {
  title: string;
  points: readonly Point[];
  /** What x is called; null: it is a time (milliseconds). */
  x: string | null;
  /** A line at this height, and its name; the curve's own range begins at zero then. */
  limit?: { value: number; label: string } | null;
  trans: TranslationBundle;
}

const HEIGHT = 96;
const LEFT = 48;
const RIGHT = 8;
const TOP = 6;
const FOOT = 18;

/** See the head of this file. */
export function Curve(props: CurveProps): JSX.Element {
  const { points, title, limit, trans } = props;
  const [box, width] = useWidth();
  const [at, setAt] = React.useState<number | null>(null);
  const x = rangeOf(points.map(([each]) => each));
  const values = points.map(([, value]) => value);
  const y = rounded(rangeOf(limit ? [...values, 0, limit.value] : values), 3);
  const inner = Math.max(40, width - LEFT - RIGHT);
  const shown = points[at === null ? points.length - 1 : nearest(points, at)];
  const follow = (event: React.PointerEvent<SVGSVGElement>): void => {
    const left = event.clientX - event.currentTarget.getBoundingClientRect().left - LEFT;
    setAt(x.from + (Math.min(inner, Math.max(0, left)) / inner) * (x.to - x.from));
  };
  return (
    <figure ref={box} className="ft-Curve">
      <figcaption>
        <span>{title}</span>
        <output>{shown ? spoken(shown, props, at !== null) : ''}</output>
      </figcaption>
      <svg
        role="img"
        aria-label={summary(props, trans)}
        width={width}
        height={HEIGHT + TOP + FOOT}
        onPointerMove={follow}
        onPointerLeave={() => setAt(null)}
      >
        <g transform={`translate(${LEFT} ${TOP})`}>
          <Grid x={x} y={y} width={inner} isTime={props.x === null} trans={trans} />
          {limit && <Limit {...limit} y={y} width={inner} />}
          <path className="ft-Curve-line" d={pathOf(points, x, y, inner, HEIGHT)} />
          {shown && <Mark point={shown} x={x} y={y} width={inner} isLine={at !== null} />}
        </g>
      </svg>
    </figure>
  );
}

function Grid(props: {
  x: Range;
  y: Range;
  width: number;
  isTime: boolean;
  trans: TranslationBundle;
}): JSX.Element {
  const { x, y, width, isTime, trans } = props;
  const written = (value: number): string => shortNumber(value, trans);
  const left = (value: number): number => (width * (value - x.from)) / (x.to - x.from);
  const top = (value: number): number => HEIGHT * (1 - (value - y.from) / (y.to - y.from));
  const times = isTime ? [x.from, x.to] : marks(x, Math.max(3, width / 70));
  return (
    <g className="ft-Curve-grid" aria-hidden="true">
      {marks(y, 4).map(value => (
        <React.Fragment key={value}>
          <line x1={0} x2={width} y1={top(value)} y2={top(value)} />
          <text x={-6} y={top(value)} dy="0.32em" textAnchor="end">
            {written(value)}
          </text>
        </React.Fragment>
      ))}
      {times.map((value, index) => (
        <text
          key={value}
          x={left(value)}
          y={HEIGHT + 14}
          textAnchor={isTime ? (index === 0 ? 'start' : 'end') : left(value) > width - 12 ? 'end' : 'middle'}
        >
          {isTime ? clock(value, trans) : written(value)}
        </text>
      ))}
    </g>
  );
}

function Limit(props: { value: number; label: string; y: Range; width: number }): JSX.Element {
  const top = HEIGHT * (1 - (props.value - props.y.from) / (props.y.to - props.y.from));
  return (
    <g className="ft-Curve-limit">
      <line x1={0} x2={props.width} y1={top} y2={top} />
      <text x={props.width} y={top + 12} textAnchor="end">
        {props.label}
      </text>
    </g>
  );
}

function Mark(props: { point: Point; x: Range; y: Range; width: number; isLine: boolean }): JSX.Element {
  const { point, x, y, width } = props;
  const left = (width * (point[0] - x.from)) / (x.to - x.from);
  const top = HEIGHT * (1 - (point[1] - y.from) / (y.to - y.from));
  return (
    <g className="ft-Curve-mark" aria-hidden="true">
      {props.isLine && <line x1={left} x2={left} y1={0} y2={HEIGHT} />}
      <circle cx={left} cy={top} r={3} />
    </g>
  );
}

/** How wide the element is, now and after each change. */
function useWidth(): [React.RefObject<HTMLElement>, number] {
  const box = React.useRef<HTMLElement>(null);
  const [width, setWidth] = React.useState(320);
  React.useLayoutEffect(() => {
    const element = box.current;
    const look = (): void => setWidth(now => element?.clientWidth || now);
    const observer = new ResizeObserver(look);
    if (element) {
      look();
      observer.observe(element);
    }
    return () => observer.disconnect();
  }, []);
  return [box, width];
}

function spoken([at, value]: Point, props: CurveProps, isPointed: boolean): string {
  const { trans } = props;
  const where = props.x === null ? clock(at, trans) : `${props.x} ${shortNumber(at, trans)}`;
  return isPointed ? `${where}: ${shortNumber(value, trans)}` : shortNumber(value, trans);
}

/** The curve in words, for those who do not see it. */
function summary({ title, points }: CurveProps, trans: TranslationBundle): string {
  const { from, to } = rangeOf(points.map(([, value]) => value));
  const written = (value: number): string => shortNumber(value, trans);
  const last = points.at(-1);
  return last
    ? trans.__('%1: now %2, lowest %3, highest %4', title, written(last[1]), written(from), written(to))
    : title;
}
