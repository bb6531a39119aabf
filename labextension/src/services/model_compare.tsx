/** Two versions of a model side by side: metrics, parameters, files. */
import * as React from 'react';

import { useAnswer, Waiting } from '../asking';
import type { Difference, ModelComparison } from '../generated';
import { bytes } from '../words';
import type { ServingContext } from './context';
import { changeWord, valueWord } from './model_words';

interface ComparisonProps {
  /** Where the operations on the model are. */
  place: string;
  one: number;
  other: number;
  context: ServingContext;
}

/** See the head of this file. */
export function Comparison({ place, one, other, context }: ComparisonProps): JSX.Element {
  const { api, trans } = context;
  const path = `${place}/compare`;
  const query = { one: String(one), other: String(other) };
  const asked = useAnswer(
    signal => api.get<ModelComparison>(path, query, signal),
    `${path} ${one} ${other}`,
    context.fresh
  );
  const found = asked.value;
  const files = { added: trans.__('added'), removed: trans.__('removed'), changed: trans.__('changed') };
  const table = React.useRef<HTMLDivElement>(null);
  React.useEffect(() => {
    if (found) {
      table.current?.scrollIntoView({ block: 'nearest' }); // who checked a version far down sees that something came
    }
  }, [found?.one.version, found?.other.version]);
  return (
    <div ref={table} className="ft-Serving-compared">
      <Waiting asked={asked} trans={trans} />
      {found && (
        <>
          <table aria-label={trans.__('Versions %1 and %2', one, other)}>
            <thead>
              <tr>
                <td />
                <th scope="col">{trans.__('Version %1', one)}</th>
                <th scope="col">{trans.__('Version %1', other)}</th>
                <th scope="col">{trans.__('Change')}</th>
              </tr>
            </thead>
            <Rows title={trans.__('Metrics')} rows={found.metrics} />
            <Rows title={trans.__('Parameters')} rows={found.params} />
          </table>
          <ul className="ft-Serving-files">
            {found.files.map(({ path: file, change, size }) => (
              <li key={file}>
                {files[change as keyof typeof files] ?? change} <code>{file}</code> ({bytes(size)})
              </li>
            ))}
          </ul>
          <p className="ft-Profiles-place">
            {found.same_code ? trans.__('Both are of the same code.') : trans.__('Their code differs.')}
          </p>
        </>
      )}
    </div>
  );
}

function Rows({ title, rows }: { title: string; rows: readonly Difference[] }): JSX.Element | null {
  return rows.length > 0 ? (
    <tbody>
      <tr>
        <th scope="rowgroup" colSpan={4}>
          {title}
        </th>
      </tr>
      {rows.map(row => (
        <tr key={row.name}>
          <th scope="row">{row.name}</th>
          <td>{valueWord(row.one)}</td>
          <td>{valueWord(row.other)}</td>
          <td>{changeWord(row)}</td>
        </tr>
      ))}
    </tbody>
  ) : null;
}
