/** The head of a job's view: what became of it, in words, and what can be done with it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { toContentsPath } from '../api';
import type { JobPatch, JobView } from '../generated';
import { ICONS, isEnded, stateOf, stateWord, STATES, type State } from '../status';
import { duration, exact, secondsBetween } from '../time';
import { JobForm } from './jobs_list_row';
import { jobTitle } from './words';

/** What the head is given. */
interface HeadProps {
  job: JobView;
  trans: TranslationBundle;
  root: string | null | undefined;
  onCancel(): void;
  onRerun(fromFailed: boolean): void;
  onCanvas(path: string): void;
  /** Ask with which job to look for differences. */
  onDiff(): void;
  /** The states of the task instances that are shown; none: all. */
  states: ReadonlySet<State>;
  onState(state: State): void;
  /** Keep a person's words; whether they were kept. */
  onAnnotate(patch: Partial<JobPatch>): Promise<boolean>;
}

/** See the head of this file. */
export function JobHead(props: HeadProps): JSX.Element {
  const { job, trans } = props;
  const [isEdited, setEdited] = React.useState(false);
  const state = stateOf(job);
  const seconds = secondsBetween(job.started_at, job.ended_at, Date.now());
  const words = [
    stateWord(state, trans),
    job.reason,
    job.paused ?? '',
    job.backend === 'local' ? '' : trans.__('on %1', job.backend),
    seconds === null ? '' : duration(seconds, trans),
    exact(job.created_at, trans),
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
      {job.note && <p className="ft-JobHead-note">{job.note}</p>}
      <Actions {...props} isEdited={isEdited} onEdit={() => setEdited(!isEdited)} />
      {isEdited && (
        <div className="ft-JobHead-form">
          <JobForm
            job={job}
            top={0}
            trans={trans}
            onClose={() => setEdited(false)}
            onSave={patch => void props.onAnnotate(patch).then(isKept => isKept && setEdited(false))}
          />
        </div>
      )}
      <Counts {...props} />
    </header>
  );
}

function Actions(props: HeadProps & { isEdited: boolean; onEdit(): void }): JSX.Element {
  const { job, trans } = props;
  const state = stateOf(job);
  const path = toContentsPath(job.source, props.root);
  return (
    <div className="ft-JobHead-actions" role="group" aria-label={trans.__('Actions')}>
      {!isEnded(state) && (
        <button type="button" className="ft-Button" onClick={props.onCancel}>
          {trans.__('Cancel job')}
        </button>
      )}
      {isEnded(state) && (
        <button type="button" className="ft-Button" onClick={() => props.onRerun(false)}>
          {trans.__('Rerun')}
        </button>
      )}
      {isEnded(state) && state !== 'success' && (
        <button type="button" className="ft-Button" onClick={() => props.onRerun(true)}>
          {trans.__('Rerun from failed')}
        </button>
      )}
      {path !== null && (
        <button type="button" className="ft-Button" onClick={() => props.onCanvas(path)}>
          {trans.__('Show on canvas')}
        </button>
      )}
      <button type="button" className="ft-Button" onClick={props.onDiff}>
        {trans.__('Differences from…')}
      </button>
      <button type="button" className="ft-Button" aria-expanded={props.isEdited} onClick={props.onEdit}>
        {trans.__('Name, tags and note…')}
      </button>
    </div>
  );
}

/** How many task instances are in each state: `12 ✓ 3 ▶ 1 ✕`; a press shows those alone. */
function Counts(props: {
  job: JobView;
  trans: TranslationBundle;
  states: ReadonlySet<State>;
  onState(state: State): void;
}): JSX.Element {
  const { job, trans, states } = props;
  const counts = new Map<State, number>();
  for (const task of job.tasks) {
    counts.set(stateOf(task), (counts.get(stateOf(task)) ?? 0) + 1);
  }
  return (
    <div className="ft-JobHead-counts" role="group" aria-label={trans.__('Show task instances by state')}>
      {STATES.filter(state => counts.has(state) || states.has(state)).map(state => (
        <button
          key={state}
          type="button"
          className="ft-JobHead-count"
          aria-pressed={states.has(state)}
          onClick={() => props.onState(state)}
        >
          <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
            {ICONS[state]}
          </span>
          {counts.get(state) ?? 0} {stateWord(state, trans)}
        </button>
      ))}
    </div>
  );
}
