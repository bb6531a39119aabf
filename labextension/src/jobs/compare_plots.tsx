/** Many jobs in one picture: parallel coordinates over what differs, with brushes; two of it as a scatter plot. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { JobComparison } from '../generated';
import { lookOf } from '../viewers/looks';
import { Parallel } from '../viewers/parallel';
import { axesOf, within, type Axis, type Brush, type Facet } from '../viewers/parallel_model';
import { Scatter } from '../viewers/scatter';
import type { Section } from './compare_model';

/** Axes that have room. */
const MOST_AXES = 10;

interface PlotsProps {
  found: JobComparison;
  sections: readonly Section[];
  names: readonly string[];
  isShown: readonly boolean[];
  trans: TranslationBundle;
  /** Which jobs are within the brushes; null: there are none. */
  onBrush(within: readonly boolean[] | null): void;
}

/** See the head of this file. */
export function ComparePlots(props: PlotsProps): JSX.Element | null {
  const { sections, names, isShown, trans, found } = props;
  const axes = React.useMemo(() => axesOf(facetsOf(sections)), [sections]);
  const shown = axes.slice(0, MOST_AXES);
  const [brushes, setBrushes] = React.useState<ReadonlyMap<string, Brush>>(new Map());
  const looks = names.map((_, at) => lookOf(at));
  const items = names.map((label, at) => ({ label, look: looks[at], isOn: isShown[at] }));
  const brush = (axis: Axis, part: Brush | null): void => {
    const next = new Map(brushes);
    if (part) {
      next.set(axis.id, part);
    } else {
      next.delete(axis.id);
    }
    setBrushes(next);
  };
  React.useEffect(() => {
    props.onBrush(brushes.size > 0 ? within(axes, brushes, found.jobs.length) : null);
  }, [axes, brushes]);
  if (axes.length < 2) {
    return null;
  }
  const numeric = axes.filter(({ range }) => range !== null);
  return (
    <section className="ft-Compare-part" aria-label={trans.__('All at once')}>
      <h3>{trans.__('All at once')}</h3>
      <p className="ft-TaskPanel-hint">
        {trans.__('Drag along an axis to choose jobs; a click on it takes the choice back.')}
        {axes.length > shown.length &&
          ` ${trans.__('%1 more names differ, and have no axis.', axes.length - shown.length)}`}
      </p>
      <Parallel axes={shown} items={items} brushes={brushes} onBrush={brush} trans={trans} />
      {numeric.length > 1 && (
        <Scatter axes={numeric} items={items} first={firstOf(numeric, sections)} trans={trans} />
      )}
    </section>
  );
}

/** Parameters first, then metrics; names that stand for both are told apart by the task. */
function facetsOf(sections: readonly Section[]): Facet[] {
  const rows = sections
    .filter(({ id }) => id === 'parameters' || id === 'metrics')
    .flatMap(section => section.rows)
    .filter(row => row.differs);
  const isTwice = (name: string): boolean => rows.filter(row => row.name === name).length > 1;
  return rows.map(({ id, name, task, values }) => ({
    id,
    label: task && isTwice(name) ? `${task} ${name}` : name,
    values
  }));
}

/** A metric of which it is known what is better, over a parameter. */
function firstOf(axes: readonly Axis[], sections: readonly Section[]): { across: string; up: string } {
  const goals = new Set(sections.flatMap(({ rows }) => rows.filter(row => row.goal).map(({ id }) => id)));
  const metrics = axes.filter(({ id }) => !id.startsWith('parameter '));
  const up = metrics.find(({ id }) => goals.has(id)) ?? metrics[0] ?? axes[axes.length - 1];
  return { across: (axes.find(({ id }) => id !== up.id) ?? axes[0]).id, up: up.id };
}
