/** The tabs of a job's view. */
import * as React from 'react';

import type { JobView } from '../generated';
import type { State } from '../status';
import { JobMetrics } from './job_metrics';
import { Tasks } from './job_view_tasks';
import { DifferencesToFile, Parameters, Yaml } from './job_view_texts';
import { Timeline } from './job_view_timeline';
import type { PanelContext } from './task_panel';

/** Which tab. */
export type JobTab = 'timeline' | 'tasks' | 'metrics' | 'parameters' | 'yaml' | 'differences';

/** What a tab shows of a job. */
export interface TabProps {
  job: JobView;
  context: PanelContext;
  /** The states of the task instances that are shown; none: all. */
  states: ReadonlySet<State>;
  /** The task instance that is open below. */
  opened: string | null;
  onOpen(path: string): void;
}

/** See the head of this file. */
export function JobTabs(props: TabProps & { tab: JobTab; onTab(tab: JobTab): void }): JSX.Element {
  const { trans } = props.context;
  const tabs: [JobTab, string, (props: TabProps) => JSX.Element][] = [
    ['timeline', trans.__('Timeline'), Timeline],
    ['tasks', trans.__('Task instances'), Tasks],
    ['metrics', trans.__('Metrics'), JobMetrics],
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
        data-tab={props.tab}
      >
        <Shown {...props} />
      </div>
    </>
  );
}
