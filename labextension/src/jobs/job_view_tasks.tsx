/**
 * A job's task instances as a table, sorted by any column; iterations and tasks of groups below what they are inside
 * of, unless a filter is set. Only the rows in sight are drawn.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { TaskInstanceView } from '../generated';
import { ICONS, progressWords, stateOf, stateWord, STATES } from '../status';
import { duration, exact, secondsBetween } from '../time';
import { type Branch, countWords, flat, itemWords, nameOf, treeOf } from './instances';
import { FoldHandle, useFolds } from './job_view_folds';
import type { TabProps } from './job_view_tabs';
import { useWalk } from './rows';

const ROW = 26;

/** A column: what it is called, what its cells say, and by what they are sorted. */
interface Column {
  id: string;
  label: string;
  cell(task: TaskInstanceView): React.ReactNode;
  by(task: TaskInstanceView): string | number;
}

/** See the head of this file. */
export function Tasks({ job, context, states, opened, onOpen }: TabProps): JSX.Element {
  const { trans } = context;
  const [sort, setSort] = React.useState<{ id: string; sign: 1 | -1 } | null>(null);
  const columns = React.useMemo(() => columnsOf(trans), [trans]);
  const shown = states.size === 0 ? job.tasks : job.tasks.filter(task => states.has(stateOf(task)));
  const column = columns.find(each => each.id === sort?.id);
  const tasks = column && sort ? sorted(shown, column, sort.sign) : shown;
  const folds = useFolds();
  const rows = states.size === 0 ? treeOf(tasks, folds.folds) : flat(tasks);
  const isTree = rows.some(row => row.inside.length > 0);
  const walk = useWalk({
    ids: rows.map(row => row.task.path),
    height: ROW,
    top: ROW,
    onOpen,
    onKey: folds.keysOf(rows)
  });
  const turn = (id: string): void =>
    setSort(now => (now?.id !== id ? { id, sign: 1 } : now.sign === 1 ? { id, sign: -1 } : null));
  return (
    <div
      {...walk.box}
      className="ft-JobTasks ft-JobRows"
      aria-label={trans.__('Task instances')}
      role="group"
    >
      <table role={isTree ? 'treegrid' : 'grid'} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            {columns.map(({ id, label }) => (
              <th
                key={id}
                scope="col"
                aria-sort={sort?.id !== id ? 'none' : sort.sign === 1 ? 'ascending' : 'descending'}
              >
                <button type="button" onClick={() => turn(id)}>
                  {label}
                  <span aria-hidden="true">{sort?.id !== id ? '' : sort.sign === 1 ? ' ▴' : ' ▾'}</span>
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr aria-hidden="true" style={{ height: walk.first * ROW }} />
          {rows.slice(walk.first, walk.last).map((row, index) => (
            <tr
              key={row.task.path}
              {...walk.row(walk.first + index, true)}
              aria-rowindex={walk.first + index + 2}
              aria-level={isTree ? row.depth + 1 : undefined}
              aria-expanded={row.inside.length > 0 ? row.isOpen : undefined}
              data-opened={row.task.path === opened}
            >
              <td style={{ paddingInlineStart: 6 + 16 * row.depth }} title={row.task.path}>
                <Name row={row} isTree={isTree} trans={trans} onFold={folds.turn} />
              </td>
              {columns.slice(1).map(({ id, cell }) => (
                <td key={id}>{cell(row.task)}</td>
              ))}
            </tr>
          ))}
          <tr aria-hidden="true" style={{ height: (rows.length - walk.last) * ROW }} />
        </tbody>
      </table>
    </div>
  );
}

/** What a row is called, what its item is, and how many inside of it are in which state. */
function Name(props: {
  row: Branch;
  isTree: boolean;
  trans: TranslationBundle;
  onFold(row: Branch): void;
}): JSX.Element {
  const { row, trans } = props;
  const item = itemWords(row.task);
  const counts = countWords(row.inside, trans);
  return (
    <>
      {props.isTree && <FoldHandle row={row} trans={trans} onFold={props.onFold} />}
      {nameOf(row)}
      {item && <code className="ft-JobTasks-item"> {item}</code>}
      {counts && <span className="ft-JobTasks-counts"> {counts}</span>}
    </>
  );
}

function columnsOf(trans: TranslationBundle): Column[] {
  const seconds = (task: TaskInstanceView): number | null =>
    secondsBetween(task.started_at, task.ended_at, Date.now());
  const took = (task: TaskInstanceView): string => {
    const found = seconds(task);
    return found === null ? '' : duration(found, trans);
  };
  const plain = (id: string, label: string, value: (task: TaskInstanceView) => string | number): Column => ({
    id,
    label,
    cell: value,
    by: value
  });
  return [
    plain('task', trans.__('Task instance'), task => task.path),
    {
      id: 'state',
      label: trans.__('State'),
      cell: task => <StateCell task={task} trans={trans} />,
      by: task => STATES.indexOf(stateOf(task))
    },
    plain('status', trans.__('Status'), task => task.status),
    plain('reason', trans.__('Reason'), task => task.reason),
    plain('attempts', trans.__('Attempts'), task => (task.kind === 'task' ? task.attempts : '')),
    plain('exit', trans.__('Exit code'), task => task.exit_code ?? ''),
    {
      id: 'started',
      label: trans.__('Started'),
      cell: task => (task.started_at === null ? '' : exact(task.started_at, trans)),
      by: task => (task.started_at === null ? Infinity : Date.parse(task.started_at))
    },
    { id: 'duration', label: trans.__('Duration'), cell: took, by: task => seconds(task) ?? -1 },
    plain('needs', trans.__('Depends on'), task => task.dependencies.join(', '))
  ];
}

function StateCell({ task, trans }: { task: TaskInstanceView; trans: TranslationBundle }): JSX.Element {
  const state = stateOf(task);
  return (
    <>
      <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
        {ICONS[state]}
      </span>
      {stateWord(state, trans)}
      {task.progress && <span className="ft-JobTasks-doing"> · {progressWords(task.progress)}</span>}
    </>
  );
}

/** Equals stay in the order of the pipeline. */
function sorted(tasks: readonly TaskInstanceView[], column: Column, sign: 1 | -1): TaskInstanceView[] {
  return [...tasks].sort((one, other) => {
    const [a, b] = [column.by(one), column.by(other)];
    const order =
      typeof a === 'number' && typeof b === 'number'
        ? a - b
        : String(a).localeCompare(String(b), undefined, { numeric: true });
    return sign * (Number.isNaN(order) ? 0 : order);
  });
}
