/** Two of the names that differ, one over the other: a point for each item. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { marks, partOf, valueAt } from './chart';
import { figure } from './numbers';
import type { Item } from './parallel';
import type { Axis } from './parallel_model';

const WIDTH = 380;
const HEIGHT = 200;
const LEFT = 52;
const TOP = 8;
const FOOT = 20;

interface ScatterProps {
  axes: readonly Axis[];
  items: readonly Item[];
  /** Ids of the axes that are shown at first. */
  first: { across: string; up: string };
  trans: TranslationBundle;
}

/** See the head of this file. */
export function Scatter({ axes, items, first, trans }: ScatterProps): JSX.Element {
  const [across, setAcross] = React.useState(first.across);
  const [up, setUp] = React.useState(first.up);
  const [pointed, setPointed] = React.useState<number | null>(null);
  const x = axes.find(({ id }) => id === across) ?? axes[0];
  const y = axes.find(({ id }) => id === up) ?? axes[axes.length - 1];
  return (
    <figure className="ft-Scatter">
      <figcaption>
        <Choice label={trans.__('Up')} axes={axes} chosen={y} onChange={setUp} />
        <Choice label={trans.__('Across')} axes={axes} chosen={x} onChange={setAcross} />
      </figcaption>
      <svg
        width={LEFT + WIDTH + 12}
        height={TOP + HEIGHT + FOOT}
        role="img"
        aria-label={trans.__('%1 over %2, a point for each job', y.label, x.label)}
        onPointerLeave={() => setPointed(null)}
      >
        <g transform={`translate(${LEFT} ${TOP})`}>
          <Grid x={x} y={y} trans={trans} />
          {items.map((item, at) => {
            const [left, top] = [x.places[at], y.places[at]];
            return left === null || top === null ? null : (
              <g
                key={at}
                className="ft-Scatter-point"
                data-on={item.isOn}
                transform={`translate(${WIDTH * left} ${HEIGHT * (1 - top)})`}
                onPointerEnter={() => setPointed(at)}
              >
                <circle style={{ fill: item.look.colour }} r={pointed === at ? 6 : 4.5} />
                <text x={7} dy="0.32em" textAnchor={left > 0.85 ? 'end' : 'start'} dx={left > 0.85 ? -14 : 0}>
                  {items.length <= 12 ? item.label.split(' ')[0] : ''}
                </text>
              </g>
            );
          })}
        </g>
      </svg>
      <p className="ft-Confusion-told" aria-hidden="true">
        {pointed === null ? '\u00a0' : told(items[pointed], pointed, x, y, trans)}
      </p>
    </figure>
  );
}

function Choice(props: {
  label: string;
  axes: readonly Axis[];
  chosen: Axis;
  onChange(id: string): void;
}): JSX.Element {
  return (
    <label className="ft-Toggle">
      {props.label}
      <select
        className="jp-ft-select"
        value={props.chosen.id}
        onChange={event => props.onChange(event.target.value)}
      >
        {props.axes.map(({ id, label }) => (
          <option key={id} value={id}>
            {label}
          </option>
        ))}
      </select>
    </label>
  );
}

function Grid({ x, y, trans }: { x: Axis; y: Axis; trans: TranslationBundle }): JSX.Element {
  return (
    <g className="ft-Curve-grid" aria-hidden="true">
      {y.range &&
        marks(y.range, 4).map(value => {
          const top = y.range ? HEIGHT * (1 - partOf(y.range, value)) : 0;
          return (
            <React.Fragment key={value}>
              <line x1={0} x2={WIDTH} y1={top} y2={top} />
              <text x={-6} y={top} dy="0.32em" textAnchor="end">
                {figure(value, trans)}
              </text>
            </React.Fragment>
          );
        })}
      {x.range &&
        marks(x.range, 5).map(value => (
          <text
            key={value}
            x={x.range ? WIDTH * partOf(x.range, value) : 0}
            y={HEIGHT + 15}
            textAnchor="middle"
          >
            {figure(value, trans)}
          </text>
        ))}
    </g>
  );
}

function told({ label }: Item, at: number, x: Axis, y: Axis, trans: TranslationBundle): string {
  const words = [y, x].map(axis => {
    const place = axis.places[at];
    return `${axis.label} ${axis.range && place !== null ? figure(valueAt(axis.range, place), trans) : '–'}`;
  });
  return `${label}: ${words.join(' · ')}`;
}
