/**
 * Parallel coordinates: an axis for each name, a line for each item. Dragging along an axis brushes it; for the
 * keyboard the two ends of each axis' choice are sliders.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { marks, partOf, valueAt } from './chart';
import type { Look } from './looks';
import { figure } from './numbers';
import { brushOf, WHOLE, type Axis, type Brush } from './parallel_model';
import { useWidth } from './width';

/** One of those that are compared. */
export interface Item {
  label: string;
  look: Look;
  /** Whether it is among the chosen ones; the others are pale. */
  isOn: boolean;
}

interface ParallelProps {
  axes: readonly Axis[];
  items: readonly Item[];
  brushes: ReadonlyMap<string, Brush>;
  onBrush(axis: Axis, brush: Brush | null): void;
  trans: TranslationBundle;
}

const HEIGHT = 190;
const TOP = 34;
const FOOT = 12;
const SIDE = 64;
const STEP = 0.05;

/** See the head of this file. */
export function Parallel(props: ParallelProps): JSX.Element {
  const { axes, items, trans } = props;
  const [box, outer] = useWidth();
  const [pointed, setPointed] = React.useState<number | null>(null);
  const width = Math.max(200, outer - 2 * SIDE);
  const leftOf = (at: number): number => (axes.length > 1 ? (width * at) / (axes.length - 1) : 0);
  return (
    <figure ref={box} className="ft-Parallel">
      <svg
        width={outer}
        height={TOP + HEIGHT + FOOT}
        role="group"
        aria-label={trans.__('Parallel coordinates of %1 jobs', items.length)}
        onPointerLeave={() => setPointed(null)}
      >
        <g transform={`translate(${SIDE} ${TOP})`}>
          {items.map(({ label, look, isOn }, item) => (
            <path
              key={item}
              className="ft-Parallel-line"
              data-on={isOn}
              data-pointed={pointed === item}
              style={{ stroke: look.colour, strokeDasharray: look.dash || undefined }}
              d={pathOf(axes, item, leftOf)}
              onPointerEnter={() => setPointed(item)}
            >
              <title>{label}</title>
            </path>
          ))}
          {axes.map((axis, at) => (
            <OneAxis key={axis.id} axis={axis} left={leftOf(at)} room={width / axes.length} {...props} />
          ))}
        </g>
      </svg>
      <p className="ft-Confusion-told" aria-hidden="true">
        {pointed === null ? '\u00a0' : told(axes, items[pointed], pointed, trans)}
      </p>
    </figure>
  );
}

function OneAxis(props: ParallelProps & { axis: Axis; left: number; room: number }): JSX.Element {
  const { axis, left, brushes, trans, onBrush } = props;
  const drag = useDrag(part => onBrush(axis, part));
  const brush = brushes.get(axis.id) ?? WHOLE;
  const [from, to] = brush.map(part => HEIGHT * (1 - part));
  const chars = Math.max(6, Math.floor(Math.max(70, props.room) / 6.5));
  const label = axis.label.length > chars ? `…${axis.label.slice(1 - chars)}` : axis.label;
  return (
    <g transform={`translate(${left} 0)`} className="ft-Parallel-axis">
      <text className="ft-Parallel-name" y={-20} textAnchor="middle">
        {label}
        <title>{axis.label}</title>
      </text>
      <line y1={0} y2={HEIGHT} />
      {ticksOf(axis, trans).map(([part, words]) => (
        <g key={part} transform={`translate(0 ${HEIGHT * (1 - part)})`} aria-hidden="true">
          <line x1={-4} x2={0} />
          <text x={-9} dy="0.32em" textAnchor="end">
            {words}
          </text>
        </g>
      ))}
      {brushes.has(axis.id) && (
        <rect className="ft-Parallel-brush" x={-8} width={16} y={to} height={from - to} />
      )}
      <rect className="ft-Parallel-grip" x={-12} width={24} y={-6} height={HEIGHT + 12} {...drag} />
      {([0, 1] as const).map(end => (
        <Handle key={end} end={end} axis={axis} brush={brush} trans={trans} onBrush={onBrush} />
      ))}
    </g>
  );
}

/** One end of an axis' choice, for the keyboard. */
function Handle(props: {
  end: 0 | 1;
  axis: Axis;
  brush: Brush;
  trans: TranslationBundle;
  onBrush(axis: Axis, brush: Brush | null): void;
}): JSX.Element {
  const { end, axis, brush, trans, onBrush } = props;
  const move = (to: number): void =>
    onBrush(
      axis,
      end === 0
        ? brushOf(Math.min(to, brush[1] - STEP), brush[1])
        : brushOf(brush[0], Math.max(to, brush[0] + STEP))
    );
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowUp: STEP,
      ArrowRight: STEP,
      ArrowDown: -STEP,
      ArrowLeft: -STEP,
      PageUp: 4 * STEP,
      PageDown: -4 * STEP,
      Home: -Infinity,
      End: Infinity
    };
    if (event.key in steps) {
      move(Math.min(1, Math.max(0, brush[end] + steps[event.key])));
    } else if (event.key === 'Escape') {
      onBrush(axis, null);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <rect
      className="ft-Parallel-handle"
      role="slider"
      tabIndex={0}
      aria-label={
        end === 0
          ? trans.__('%1: lowest that is chosen', axis.label)
          : trans.__('%1: highest that is chosen', axis.label)
      }
      aria-orientation="vertical"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(100 * brush[end])}
      aria-valuetext={placeWords(axis, brush[end], trans)}
      x={-6}
      width={12}
      height={5}
      y={HEIGHT * (1 - brush[end]) - (end === 0 ? 0 : 5)}
      onKeyDown={onKeyDown}
    />
  );
}

/** Pressed, moved, let go: a part of the axis; a mere click: none. */
function useDrag(onBrush: (brush: Brush | null) => void): React.SVGAttributes<SVGRectElement> {
  const begun = React.useRef<number | null>(null);
  const placeIn = (event: React.PointerEvent<SVGRectElement>): number => {
    const { top } = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, 1 - (event.clientY - top - 6) / HEIGHT));
  };
  return {
    onPointerDown: event => {
      begun.current = placeIn(event);
      event.currentTarget.setPointerCapture(event.pointerId);
    },
    onPointerMove: event => {
      if (begun.current !== null) {
        onBrush(brushOf(begun.current, placeIn(event)));
      }
    },
    onPointerUp: event => {
      if (begun.current !== null) {
        onBrush(brushOf(begun.current, placeIn(event)));
      }
      begun.current = null;
    }
  };
}

function pathOf(axes: readonly Axis[], item: number, leftOf: (at: number) => number): string {
  let isOpen = false;
  return axes
    .map(({ places }, at) => {
      const place = places[item];
      if (place === null) {
        isOpen = false;
        return '';
      }
      const to = `${isOpen ? 'L' : 'M'}${leftOf(at).toFixed(1)} ${(HEIGHT * (1 - place)).toFixed(1)}`;
      isOpen = true;
      return to;
    })
    .join('');
}

function ticksOf({ range, words }: Axis, trans: TranslationBundle): [number, string][] {
  return range
    ? marks(range, 4).map((value): [number, string] => [partOf(range, value), figure(value, trans)])
    : words.map((word, at): [number, string] => [
        at / (words.length - 1),
        word.length > 9 ? `${word.slice(0, 8)}…` : word
      ]);
}

function placeWords({ range, words }: Axis, part: number, trans: TranslationBundle): string {
  return range ? figure(valueAt(range, part), trans) : words[Math.round(part * (words.length - 1))];
}

function told(axes: readonly Axis[], { label }: Item, item: number, trans: TranslationBundle): string {
  const values = axes.flatMap(axis => {
    const place = axis.places[item];
    return place === null ? [] : [`${axis.label} ${placeWords(axis, place, trans)}`];
  });
  return `${label}: ${values.join(' · ')}`;
}
