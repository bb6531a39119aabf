/** The table of a comparison: a row for each name, a column for each job. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { JobComparison } from '../generated';
import { Swatch } from '../viewers/line_chart';
import { lookOf } from '../viewers/looks';
import { shownRows, type Goal, type Row, type Section } from './compare_model';

interface TableProps {
  found: JobComparison;
  sections: readonly Section[];
  names: readonly string[];
  isShown: readonly boolean[];
  isAll: boolean;
  query: string;
  trans: TranslationBundle;
  onOpen(job: string): void;
  onGoal(row: Row): void;
}

/** See the head of this file. */
export function CompareTable(props: TableProps): JSX.Element {
  const { found, sections, names, trans } = props;
  const shown = sections.map(section => ({ section, rows: shownRows(section, props.isAll, props.query) }));
  const same = sections.reduce((sum, { rows }) => sum + rows.filter(row => !row.differs).length, 0);
  return (
    <>
      <div className="ft-Compare-table" tabIndex={0} role="group" aria-label={trans.__('Jobs side by side')}>
        <table>
          <thead>
            <tr>
              <td />
              {found.jobs.map((job, at) => (
                <th key={job.id} scope="col" data-dimmed={!props.isShown[at]}>
                  <Swatch look={lookOf(at)} />
                  <button type="button" className="ft-Link" onClick={() => props.onOpen(job.id)}>
                    {names[at]}
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          {shown.map(
            ({ section, rows }) =>
              rows.length > 0 && (
                <tbody key={section.id}>
                  {section.id !== 'jobs' && (
                    <tr>
                      <th scope="rowgroup" colSpan={found.jobs.length + 1} className="ft-Compare-section">
                        {section.title}
                      </th>
                    </tr>
                  )}
                  {rows.map(row => (
                    <OneRow key={row.id} row={row} {...props} />
                  ))}
                </tbody>
              )
          )}
        </table>
      </div>
      {!props.isAll && same > 0 && (
        <p className="ft-TaskPanel-hint">
          {trans._n('%1 row is the same in all jobs.', '%1 rows are the same in all jobs.', same)}
        </p>
      )}
    </>
  );
}

function OneRow({ row, isShown, trans, onGoal }: TableProps & { row: Row }): JSX.Element {
  return (
    <tr data-same={!row.differs}>
      <th scope="row">
        {row.task && <small>{row.task} </small>}
        {row.name}
        {row.isMetric && (
          <button
            type="button"
            className="ft-Compare-goal"
            title={goalWords(row.goal, trans)}
            aria-label={`${row.name}: ${goalWords(row.goal, trans)}`}
            onClick={() => onGoal(row)}
          >
            {row.goal === 'max' ? '↑' : row.goal === 'min' ? '↓' : '↕'}
          </button>
        )}
      </th>
      {row.cells.map((cell, at) => {
        const isBest = row.best.includes(at);
        return (
          <td key={at} data-best={isBest} data-dimmed={!isShown[at]} title={cell}>
            {cell}
            {isBest && (
              <span
                className="ft-Compare-star"
                title={trans.__('best')}
                role="img"
                aria-label={trans.__('best')}
              >
                ★
              </span>
            )}
          </td>
        );
      })}
    </tr>
  );
}

function goalWords(goal: Goal, trans: TranslationBundle): string {
  return goal === 'max'
    ? trans.__('more is better')
    : goal === 'min'
      ? trans.__('less is better')
      : trans.__('neither more nor less is better');
}
