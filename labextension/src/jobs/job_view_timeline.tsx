/** A job's timeline: when each task instance waited for its turn and when it ran. Only the rows in sight are drawn. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ICONS, stateWord } from '../status';
import { duration } from '../time';
import { ganttOf, type GanttRow } from './gantt';
import type { TabProps } from './job_view_tabs';
import { useWalk } from './rows';

const ROW = 26;
const HEAD = 20;

/** See the head of this file. */
export function Timeline({ job, context, states, opened, onOpen }: TabProps): JSX.Element {
  const { trans } = context;
  const gantt = ganttOf(job, Date.now());
  const rows = states.size === 0 ? gantt.rows : gantt.rows.filter(row => states.has(row.state));
  const walk = useWalk({
    ids: rows.map(row => row.path),
    height: ROW,
    top: HEAD,
    onOpen
  });
  return (
    <div {...walk.box} className="ft-Gantt ft-JobRows" role="listbox" aria-label={trans.__('Timeline')}>
      <div className="ft-Gantt-ticks" aria-hidden="true">
        {gantt.ticks.map(tick => (
          <span key={tick.seconds} style={{ left: percent(tick.at) }}>
            {tick.seconds < 60 && Number.isInteger(tick.seconds)
              ? trans.__('%1 s', tick.seconds)
              : duration(tick.seconds, trans)}
          </span>
        ))}
      </div>
      <div className="ft-JobRows-all" style={{ height: rows.length * ROW }}>
        {rows.slice(walk.first, walk.last).map((row, index) => (
          <Row
            key={row.path}
            row={row}
            trans={trans}
            attributes={walk.row(walk.first + index)}
            isOpened={row.path === opened}
          />
        ))}
      </div>
    </div>
  );
}

function Row(props: {
  row: GanttRow;
  trans: TranslationBundle;
  attributes: React.HTMLAttributes<HTMLDivElement>;
  isOpened: boolean;
}): JSX.Element {
  const { row, trans } = props;
  const word = stateWord(row.state, trans);
  const took = row.seconds === null ? word : duration(row.seconds, trans);
  return (
    <div
      {...props.attributes}
      role="option"
      className="ft-Gantt-row"
      data-opened={props.isOpened}
      aria-label={[row.path, word, row.seconds === null ? '' : took].filter(Boolean).join(', ')}
    >
      <span className="ft-Gantt-name" title={row.path}>
        {row.path}
      </span>
      <span className="ft-Gantt-track">
        {row.ready !== null && (
          <span
            className="ft-Gantt-wait"
            title={trans.__('waited for its turn')}
            style={{ left: percent(row.ready), width: percent((row.from ?? 1) - row.ready) }}
          />
        )}
        {row.from !== null && (
          <span
            className={`ft-Gantt-bar ft-mod-${row.state}`}
            style={{ left: percent(row.from), width: percent((row.to ?? row.from) - row.from) }}
          />
        )}
      </span>
      <span className="ft-Gantt-words">
        <span className={`ft-State ft-mod-${row.state}`}>{ICONS[row.state]}</span>
        {took}
      </span>
    </div>
  );
}

function percent(share: number): string {
  return `${(share * 100).toFixed(3)}%`;
}
