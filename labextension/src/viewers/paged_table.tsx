/** A table of any size, a page at a time. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { sentence, troubleOf } from '../words';
import type { Page, TablePages } from './pages';

interface TableProps {
  /** Made anew for another file; grown where the file grew. */
  pages: TablePages;
  /** Changes when the file did: the page that is shown is read again. */
  version: string;
  label: string;
  trans: TranslationBundle;
}

/** Which page: its number, or the last one. */
type Wanted = number | 'last';

/** See the head of this file. */
export function PagedTable({ pages, version, label, trans }: TableProps): JSX.Element {
  const [wanted, setWanted] = React.useState<Wanted>(0);
  const { page, trouble } = usePage(pages, wanted, version);
  const box = React.useRef<HTMLDivElement>(null);
  const go = (to: Wanted): void => {
    setWanted(to);
    box.current?.scrollTo({ top: 0 });
  };
  if (page === null) {
    return <p className="ft-TaskPanel-hint">{trouble ?? trans.__('Loading …')}</p>;
  }
  return (
    <div className="ft-PagedTable">
      {trouble && (
        <p className="ft-TaskPanel-trouble" role="alert">
          {trouble}
        </p>
      )}
      <div ref={box} className="ft-Outputs-table" tabIndex={0} role="group" aria-label={label}>
        <Rows page={page} />
      </div>
      <Pager page={page} trans={trans} onGo={go} />
    </div>
  );
}

function usePage(
  pages: TablePages,
  wanted: Wanted,
  version: string
): { page: Page | null; trouble: string | null } {
  const [state, setState] = React.useState<{ of: TablePages; page: Page | null; trouble: string | null }>({
    of: pages,
    page: null,
    trouble: null
  });
  React.useEffect(() => {
    let isWanted = true;
    (wanted === 'last' ? pages.last() : pages.page(wanted)).then(
      page => isWanted && setState({ of: pages, page, trouble: null }),
      error => isWanted && setState(now => ({ ...now, trouble: sentence(troubleOf(error)) }))
    );
    return () => {
      isWanted = false;
    };
  }, [pages, wanted, version]);
  return state.of === pages ? state : { page: null, trouble: null };
}

const Rows = React.memo(function Rows({ page }: { page: Page }): JSX.Element {
  const { head, rows, first } = page;
  return (
    <table>
      <thead>
        <tr>
          {first !== null && <th aria-hidden="true" />}
          {head.map((name, index) => (
            <th key={index} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={index}>
            {first !== null && (
              <td className="ft-PagedTable-number" aria-hidden="true">
                {first + index + 1}
              </td>
            )}
            {row.map((cell, at) => (
              <td key={at} className={isNumber(cell) ? 'ft-mod-number' : undefined}>
                {cell}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
});

function isNumber(cell: string): boolean {
  return /^-?[\d.]+(e[+-]?\d+)?$/i.test(cell);
}

function Pager(props: { page: Page; trans: TranslationBundle; onGo(to: Wanted): void }): JSX.Element | null {
  const { page, trans } = props;
  const { index, first, isLast } = page;
  if (index === 0 && isLast) {
    return <p className="ft-TaskPanel-hint">{trans._n('%1 row', '%1 rows', page.rows.length)}</p>;
  }
  const place =
    first === null
      ? trans.__('The last %1 rows', page.rows.length)
      : trans.__('Rows %1 to %2', first + 1, first + page.rows.length);
  const far = isLast ? '' : trans.__('%1 of the file', `${Math.max(1, Math.floor(100 * page.part))}%`);
  const steps: [string, boolean, Wanted][] = [
    [trans.__('First page'), index === 0, 0],
    [trans.__('Previous page'), index === null || index === 0, (index ?? 1) - 1],
    [trans.__('Next page'), isLast, (index ?? 0) + 1],
    [trans.__('Last page'), isLast, 'last']
  ];
  const [toFirst, back, on, toLast] = steps.map(([label, isOff, to], at) => (
    <button
      key={label}
      type="button"
      className="ft-Button"
      title={label}
      aria-label={label}
      disabled={isOff}
      onClick={() => props.onGo(to)}
    >
      <span aria-hidden="true">{['⇤', '‹', '›', '⇥'][at]}</span>
    </button>
  ));
  return (
    <div className="ft-Pager" role="group" aria-label={trans.__('Pages')}>
      {toFirst}
      {back}
      <span role="status">{[place, far].filter(Boolean).join(' · ')}</span>
      {on}
      {toLast}
    </div>
  );
}
