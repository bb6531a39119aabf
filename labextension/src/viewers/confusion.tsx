/**
 * A confusion matrix: a grid that the arrows walk along, tinted in the theme's own colour. What is told of a cell under
 * the pointer stands below, so that the matrix itself stays free of words.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ConfusionMatrix } from '../generated';
import { cellsOf, qualityOf, type Cells, type Whole } from './figures_model';
import { figure, share } from './numbers';

/** Labels with which each cell still has room for its number. */
const MOST_WITH_NUMBERS = 20;

interface MatrixProps {
  title: string;
  matrix: ConfusionMatrix;
  whole: Whole;
  trans: TranslationBundle;
}

type At = readonly [number, number];

/** Which whole the cells of matrices are parts of. */
export function WholeChoice(props: {
  whole: Whole;
  trans: TranslationBundle;
  onChange(whole: Whole): void;
}): JSX.Element {
  const { trans } = props;
  const words: Record<Whole, string> = {
    count: trans.__('Counts'),
    row: trans.__('Share of what it is'),
    column: trans.__('Share of what it was taken for')
  };
  return (
    <label className="ft-Toggle">
      {trans.__('Cells')}
      <select
        className="jp-ft-select"
        value={props.whole}
        onChange={event => props.onChange(event.target.value as Whole)}
      >
        {(Object.keys(words) as Whole[]).map(each => (
          <option key={each} value={each}>
            {words[each]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** See the head of this file. */
export function Confusion({ title, matrix, whole, trans }: MatrixProps): JSX.Element {
  const [at, setAt] = React.useState<At | null>(null);
  const cells = React.useMemo(() => cellsOf(matrix, whole), [matrix, whole]);
  const box = React.useRef<HTMLTableElement>(null);
  const [active, setActive] = React.useState<At>([0, 0]);
  const onKeyDown = (event: React.KeyboardEvent): void => {
    const next = stepFrom(active, event.key, cells.labels.length);
    if (next) {
      setActive(next);
      box.current?.querySelector<HTMLElement>(`[data-at="${next.join(' ')}"]`)?.focus();
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const told = at ?? null;
  return (
    <figure className="ft-Confusion">
      <figcaption>
        <span title={title}>{title}</span>
        <span>{cells.right === null ? '' : trans.__('%1 right', share(cells.right))}</span>
      </figcaption>
      <div className="ft-Confusion-scroll">
        <table
          ref={box}
          role="grid"
          aria-label={trans.__(
            'Confusion matrix of %1: rows are what it is, columns what it was taken for',
            title
          )}
          data-dense={cells.labels.length > MOST_WITH_NUMBERS}
          onKeyDown={onKeyDown}
          onPointerLeave={() => setAt(null)}
        >
          <Head labels={cells.labels} trans={trans} />
          <tbody>
            {cells.labels.map((label, row) => (
              <tr key={row}>
                <th scope="row" title={label}>
                  <span>{label}</span>
                </th>
                {cells.labels.map((_, column) => (
                  <Cell
                    key={column}
                    {...{ cells, whole, row, column, trans }}
                    isActive={active[0] === row && active[1] === column}
                    onLook={() => setAt([row, column])}
                    onFocus={() => setActive([row, column])}
                  />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p className="ft-Confusion-told" aria-hidden="true">
        {told ? wordsOf(matrix, cells, told, trans) : '\u00a0'}
      </p>
    </figure>
  );
}

function Head({ labels, trans }: { labels: readonly string[]; trans: TranslationBundle }): JSX.Element {
  return (
    <thead>
      <tr>
        <td className="ft-Confusion-corner">{trans.__('is ↓ · taken for →')}</td>
        {labels.map((label, column) => (
          <th key={column} scope="col" title={label}>
            <span>{label}</span>
          </th>
        ))}
      </tr>
    </thead>
  );
}

function Cell(props: {
  cells: Cells;
  whole: Whole;
  row: number;
  column: number;
  trans: TranslationBundle;
  isActive: boolean;
  onLook(): void;
  onFocus(): void;
}): JSX.Element {
  const { cells, row, column, trans } = props;
  const [count, part] = [cells.counts[row][column], cells.parts[row][column]];
  const shown = props.whole === 'count' ? figure(count, trans) : share(part);
  const tint = count > 0 ? Math.round(8 + 42 * part) : 0;
  return (
    <td
      role="gridcell"
      data-at={`${row} ${column}`}
      data-diagonal={row === column}
      tabIndex={props.isActive ? 0 : -1}
      aria-label={trans.__('%1 taken for %2: %3', cells.labels[row], cells.labels[column], shown)}
      style={{ '--ft-tint': `${tint}%` } as React.CSSProperties}
      onPointerEnter={props.onLook}
      onFocus={() => {
        props.onLook();
        props.onFocus();
      }}
    >
      {count === 0 ? '·' : shown}
    </td>
  );
}

function stepFrom([row, column]: At, key: string, count: number): At | null {
  const within = (at: number): number => Math.min(count - 1, Math.max(0, at));
  switch (key) {
    case 'ArrowUp':
      return [within(row - 1), column];
    case 'ArrowDown':
      return [within(row + 1), column];
    case 'ArrowLeft':
      return [row, within(column - 1)];
    case 'ArrowRight':
      return [row, within(column + 1)];
    case 'Home':
      return [row, 0];
    case 'End':
      return [row, count - 1];
    default:
      return null;
  }
}

/** What a cell tells: how many, which part of what they are, and how well the class is recognised. */
function wordsOf(matrix: ConfusionMatrix, cells: Cells, [row, column]: At, trans: TranslationBundle): string {
  const { labels, counts } = cells;
  const were = counts[row].reduce((all, each) => all + each, 0);
  const part = were > 0 ? share(counts[row][column] / were) : '–';
  const count = figure(counts[row][column], trans);
  if (row !== column) {
    return trans.__('%1 taken for %2: %3 (%4 of %1)', labels[row], labels[column], count, part);
  }
  const { precision, recall } = qualityOf(matrix, row);
  const [p, r] = [precision, recall].map(each => (Number.isNaN(each) ? '–' : share(each)));
  return trans.__('%1 recognised: %2 · recall %3, precision %4', labels[row], count, r, p);
}
