/** Metrics of one or several task instances: a chart for each kind, then all of them in a table. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { LineChart, Swatch, type Line } from './line_chart';
import { lookOf } from './looks';
import { chartsOf, haveTimes, pointsIn, unplaced, type Chart, type Over, type Source } from './metrics_model';
import { figure, numberFrom } from './numbers';

const MANY = 8;
const MOST_CHARTS = 60;

/** What is shown, and how it is called. */
export interface MetricsProps {
  sources: readonly Source[];
  trans: TranslationBundle;
  /** Whether table and legend are left out, as where others tell the same. */
  isBare?: boolean;
}

/** See the head of this file. */
export function Metrics({ sources, trans, isBare }: MetricsProps): JSX.Element {
  const [isLog, setLog] = React.useState(false);
  const [over, setOver] = React.useState<Over>('step');
  const [hidden, setHidden] = React.useState<ReadonlySet<string>>(new Set());
  const [query, setQuery] = React.useState('');
  const all = React.useMemo(() => chartsOf(sources), [sources]);
  const wanted = query.trim().toLowerCase();
  const charts = all.filter(({ name }) => name.toLowerCase().includes(wanted));
  return (
    <div className="ft-Metrics">
      {all.length > 0 && (
        <div className="ft-Metrics-bar" role="group" aria-label={trans.__('Charts')}>
          {all.length > MANY && (
            <input
              type="search"
              className="jp-mod-styled"
              value={query}
              placeholder={trans.__('Find a metric')}
              aria-label={trans.__('Find a metric')}
              onChange={event => setQuery(event.target.value)}
            />
          )}
          <Toggle label={trans.__('Log scale')} isOn={isLog} onChange={setLog} />
          {haveTimes(sources) && (
            <Toggle
              label={trans.__('Over time')}
              isOn={over === 'time'}
              onChange={isTime => setOver(isTime ? 'time' : 'step')}
            />
          )}
          {sources.length > 1 && !isBare && <Legend {...{ sources, hidden, setHidden, trans }} />}
        </div>
      )}
      <div className="ft-Curves">
        {charts.slice(0, MOST_CHARTS).map(chart => (
          <OneChart key={chart.name} {...{ chart, over, isLog, hidden, trans }} />
        ))}
      </div>
      {charts.length > MOST_CHARTS && (
        <p className="ft-TaskPanel-hint">
          {trans.__('%1 more charts: search for what you want to see.', charts.length - MOST_CHARTS)}
        </p>
      )}
      {!isBare && <MetricsTable sources={sources.filter(({ id }) => !hidden.has(id))} trans={trans} />}
    </div>
  );
}

/** A choice that is on or off. */
export function Toggle(props: { label: string; isOn: boolean; onChange(isOn: boolean): void }): JSX.Element {
  return (
    <label className="ft-Toggle">
      <input type="checkbox" checked={props.isOn} onChange={event => props.onChange(event.target.checked)} />
      {props.label}
    </label>
  );
}

/** Which curves are whose; a press takes one out, or brings it back. */
function Legend(props: {
  sources: readonly Source[];
  hidden: ReadonlySet<string>;
  setHidden(hidden: ReadonlySet<string>): void;
  trans: TranslationBundle;
}): JSX.Element {
  const turn = (id: string): void => {
    const hidden = new Set(props.hidden);
    if (!hidden.delete(id)) {
      hidden.add(id);
    }
    props.setHidden(hidden);
  };
  return (
    <div className="ft-Legend" role="group" aria-label={props.trans.__('Curves')}>
      {props.sources.map(({ id, label, place }, index) => (
        <button
          key={id}
          type="button"
          className="ft-Legend-one"
          aria-pressed={!props.hidden.has(id)}
          title={label}
          onClick={() => turn(id)}
        >
          <Swatch look={lookOf(place ?? index)} />
          <span>{label}</span>
        </button>
      ))}
    </div>
  );
}

function OneChart(props: {
  chart: Chart;
  over: Over;
  isLog: boolean;
  hidden: ReadonlySet<string>;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { chart, over, isLog, hidden, trans } = props;
  const lines = React.useMemo(
    () =>
      chart.tracks
        .filter(({ source }) => !hidden.has(source))
        .map(({ id, label, look, series }): Line => ({ id, label, look, points: pointsIn(series, over) })),
    [chart, over, hidden]
  );
  const counts = lines.map(({ points }) => unplaced(points, isLog));
  const odd = counts.reduce((sum, each) => sum + each.odd, 0);
  const low = counts.reduce((sum, each) => sum + each.low, 0);
  if (lines.length === 0) {
    return null;
  }
  return (
    <div className="ft-Chart">
      <LineChart
        title={chart.name}
        lines={lines}
        x={over === 'time' ? trans.__('seconds') : trans.__('step')}
        isLog={isLog}
        trans={trans}
      />
      {chart.members.length > 0 && (
        <p className="ft-Chart-names">
          {chart.members.map(({ name, look }) => (
            <span key={name}>
              <Swatch look={look} /> {name}
            </span>
          ))}
        </p>
      )}
      {odd > 0 && (
        <p className="ft-TaskPanel-hint">
          {trans._n('%1 value is no number.', '%1 values are no numbers.', odd)}
        </p>
      )}
      {low > 0 && (
        <p className="ft-TaskPanel-hint">
          {trans._n(
            '%1 value is not above zero, and has no place on a log scale.',
            '%1 values are not above zero, and have no place on a log scale.',
            low
          )}
        </p>
      )}
    </div>
  );
}

/** Last, lowest and highest value of every metric. */
export function MetricsTable({ sources, trans }: MetricsProps): JSX.Element {
  const rows = sources.flatMap(({ id, label, view }) =>
    Object.entries(view.series).map(([name, series]) => ({ id, label, name, series }))
  );
  rows.sort((one, other) => one.name.localeCompare(other.name, undefined, { numeric: true }));
  const isOne = sources.length < 2;
  const least = (value: number | null): string => (value === null ? '–' : figure(value, trans));
  return (
    <div className="ft-Outputs-table" tabIndex={0} role="group" aria-label={trans.__('Metrics')}>
      <table>
        <thead>
          <tr>
            <th scope="col">{trans.__('Metric')}</th>
            {!isOne && <th scope="col">{trans.__('Of')}</th>}
            <th scope="col">{trans.__('Last')}</th>
            <th scope="col">{trans.__('Lowest')}</th>
            <th scope="col">{trans.__('Highest')}</th>
            <th scope="col">{trans.__('Step')}</th>
            <th scope="col">{trans.__('Points')}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, label, name, series }) => (
            <tr key={`${id} ${name}`}>
              <th scope="row">{name}</th>
              {!isOne && <td>{label}</td>}
              <td className="ft-mod-number">{figure(numberFrom(series.last), trans)}</td>
              <td className="ft-mod-number">{least(series.min)}</td>
              <td className="ft-mod-number">{least(series.max)}</td>
              <td className="ft-mod-number">{figure(series.steps[series.steps.length - 1] ?? 0, trans)}</td>
              <td className="ft-mod-number">{series.count}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
