/** One job of the list, and the form in its place while a person names it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { JobPatch, JobSummary } from '../generated';
import { stateOf } from '../status';
import { StateIcon } from './panel_parts';
import { ago, duration, exact, secondsBetween } from '../time';
import { jobSentence, jobTitle } from './words';

/** What a row shows, and what it is asked to do. */
export interface RowProps {
  job: JobSummary;
  /** From 0. */
  place: number;
  isSelected: boolean;
  isActive: boolean;
  now: number;
  trans: TranslationBundle;
  onSelect: (event: React.MouseEvent) => void;
  onOpen: () => void;
  onTag: (tag: string) => void;
}

/** Height of a row in pixels; the list draws those in sight alone. */
export const ROW = 44;

/** One job. */
export function JobRow(props: RowProps): JSX.Element {
  const { job, trans, now } = props;
  const when = ago(job.created_at, now, trans);
  const seconds = secondsBetween(job.started_at, job.ended_at, now);
  const took = seconds === null ? '' : duration(seconds, trans);
  const title = [exact(job.created_at, trans), job.reason, job.paused, job.note].filter(Boolean).join('\n');
  return (
    <div
      role="row"
      aria-rowindex={props.place + 1}
      aria-selected={props.isSelected}
      aria-label={jobSentence(job, when, took, trans)}
      tabIndex={props.isActive ? 0 : -1}
      className="jp-ft-row jp-ft-job"
      data-id={job.id}
      style={{ top: props.place * ROW, height: ROW }}
      onMouseDown={props.onSelect}
      onDoubleClick={props.onOpen}
    >
      <div role="gridcell" className="jp-ft-row-cell">
        <StateIcon state={stateOf(job)} trans={trans} />
        <div className="jp-ft-row-text" title={title}>
          <div className="jp-ft-row-first">
            <span className="jp-ft-name">{jobTitle(job)}</span>
            {job.name ? <span className="jp-ft-dim">{`${job.pipeline} #${job.index}`}</span> : null}
          </div>
          <div className="jp-ft-row-second">
            <time dateTime={job.created_at}>{when}</time>
            {took ? <span>{took}</span> : null}
            <JobMarks job={job} onTag={props.onTag} trans={trans} />
          </div>
        </div>
      </div>
    </div>
  );
}

/** Tags, and that there is a note, a pause, a job that it was made from. */
function JobMarks(props: {
  job: JobSummary;
  onTag: (tag: string) => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { job, trans } = props;
  return (
    <>
      {job.paused ? <span title={job.paused}>{trans.__('paused')}</span> : null}
      {job.note ? (
        <span className="jp-ft-note" title={job.note} aria-label={trans.__('has a note')}>
          ✎
        </span>
      ) : null}
      {job.tags.map(tag => (
        <span
          key={tag}
          className="jp-ft-tag"
          title={trans.__('Show the jobs tagged %1', tag)}
          onMouseDown={event => event.stopPropagation()}
          onClick={() => props.onTag(tag)}
        >
          {tag}
        </span>
      ))}
      {job.reason && stateOf(job) === 'failure' ? <span className="jp-ft-reason">{job.reason}</span> : null}
    </>
  );
}

/** Name, tags and note of one job; Enter keeps, Escape leaves it as it was. */
export function JobForm(props: {
  job: JobSummary;
  top: number;
  trans: TranslationBundle;
  onSave: (patch: Partial<JobPatch>) => void;
  onClose: () => void;
}): JSX.Element {
  const { job, trans } = props;
  const [name, setName] = React.useState(job.name);
  const [tags, setTags] = React.useState(job.tags.join(', '));
  const [note, setNote] = React.useState(job.note);
  const save = (event: React.FormEvent): void => {
    event.preventDefault();
    props.onSave({ name: name.trim(), tags: tagsOf(tags), note: note.trim() });
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Escape') {
      props.onClose();
    }
  };
  return (
    <form
      className="jp-ft-job-form"
      style={{ top: props.top }}
      aria-label={trans.__('Name, tags and note of %1', `${job.pipeline} #${job.index}`)}
      onSubmit={save}
      onKeyDown={onKeyDown}
    >
      <Field
        label={trans.__('Name')}
        value={name}
        onChange={setName}
        hint={`${job.pipeline} #${job.index}`}
        isFirst
      />
      <Field label={trans.__('Tags')} value={tags} onChange={setTags} hint={trans.__('baseline, nightly')} />
      <Field
        label={trans.__('Note')}
        value={note}
        onChange={setNote}
        hint={trans.__('What is this job about?')}
      />
      <div className="jp-ft-form-buttons">
        <button type="submit" className="jp-ft-button" data-kind="primary">
          {trans.__('Save')}
        </button>
        <button type="button" className="jp-ft-button" onClick={props.onClose}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

/** Tags as they are typed: parted by commas, each once. */
export function tagsOf(text: string): string[] {
  return [...new Set(text.split(',').map(tag => tag.trim()))].filter(tag => tag !== '');
}

function Field(props: {
  label: string;
  value: string;
  hint: string;
  onChange: (value: string) => void;
  isFirst?: boolean;
}): JSX.Element {
  return (
    <label className="jp-ft-field">
      <span>{props.label}</span>
      <input
        autoFocus={props.isFirst}
        value={props.value}
        placeholder={props.hint}
        onChange={event => props.onChange(event.target.value)}
      />
    </label>
  );
}
