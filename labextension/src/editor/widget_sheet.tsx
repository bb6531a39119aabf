/** A sheet over the canvas's right edge that blocks nothing: parameters, a plan, the list of keys. One at a time. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { PlanView } from '../generated';
import type { KeyHelp } from './commands_keys';

/** Shows what it is given, until it is closed. */
export class Sheet extends ReactWidget {
  constructor(private readonly onClosed: () => void) {
    super();
    this.addClass('ft-Editor-sheet');
    this.node.addEventListener('keydown', event => {
      if (event.key === 'Escape') {
        event.stopPropagation();
        this.close();
      }
    });
    this.hide();
  }

  /** Show `content` instead of what was there; `onGone` is told when it is not shown any more. */
  open(content: React.ReactElement, onGone?: () => void): void {
    this.onGone?.();
    this.onGone = onGone;
    this.content = content;
    this.number++;
    this.show();
    this.update();
  }

  /** Show nothing, and give the keyboard back. */
  close(): void {
    if (this.content) {
      this.content = null;
      this.onGone?.();
      this.onGone = undefined;
      this.hide();
      this.update();
      this.onClosed();
    }
  }

  protected render(): React.ReactElement | null {
    return this.content && <React.Fragment key={this.number}>{this.content}</React.Fragment>;
  }

  private content: React.ReactElement | null = null;
  private onGone: (() => void) | undefined;
  private number = 0;
}

/** The list of keys. */
export function KeysHelp(props: {
  keys: readonly KeyHelp[];
  trans: TranslationBundle;
  onClose: () => void;
}): React.ReactElement {
  return (
    <section className="ft-Editor-help" aria-label={props.trans.__('Keys')}>
      <Head title={props.trans.__('Keys, while the canvas has the focus')} {...props} />
      <dl>
        {props.keys.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map(key => (
                <kbd key={key}>{key}</kbd>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** What a job would do: a line for each task, refused ones first. */
export function PlanList(props: {
  plan: PlanView;
  trans: TranslationBundle;
  onTask: (name: string) => void;
  onClose: () => void;
}): React.ReactElement {
  const { plan, trans, onTask } = props;
  const isRefused = (decision: string) => decision === 'refused';
  const tasks = [...plan.tasks].sort((a, b) => Number(isRefused(b.decision)) - Number(isRefused(a.decision)));
  const words = decisionWords(trans);
  const marks = { 'will run': '▶', reused: '↺', skipped: '⤼', refused: '✕' };
  return (
    <section className="ft-Editor-plan" aria-label={trans.__('Plan')}>
      <Head title={trans.__('What a job would do on %1', plan.backend)} {...props} />
      <p>{planSummary(plan, trans)}</p>
      {plan.expected_seconds !== null && (
        <p>{trans.__('Expected to take %1 s, as earlier jobs did.', Math.round(plan.expected_seconds))}</p>
      )}
      <ul>
        {tasks.slice(0, 500).map(({ path, task, decision, reason, backend, notes = [] }) => (
          <li key={path} data-decision={decision}>
            <button type="button" onClick={() => onTask(task)}>
              <span aria-hidden="true">{marks[decision]}</span> {task}
            </button>
            <span>
              {reason.startsWith(words[decision])
                ? reason
                : [words[decision], reason].filter(Boolean).join(' · ')}
            </span>
            {backend !== plan.backend && <small>{trans.__('on %1', backend)}</small>}
            {notes.map(note => (
              <small key={note}>{note}</small>
            ))}
          </li>
        ))}
      </ul>
      {tasks.length > 500 && <p>{trans.__('%1 more are not shown', tasks.length - 500)}</p>}
    </section>
  );
}

/** `3 will run, 12 reused, 1 refused`. */
export function planSummary({ tasks }: PlanView, trans: TranslationBundle): string {
  const count = (wanted: string) => tasks.filter(({ decision }) => decision === wanted).length;
  const parts: [number, string][] = [
    [count('will run'), trans._n('%1 will run', '%1 will run', count('will run'))],
    [count('reused'), trans._n('%1 reused', '%1 reused', count('reused'))],
    [count('skipped'), trans._n('%1 skipped', '%1 skipped', count('skipped'))],
    [count('refused'), trans._n('%1 refused', '%1 refused', count('refused'))]
  ];
  return parts
    .filter(([number]) => number > 0)
    .map(([, words]) => words)
    .join(', ');
}

/** What a plan decides of a task, in the reader's language. */
export function decisionWords(
  trans: TranslationBundle
): Readonly<Record<PlanView['tasks'][number]['decision'], string>> {
  return {
    'will run': trans.__('will run'),
    reused: trans.__('reused'),
    skipped: trans.__('skipped'),
    refused: trans.__('refused')
  };
}

/** A title, and the way out. */
export function Head(props: {
  title: string;
  trans: TranslationBundle;
  onClose: () => void;
}): React.ReactElement {
  const button = React.useRef<HTMLButtonElement>(null);
  React.useEffect(() => button.current?.focus(), []);
  return (
    <header>
      <h3>{props.title}</h3>
      <button ref={button} type="button" className="jp-mod-styled" onClick={props.onClose}>
        {props.trans.__('Close')}
      </button>
    </header>
  );
}
