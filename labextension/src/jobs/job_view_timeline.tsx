/**
 * A job's timeline: when each task instance waited for its turn and when it ran; iterations and tasks of groups below
 * what they are inside of, unless a filter is set. Only the rows in sight are drawn.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ICONS, stateWord } from '../status';
import { duration } from '../time';
import { ganttOf, type GanttRow } from './gantt';
import { type Branch, countWords, flat, itemWords, nameOf, treeOf } from './instances';
import { FoldHandle, useFolds } from './job_view_folds';
import type { TabProps } from './job_view_tabs';
import { useWalk } from './rows';

const ROW = 26;
const HEAD = 20;

/** See the head of this file. */
export function Timeline({ job, context, states, opened, onOpen }: TabProps): JSX.Element {
  const { trans } = context;
  const gantt = ganttOf(job, Date.now());
  const folds = useFolds();
  const bars = new Map(gantt.rows.map(row => [row.path, row]));
  const byPath = new Map(job.tasks.map(task => [task.path, task]));
  const ordered = gantt.rows
    .filter(row => states.size === 0 || states.has(row.state))
    .flatMap(row => byPath.get(row.path) ?? []);
  const rows = states.size === 0 ? treeOf(ordered, folds.folds) : flat(ordered);
  const isTree = rows.some(row => row.inside.length > 0);
  const walk = useWalk({
    ids: rows.map(row => row.task.path),
    height: ROW,
    top: HEAD,
    onOpen,
    onKey: folds.keysOf(rows)
  });
  return (
    <div
      {...walk.box}
      className="ft-Gantt ft-JobRows"
      role={isTree ? 'tree' : 'listbox'}
      aria-label={trans.__('Timeline')}
    >
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
        {rows.slice(walk.first, walk.last).map((branch, index) => {
          const row = bars.get(branch.task.path);
          return (
            row && (
              <Row
                key={row.path}
                row={row}
                branch={branch}
                isTree={isTree}
                trans={trans}
                attributes={walk.row(walk.first + index)}
                isOpened={row.path === opened}
                onFold={folds.turn}
              />
            )
          );
        })}
      </div>
    </div>
  );
}

function Row(props: {
  row: GanttRow;
  branch: Branch;
  isTree: boolean;
  trans: TranslationBundle;
  attributes: React.HTMLAttributes<HTMLDivElement>;
  isOpened: boolean;
  onFold(row: Branch): void;
}): JSX.Element {
  const { row, branch, isTree, trans } = props;
  const item = itemWords(branch.task);
  const counts = countWords(branch.inside, trans);
  const word = stateWord(row.state, trans);
  const took = row.seconds === null ? word : duration(row.seconds, trans);
  return (
    <div
      {...props.attributes}
      role={isTree ? 'treeitem' : 'option'}
      aria-level={isTree ? branch.depth + 1 : undefined}
      aria-expanded={branch.inside.length > 0 ? branch.isOpen : undefined}
      className="ft-Gantt-row"
      data-opened={props.isOpened}
      aria-label={[row.path, item, word, row.seconds === null ? '' : took, counts].filter(Boolean).join(', ')}
    >
      <span
        className="ft-Gantt-name"
        title={[row.path, item, counts].filter(Boolean).join(' · ')}
        style={{ paddingInlineStart: 14 * branch.depth }}
      >
        {isTree && <FoldHandle row={branch} trans={trans} onFold={props.onFold} />}
        {nameOf(branch)}
        {item && <code className="ft-JobTasks-item"> {item}</code>}
        {counts && <span className="ft-JobTasks-counts"> {counts}</span>}
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
