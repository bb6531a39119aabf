/** The list at the editor's foot: what is wrong, a line each; a click or Enter goes there. It folds into its first line. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import * as React from 'react';

import type { Problem, Severity } from './graph';
import type { PipelineModel } from './model';

/** So many are shown; a last line says how many more there are. */
const MOST = 500;

const ICONS: Readonly<Record<Severity, string>> = { error: '✕', warning: '⚠', notice: 'ⓘ' };

/** The word for a severity, in the reader's language. */
export function severityWord(severity: Severity, trans: TranslationBundle): string {
  switch (severity) {
    case 'error':
      return trans.__('Error');
    case 'warning':
      return trans.__('Warning');
    case 'notice':
      return trans.__('Notice');
  }
}

/** How many there are, in words: `2 errors, 1 warning`; `No problems`. */
export function countWords(problems: readonly Problem[], trans: TranslationBundle): string {
  const count = (severity: Severity) => problems.filter(problem => problem.severity === severity).length;
  const [errors, warnings, notices] = [count('error'), count('warning'), count('notice')];
  const words = [
    errors ? trans._n('%1 error', '%1 errors', errors) : '',
    warnings ? trans._n('%1 warning', '%1 warnings', warnings) : '',
    notices ? trans._n('%1 notice', '%1 notices', notices) : ''
  ].filter(Boolean);
  return words.length ? words.join(', ') : trans.__('No problems');
}

/** Follows a model's problems; `opened` tells which one the user wants to see. */
export class ProblemsList extends ReactWidget {
  /** Of `model`, in the language of `trans`. */
  constructor(
    private readonly model: PipelineModel,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('ft-Problems');
    model.changed.connect(this.update, this);
  }

  /** Whether only the first line is shown, which says how many there are. */
  get isFolded(): boolean {
    return this._isFolded;
  }
  set isFolded(value: boolean) {
    this._isFolded = value;
    this.update();
    this._folded.emit(value);
  }

  /** It was folded, or unfolded. */
  get folded(): ISignal<this, boolean> {
    return this._folded;
  }

  /** The user chose a problem. */
  get opened(): ISignal<this, Problem> {
    return this._opened;
  }

  dispose(): void {
    Signal.clearData(this);
    super.dispose();
  }

  protected render(): React.ReactElement {
    return (
      <Problems
        problems={this.model.problems}
        trans={this.trans}
        isFolded={this.isFolded}
        onFold={isFolded => (this.isFolded = isFolded)}
        onOpen={one => this._opened.emit(one)}
      />
    );
  }

  private _isFolded = false;
  private readonly _folded = new Signal<this, boolean>(this);
  private readonly _opened = new Signal<this, Problem>(this);
}

/** What {@link Problems} is told. */
export interface IProblemsProps {
  problems: readonly Problem[];
  trans: TranslationBundle;
  isFolded?: boolean;
  onFold?: (isFolded: boolean) => void;
  onOpen: (problem: Problem) => void;
}

/** The list itself. One line has the tab stop; arrows, Home and End move it. */
export function Problems(props: IProblemsProps): React.ReactElement {
  const { problems, trans, isFolded = false, onFold, onOpen } = props;
  const shown = problems.slice(0, MOST);
  const [chosen, choose] = React.useState(0);
  const current = Math.min(chosen, Math.max(shown.length - 1, 0));
  const list = React.useRef<HTMLUListElement>(null);
  const onKey = (event: React.KeyboardEvent) => {
    const target = { ArrowDown: current + 1, ArrowUp: current - 1, Home: 0, End: shown.length - 1 }[
      event.key
    ];
    if (target !== undefined) {
      const next = Math.min(Math.max(target, 0), shown.length - 1);
      choose(next);
      list.current?.querySelectorAll<HTMLElement>('[role="option"]')[next]?.focus();
    } else if ((event.key === 'Enter' || event.key === ' ') && shown[current]) {
      onOpen(shown[current]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <section aria-label={trans.__('Problems')}>
      <div className="ft-Problems-head">
        <p className="ft-Problems-count" role="status">
          {countWords(problems, trans)}
        </p>
        {onFold && shown.length > 0 && <FoldButton isFolded={isFolded} trans={trans} onFold={onFold} />}
      </div>
      {shown.length > 0 && !isFolded && (
        <ul ref={list} role="listbox" aria-label={trans.__('Problems')} onKeyDown={onKey}>
          {shown.map((problem, place) => (
            <Line
              key={place}
              problem={problem}
              trans={trans}
              isCurrent={place === current}
              onOpen={() => {
                choose(place);
                onOpen(problem);
              }}
            />
          ))}
        </ul>
      )}
      {problems.length > MOST && !isFolded && (
        <p>{trans.__('%1 more are not shown', problems.length - MOST)}</p>
      )}
    </section>
  );
}

function FoldButton(props: {
  isFolded: boolean;
  trans: TranslationBundle;
  onFold: (isFolded: boolean) => void;
}): React.ReactElement {
  const { isFolded, trans, onFold } = props;
  const label = isFolded ? trans.__('Show the list of problems') : trans.__('Fold the list of problems');
  return (
    <button
      type="button"
      className="ft-Problems-fold"
      aria-expanded={!isFolded}
      aria-label={label}
      title={label}
      onClick={() => onFold(!isFolded)}
    >
      <span aria-hidden="true">{isFolded ? '▴' : '▾'}</span>
    </button>
  );
}

function Line(props: {
  problem: Problem;
  trans: TranslationBundle;
  isCurrent: boolean;
  onOpen: () => void;
}): React.ReactElement {
  const { problem, trans, isCurrent, onOpen } = props;
  const { severity, line, column, message, hint, task } = problem;
  const place = line > 0 ? trans.__('line %1, column %2', line, column) : trans.__('whole file');
  return (
    <li
      role="option"
      aria-selected={isCurrent}
      tabIndex={isCurrent ? 0 : -1}
      className="ft-Problem"
      data-severity={severity}
      onClick={onOpen}
    >
      <span className="ft-Problem-severity">
        <span aria-hidden="true">{ICONS[severity]}</span> {severityWord(severity, trans)}
      </span>{' '}
      <span className="ft-Problem-place">{task ? `${task}, ${place}` : place}</span>{' '}
      <span className="ft-Problem-message">{message}</span>
      {hint && <span className="ft-Problem-hint"> {hint}</span>}
    </li>
  );
}
