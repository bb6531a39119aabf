/** Between a notebook's toolbar and its cells: what is being done, asked or found, and the job. It blocks nothing. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { Message } from '@lumino/messaging';
import { MessageLoop } from '@lumino/messaging';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { JobView } from '../generated';
import { ParamsForm } from '../params_form';
import { ICONS, isEnded, stateOf, stateWord } from '../status';
import { ago, exact } from '../time';
import type { Finding } from './findings';
import type { NotebookJob } from './job';
import type { NotebookRuns } from './runs';

/** Milliseconds until "3 min ago" is written anew. */
const TICK = 30_000;

/** What its buttons do. */
export interface StripActions {
  /** Go to a cell, and to a line of it. */
  goTo(cell: number, line: number | null): void;
  openJob(job: string): void;
  cancelJob(job: string): void;
}

/** See the head of this file. */
export class Strip extends ReactWidget {
  constructor(
    private readonly runs: NotebookRuns,
    private readonly job: NotebookJob,
    private readonly actions: StripActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('ft-Strip');
    runs.changed.connect(this.update, this);
    job.changed.connect(this.update, this);
    this.clock = window.setInterval(() => this.job.job && this.update(), TICK);
  }

  dispose(): void {
    window.clearInterval(this.clock);
    this.sizes.disconnect();
    super.dispose();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.node.setAttribute('lang', document.documentElement.lang);
  }

  protected render(): React.ReactElement {
    const { runs, trans } = this;
    const { job } = this.job;
    return (
      <div className="ft-Strip-body" ref={this.measured}>
        {runs.busy && (
          <p className="ft-Strip-busy" role="status">
            {runs.busy}
          </p>
        )}
        {runs.asked && (
          <ParamsForm
            fields={runs.asked.fields}
            texts={runs.asked.texts}
            trans={trans}
            onRun={runs.asked.go}
            onClose={() => runs.forget()}
          />
        )}
        {runs.findings.length > 0 && (
          <Findings
            findings={runs.findings}
            trans={trans}
            onGo={(cell, line) => this.actions.goTo(cell, line)}
            onClose={() => runs.forget()}
          />
        )}
        {job && <JobLine job={job} trans={trans} actions={this.actions} onClose={() => this.job.dismiss()} />}
      </div>
    );
  }

  private readonly clock: number;

  /** The layout above gives a widget its least height, so that is what the body measures. */
  private readonly measured = (body: HTMLElement | null): void => {
    this.sizes.disconnect();
    if (body) {
      this.sizes.observe(body);
    }
  };

  private readonly sizes = new ResizeObserver(([{ target }]) => {
    const height = `${(target as HTMLElement).offsetHeight}px`;
    if (this.node.style.minHeight !== height && !this.isDisposed) {
      this.node.style.minHeight = height;
      this.node.style.maxHeight = height;
      if (this.parent) {
        MessageLoop.postMessage(this.parent, Widget.Msg.FitRequest);
      }
    }
  });
}

function Findings(props: {
  findings: readonly Finding[];
  trans: TranslationBundle;
  onGo(cell: number, line: number | null): void;
  onClose(): void;
}): React.ReactElement {
  const { findings, trans, onGo } = props;
  const errors = findings.filter(each => each.severity === 'error').length;
  const others = findings.length - errors;
  const counts = [
    errors > 0 && trans._n('One error', '%1 errors', errors),
    others > 0 && trans._n('one remark', '%1 remarks', others)
  ].filter(Boolean);
  return (
    <section className="ft-Strip-findings" aria-label={trans.__('Problems of this notebook')}>
      <header role={errors ? 'alert' : 'status'}>
        <strong>{ended(counts.join(' · '))}</strong>
        <Close label={trans.__('Close the problems')} onClick={props.onClose} />
      </header>
      <ul>
        {findings.map((each, index) => (
          <li key={index} data-severity={each.severity}>
            <FindingLine finding={each} trans={trans} onGo={onGo} />
          </li>
        ))}
      </ul>
    </section>
  );
}

function FindingLine(props: {
  finding: Finding;
  trans: TranslationBundle;
  onGo(cell: number, line: number | null): void;
}): React.ReactElement {
  const { finding, trans, onGo } = props;
  const { cell, line, message, hint, severity } = finding;
  const place =
    cell === null
      ? ''
      : line === null
        ? trans.__('Cell %1', cell + 1)
        : trans.__('Cell %1, line %2', cell + 1, line);
  const told = message.replace(/^cell \d+(, line \d+)?: /, '');
  return (
    <>
      <span className="ft-Strip-severity" role="img" aria-label={severityWord(severity, trans)}>
        {severity === 'error' ? '✕' : severity === 'warning' ? '!' : 'i'}
      </span>
      {cell !== null && (
        <button type="button" className="ft-Strip-link" onClick={() => onGo(cell, line)}>
          {place}
        </button>
      )}
      <span>
        {ended(told, hint !== '')}
        {hint && <small> {ended(hint)}</small>}
      </span>
    </>
  );
}

/** A sentence of its own: the server's words begin small, as parts of one; with a full stop where more follows. */
function ended(words: string, isFollowed = false): string {
  const text = words.charAt(0).toLocaleUpperCase() + words.slice(1);
  return isFollowed && /[\p{L}\p{N})\]’”'"`]$/u.test(text) ? `${text}.` : text;
}

function severityWord(severity: Finding['severity'], trans: TranslationBundle): string {
  switch (severity) {
    case 'error':
      return trans.__('Error');
    case 'warning':
      return trans.__('Warning');
    case 'notice':
      return trans.__('Notice');
  }
}

function JobLine(props: {
  job: JobView;
  trans: TranslationBundle;
  actions: StripActions;
  onClose(): void;
}): React.ReactElement {
  const { job, trans, actions } = props;
  const state = stateOf(job);
  const done = job.tasks.filter(each => isEnded(stateOf(each))).length;
  const when = job.ended_at ?? job.created_at;
  return (
    <div
      className="ft-Strip-job"
      role="group"
      aria-label={trans.__('Job #%1 of %2', job.index, job.pipeline)}
    >
      <span className="ft-Strip-icon" data-state={state} aria-hidden="true">
        {ICONS[state]}
      </span>
      <span role="status">
        <strong>{job.name || `${job.pipeline} #${job.index}`}</strong> {stateWord(state, trans)}
        {job.reason && ` · ${job.reason}`}
        {' · '}
        {trans.__('%1 of %2 tasks ended', done, job.tasks.length)}
      </span>
      {isEnded(state) && <time title={exact(when, trans)}>{ago(when, Date.now(), trans)}</time>}
      <button type="button" className="ft-Strip-link" onClick={() => actions.openJob(job.id)}>
        {trans.__('Open the job')}
      </button>
      {!isEnded(state) && (
        <button type="button" className="ft-Strip-link" onClick={() => actions.cancelJob(job.id)}>
          {trans.__('Cancel job')}
        </button>
      )}
      <Close label={trans.__('Show this job no more')} onClick={props.onClose} />
    </div>
  );
}

function Close({ label, onClick }: { label: string; onClick: () => void }): React.ReactElement {
  return (
    <button type="button" className="ft-Strip-close" aria-label={label} title={label} onClick={onClick}>
      ✕
    </button>
  );
}
