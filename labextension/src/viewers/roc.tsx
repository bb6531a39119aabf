/** ROC curves in one square: the pointer finds the nearest point, the arrows walk along a curve. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { nearestOn, type NamedCurve, type Place } from './figures_model';
import { Swatch } from './line_chart';
import { figure } from './numbers';

const SIZE = 208;
const LEFT = 42;
const TOP = 8;
const FOOT = 30;
const RIGHT = 10;
const MARKS = [0, 0.25, 0.5, 0.75, 1];

interface RocProps {
  title: string;
  curves: readonly NamedCurve[];
  trans: TranslationBundle;
}

/** See the head of this file. */
export function Roc({ title, curves, trans }: RocProps): JSX.Element {
  const [place, setPlace] = React.useState<Place | null>(null);
  const shown = place && curves[place.curve] ? place : null;
  const onPointerMove = (event: React.PointerEvent<SVGSVGElement>): void => {
    const { left, top } = event.currentTarget.getBoundingClientRect();
    const x = (event.clientX - left - LEFT) / SIZE;
    const y = 1 - (event.clientY - top - TOP) / SIZE;
    setPlace(
      nearestOn(
        curves.map(({ curve }) => curve),
        x,
        y
      )
    );
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const next = stepFrom(shown, event.key, curves);
    if (next) {
      setPlace(next);
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const last = shown ?? { curve: 0, at: 0 };
  const count = curves[last.curve]?.curve.thresholds.length ?? 1;
  return (
    <figure className="ft-Roc">
      <figcaption>
        <span title={title}>{title}</span>
      </figcaption>
      <svg
        role="slider"
        tabIndex={0}
        aria-label={trans.__('ROC curve of %1', title)}
        aria-valuemin={0}
        aria-valuemax={Math.max(1, count - 1)}
        aria-valuenow={last.at}
        aria-valuetext={shown ? wordsOf(curves, shown, trans) : areas(curves, trans)}
        width={LEFT + SIZE + RIGHT}
        height={TOP + SIZE + FOOT}
        onPointerMove={onPointerMove}
        onPointerLeave={() => setPlace(null)}
        onBlur={() => setPlace(null)}
        onKeyDown={onKeyDown}
      >
        <g transform={`translate(${LEFT} ${TOP})`}>
          <Axes trans={trans} />
          {curves.map(({ id, look, curve }) => (
            <path
              key={id}
              className="ft-Curve-line"
              style={{ stroke: look.colour, strokeDasharray: look.dash || undefined }}
              d={pathOf(curve.false_positive_rates, curve.true_positive_rates)}
            />
          ))}
          {shown && <Mark curves={curves} place={shown} />}
        </g>
      </svg>
      <ul className="ft-Roc-names">
        {curves.map(({ id, label, look, curve }) => (
          <li key={id}>
            <Swatch look={look} /> <span>{label}</span> <b>{trans.__('AUC %1', curve.area.toFixed(3))}</b>
          </li>
        ))}
      </ul>
      <p className="ft-Confusion-told" aria-hidden="true">
        {shown ? wordsOf(curves, shown, trans) : '\u00a0'}
      </p>
    </figure>
  );
}

function Axes({ trans }: { trans: TranslationBundle }): JSX.Element {
  return (
    <g className="ft-Curve-grid" aria-hidden="true">
      {MARKS.map(mark => (
        <React.Fragment key={mark}>
          <line x1={0} x2={SIZE} y1={SIZE * mark} y2={SIZE * mark} />
          <line x1={SIZE * mark} x2={SIZE * mark} y1={0} y2={SIZE} />
          {mark * 2 === Math.round(mark * 2) && (
            <>
              <text x={-6} y={SIZE * (1 - mark)} dy="0.32em" textAnchor="end">
                {mark}
              </text>
              <text x={SIZE * mark} y={SIZE + 13} textAnchor="middle">
                {mark}
              </text>
            </>
          )}
        </React.Fragment>
      ))}
      <line className="ft-Roc-chance" x1={0} y1={SIZE} x2={SIZE} y2={0} />
      <text x={SIZE / 2} y={SIZE + 26} textAnchor="middle">
        {trans.__('False positive rate')}
      </text>
      <text transform={`translate(-31 ${SIZE / 2}) rotate(-90)`} textAnchor="middle">
        {trans.__('True positive rate')}
      </text>
    </g>
  );
}

function Mark({ curves, place }: { curves: readonly NamedCurve[]; place: Place }): JSX.Element {
  const { curve, look } = curves[place.curve];
  const x = SIZE * curve.false_positive_rates[place.at];
  const y = SIZE * (1 - curve.true_positive_rates[place.at]);
  return (
    <g className="ft-Curve-mark" aria-hidden="true">
      <line x1={x} x2={x} y1={y} y2={SIZE} />
      <line x1={0} x2={x} y1={y} y2={y} />
      <circle style={{ fill: look.colour }} cx={x} cy={y} r={3.5} />
    </g>
  );
}

function pathOf(across: readonly number[], up: readonly number[]): string {
  return across
    .map((x, at) => `${at === 0 ? 'M' : 'L'}${(SIZE * x).toFixed(1)} ${(SIZE * (1 - up[at])).toFixed(1)}`)
    .join('');
}

/** Left and right walk along a curve, up and down go to another one. */
function stepFrom(place: Place | null, key: string, curves: readonly NamedCurve[]): Place | null {
  const { curve, at } = place ?? { curve: 0, at: -1 };
  const end = curves[curve].curve.thresholds.length - 1;
  const within = (index: number): Place => ({ curve, at: Math.min(end, Math.max(0, index)) });
  const other = (by: number): Place => {
    const next = (curve + by + curves.length) % curves.length;
    return { curve: next, at: Math.min(Math.max(0, at), curves[next].curve.thresholds.length - 1) };
  };
  switch (key) {
    case 'ArrowRight':
      return within(at + 1);
    case 'ArrowLeft':
      return within(at - 1);
    case 'Home':
      return within(0);
    case 'End':
      return within(end);
    case 'ArrowDown':
      return other(1);
    case 'ArrowUp':
      return other(-1);
    default:
      return null;
  }
}

function areas(curves: readonly NamedCurve[], trans: TranslationBundle): string {
  return curves
    .map(({ label, curve }) => `${label}: ${trans.__('AUC %1', curve.area.toFixed(3))}`)
    .join(', ');
}

function wordsOf(curves: readonly NamedCurve[], { curve, at }: Place, trans: TranslationBundle): string {
  const { label, curve: found } = curves[curve];
  const [x, y] = [found.false_positive_rates[at], found.true_positive_rates[at]];
  const threshold = found.thresholds[at];
  const words = trans.__('false positives %1, true positives %2', figure(x, trans), figure(y, trans));
  const about = curves.length > 1 ? `${label}: ${words}` : words;
  return threshold === null ? about : trans.__('%1 at threshold %2', about, figure(threshold, trans));
}
