/** The tabs of a job's view. */
import { Clipboard } from '@jupyterlab/apputils';
import * as React from 'react';

import { toContentsPath, word } from '../api';
import type { FileText, JobView, TaskInstanceView } from '../generated';
import { ICONS, stateOf, stateWord } from '../status';
import { Differences } from './job_view_diff';
import { ganttOf } from './gantt';
import { Fact } from './resources';
import type { PanelContext } from './task_panel';
import { duration, exact, secondsBetween } from '../time';
import { troubleOf } from './words';

/** Which tab. */
export type JobTab = 'timeline' | 'tasks' | 'parameters' | 'yaml' | 'differences';

interface TabProps {
  job: JobView;
  context: PanelContext;
  onOpen(path: string): void;
}

/** See the head of this file. */
export function JobTabs(props: TabProps & { tab: JobTab; onTab(tab: JobTab): void }): JSX.Element {
  const { trans } = props.context;
  const tabs: [JobTab, string, (props: TabProps) => JSX.Element][] = [
    ['timeline', trans.__('Timeline'), Timeline],
    ['tasks', trans.__('Task instances'), Tasks],
    ['parameters', trans.__('Parameters'), Parameters],
    ['yaml', trans.__('YAML'), Yaml],
    ['differences', trans.__('Differences'), DifferencesToFile]
  ];
  const [, , Shown] = tabs.find(([id]) => id === props.tab) ?? tabs[0];
  const id = React.useId();
  const step = (event: React.KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by !== 0) {
      const at = tabs.findIndex(([each]) => each === props.tab);
      const [next] = tabs[(at + by + tabs.length) % tabs.length];
      props.onTab(next);
      document.getElementById(`${id}-${next}`)?.focus();
    }
  };
  return (
    <>
      <div role="tablist" aria-label={trans.__('Views of this job')} className="ft-Tabs" onKeyDown={step}>
        {tabs.map(([each, label]) => (
          <button
            key={each}
            id={`${id}-${each}`}
            type="button"
            role="tab"
            aria-selected={each === props.tab}
            aria-controls={`${id}-panel`}
            tabIndex={each === props.tab ? 0 : -1}
            onClick={() => props.onTab(each)}
          >
            {label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${id}-panel`}
        aria-labelledby={`${id}-${props.tab}`}
        className="ft-Tabs-panel"
      >
        <Shown job={props.job} context={props.context} onOpen={props.onOpen} />
      </div>
    </>
  );
}

function Timeline({ job, context, onOpen }: TabProps): JSX.Element {
  const { trans } = context;
  const { rows, ticks } = ganttOf(job, Date.now());
  const percent = (share: number): string => `${(share * 100).toFixed(3)}%`;
  return (
    <div className="ft-Gantt">
      <div className="ft-Gantt-ticks" aria-hidden="true">
        {ticks.map(tick => (
          <span key={tick.seconds} style={{ left: percent(tick.at) }}>
            {duration(tick.seconds, trans)}
          </span>
        ))}
      </div>
      <ul aria-label={trans.__('Timeline')}>
        {rows.map(row => (
          <li key={row.path}>
            <button type="button" className="ft-Gantt-row" onClick={() => onOpen(row.path)}>
              <span className="ft-Gantt-name" title={row.path}>
                {row.path}
              </span>
              <span className="ft-Gantt-track">
                {row.from !== null && (
                  <span
                    className={`ft-Gantt-bar ft-mod-${row.state}`}
                    style={{ left: percent(row.from), width: percent((row.to ?? row.from) - row.from) }}
                  />
                )}
              </span>
              <span className="ft-Gantt-words">
                <span aria-hidden="true">{ICONS[row.state]}</span>{' '}
                {row.seconds === null ? stateWord(row.state, trans) : duration(row.seconds, trans)}
                <span className="ft-mod-spoken">{stateWord(row.state, trans)}</span>
              </span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Tasks({ job, context, onOpen }: TabProps): JSX.Element {
  const { trans } = context;
  const heads = [
    trans.__('Task instance'),
    trans.__('State'),
    trans.__('Status'),
    trans.__('Reason'),
    trans.__('Attempts'),
    trans.__('Exit code'),
    trans.__('Started'),
    trans.__('Duration'),
    trans.__('Depends on')
  ];
  return (
    <div
      className="ft-Outputs-table ft-JobTasks"
      tabIndex={0}
      role="group"
      aria-label={trans.__('Task instances')}
    >
      <table>
        <thead>
          <tr>
            {heads.map(head => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {job.tasks.map(task => (
            <TaskRow key={task.path} task={task} context={context} onOpen={onOpen} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function TaskRow(props: {
  task: TaskInstanceView;
  context: PanelContext;
  onOpen(path: string): void;
}): JSX.Element {
  const { task, context } = props;
  const state = stateOf(task);
  const seconds = secondsBetween(task.started_at, task.ended_at, Date.now());
  return (
    <tr>
      <th scope="row">
        <button type="button" className="ft-JobTasks-name" onClick={() => props.onOpen(task.path)}>
          {task.path}
        </button>
      </th>
      <td>
        <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
          {ICONS[state]}
        </span>
        {stateWord(state, context.trans)}
      </td>
      <td>{task.status}</td>
      <td>{task.reason}</td>
      <td>{task.attempts}</td>
      <td>{task.exit_code}</td>
      <td>{task.started_at === null ? '' : exact(task.started_at)}</td>
      <td>{seconds === null ? '' : duration(seconds, context.trans)}</td>
      <td>{task.dependencies.join(', ')}</td>
    </tr>
  );
}

function Parameters({ job, context }: TabProps): JSX.Element {
  const { trans } = context;
  const facts: [string, unknown][] = [
    ...Object.entries(job.params),
    [trans.__('Backend'), job.backend],
    [trans.__('File'), job.source],
    [trans.__('Folder'), job.folder_path]
  ];
  return (
    <>
      {Object.keys(job.params).length === 0 && (
        <p className="ft-TaskPanel-hint">{trans.__('This pipeline has no parameters.')}</p>
      )}
      <table className="ft-TaskPanel-facts" aria-label={trans.__('Parameters')}>
        <tbody>
          {facts.map(([name, value]) => (
            <Fact key={name} name={name} value={typeof value === 'string' ? value : JSON.stringify(value)} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function Yaml({ job, context }: TabProps): JSX.Element {
  const { trans } = context;
  const text = useText(() => jobText(context, job.id), [job.id]);
  if (typeof text !== 'string') {
    return <p className="ft-TaskPanel-hint">{text?.trouble ?? trans.__('Loading …')}</p>;
  }
  return (
    <>
      <button type="button" className="jp-mod-styled" onClick={() => Clipboard.copyToSystem(text)}>
        {trans.__('Copy this job’s pipeline')}
      </button>
      <pre className="ft-JobYaml" tabIndex={0} aria-label={trans.__('YAML of this job')}>
        {text}
      </pre>
    </>
  );
}

function DifferencesToFile({ job, context }: TabProps): JSX.Element {
  const { trans, jobs } = context;
  const path = toContentsPath(job.source, jobs.info?.root);
  const then = useText(() => jobText(context, job.id), [job.id]);
  const now = useText(() => (path === null ? Promise.resolve('') : fileText(context, path)), [path]);
  if (path === null) {
    return <p className="ft-TaskPanel-hint">{trans.__('This job came from no file of this workspace.')}</p>;
  }
  if (typeof then !== 'string' || typeof now !== 'string') {
    const told = [then, now].find(each => typeof each === 'object' && each !== null) as
      { trouble: string } | undefined;
    return <p className="ft-TaskPanel-hint">{told?.trouble ?? trans.__('Loading …')}</p>;
  }
  if (then === now) {
    return <p className="ft-TaskPanel-hint">{trans.__('The file is as this job ran it.')}</p>;
  }
  return (
    <Differences
      left={then}
      right={now}
      leftLabel={trans.__('This job')}
      rightLabel={trans.__('The file now')}
    />
  );
}

/** A text that is read once for `of`; null until it is there. */
function useText(read: () => Promise<string>, of: unknown[]): string | { trouble: string } | null {
  const [text, setText] = React.useState<string | { trouble: string } | null>(null);
  React.useEffect(() => {
    let isWanted = true;
    const tell = (told: string | { trouble: string }): void => {
      if (isWanted) {
        setText(told);
      }
    };
    setText(null);
    read().then(tell, error => tell({ trouble: troubleOf(error).message }));
    return () => {
      isWanted = false;
    };
  }, of);
  return text;
}

async function jobText(context: PanelContext, job: string): Promise<string> {
  return (await context.api.raw(`jobs/${word(job)}/text`)).text();
}

async function fileText(context: PanelContext, path: string): Promise<string> {
  const way = path.split('/').map(encodeURIComponent).join('/');
  return (await context.api.get<FileText>(`files/${way}`)).text;
}
