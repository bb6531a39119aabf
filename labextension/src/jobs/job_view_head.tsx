/** The head of a job's view: what became of it, in words, and what can be done with it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { toContentsPath } from '../api';
import type { JobView } from '../generated';
import { ICONS, isEnded, stateOf, stateWord, STATES, type State } from '../status';
import { duration, exact, secondsBetween } from '../time';
import { jobTitle } from './words';

/** See the head of this file. */
export function JobHead(props: {
  job: JobView;
  trans: TranslationBundle;
  root: string | null | undefined;
  onCancel(): void;
  onRerun(fromFailed: boolean): void;
  onCanvas(path: string): void;
}): JSX.Element {
  const { job, trans } = props;
  const state = stateOf(job);
  const path = toContentsPath(job.source, props.root);
  const seconds = secondsBetween(job.started_at, job.ended_at, Date.now());
  const words = [
    stateWord(state, trans),
    job.reason,
    job.paused ?? '',
    seconds === null ? '' : duration(seconds, trans),
    exact(job.created_at),
    ...job.tags.map(tag => `#${tag}`)
  ];
  return (
    <header className="ft-JobHead">
      <h2>
        <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
          {ICONS[state]}
        </span>
        {jobTitle(job)}
      </h2>
      <p>{words.filter(Boolean).join(' · ')}</p>
      <Counts job={job} trans={trans} />
      {job.note && <p className="ft-JobHead-note">{job.note}</p>}
      <div className="ft-JobHead-actions" role="group" aria-label={trans.__('Actions')}>
        {!isEnded(state) && (
          <button type="button" className="jp-mod-styled jp-mod-warn" onClick={props.onCancel}>
            {trans.__('Cancel job')}
          </button>
        )}
        {isEnded(state) && (
          <button type="button" className="jp-mod-styled" onClick={() => props.onRerun(false)}>
            {trans.__('Rerun')}
          </button>
        )}
        {isEnded(state) && state !== 'success' && (
          <button type="button" className="jp-mod-styled" onClick={() => props.onRerun(true)}>
            {trans.__('Rerun from failed')}
          </button>
        )}
        {path !== null && (
          <button type="button" className="jp-mod-styled" onClick={() => props.onCanvas(path)}>
            {trans.__('Show on canvas')}
          </button>
        )}
      </div>
    </header>
  );
}

/** How many task instances are in each state: `12 ✓ 3 ▶ 1 ✕`, with words for those who hear it. */
function Counts({ job, trans }: { job: JobView; trans: TranslationBundle }): JSX.Element {
  const counts = new Map<State, number>();
  for (const task of job.tasks) {
    counts.set(stateOf(task), (counts.get(stateOf(task)) ?? 0) + 1);
  }
  return (
    <ul className="ft-JobHead-counts" aria-label={trans.__('Task instances')}>
      {STATES.filter(state => counts.has(state)).map(state => (
        <li key={state}>
          <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
            {ICONS[state]}
          </span>
          {counts.get(state)} {stateWord(state, trans)}
        </li>
      ))}
    </ul>
  );
}
