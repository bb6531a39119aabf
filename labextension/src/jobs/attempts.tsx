/** The attempts of a task instance, and exactly what the chosen one ran: command, image, environment, inputs. */
import { Clipboard, Notification } from '@jupyterlab/apputils';
import * as React from 'react';

import type { AttemptView, SessionView } from '../generated';
import { ICONS, stateOf, stateWord } from '../status';
import { Fact } from './resources';
import { hasApps, TaskApps } from './task_apps';
import { TaskPanel, taskRoute } from './task_panel';
import { duration, exact, secondsBetween } from '../time';

/** The dock's tab "Attempts". */
export class AttemptsPanel extends TaskPanel {
  protected async ask(signal: AbortSignal): Promise<void> {
    const { api } = this.context;
    const query = { path: this.path };
    this.attempts = await api.get<AttemptView[]>(
      `jobs/${encodeURIComponent(this.job)}/attempts`,
      query,
      signal
    );
    await this.askSession(signal);
  }

  protected present(): JSX.Element {
    const { trans } = this.context;
    return (
      <>
        {this.attempts.length === 0 && (
          <p className="ft-TaskPanel-hint">
            {this.instance?.reason || trans.__('It has not been tried yet.')}
          </p>
        )}
        {this.presentApps()}
        <ol className="ft-Attempts">
          {this.attempts.map(attempt => (
            <li key={attempt.id}>{this.presentAttempt(attempt)}</li>
          ))}
        </ol>
        {this.session && this.presentSession(this.session)}
      </>
    );
  }

  private presentApps(): JSX.Element | null {
    const { instance, context } = this;
    const attempt = this.attempts.find(each => each.number === instance?.attempts);
    return instance && attempt && hasApps(instance) ? (
      <TaskApps key={attempt.id} context={context} backend={instance.backend} attempt={attempt} />
    ) : null;
  }

  private presentAttempt(attempt: AttemptView): JSX.Element {
    const { trans } = this.context;
    const state = stateOf(attempt);
    const code = attempt.exit_code === null ? '' : trans.__('exit code %1', attempt.exit_code);
    return (
      <button
        type="button"
        className="ft-Attempts-one"
        aria-pressed={attempt.number === (this.session?.attempt ?? this.chosen)}
        onClick={() => {
          this.chosen = attempt.number;
          void this.attempt(signal => this.askSession(signal));
        }}
      >
        <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
          {ICONS[state]}
        </span>
        <span>
          {trans.__('Attempt %1: %2', attempt.number, stateWord(state, trans))}
          <small>
            {[attempt.status, attempt.reason, code, this.took(attempt)].filter(Boolean).join(' · ')}
          </small>
        </span>
        <time dateTime={attempt.started_at ?? attempt.created_at}>
          {exact(attempt.started_at ?? attempt.created_at, trans)}
        </time>
      </button>
    );
  }

  private took(attempt: AttemptView): string {
    const seconds = secondsBetween(attempt.started_at, attempt.ended_at, Date.now());
    return seconds === null ? '' : duration(seconds, this.context.trans);
  }

  private presentSession(session: SessionView): JSX.Element {
    const { trans } = this.context;
    const facts: [string, React.ReactNode][] = [
      [trans.__('Image'), session.image ?? trans.__('the default')],
      [trans.__('Mode'), session.mode],
      [
        trans.__('Resources'),
        Object.entries(session.slots ?? {})
          .map(([slot, amount]) => `${slot} ${amount}`)
          .join(', ')
      ],
      [trans.__('Shared memory'), session.shmem],
      [trans.__('Timeout'), session.timeout === null ? null : trans.__('%1 s', session.timeout)],
      [trans.__('Containers'), session.cluster_size > 1 ? String(session.cluster_size) : null],
      [trans.__('Code'), session.git ? `${session.git.url}@${session.git.ref ?? ''}` : session.code],
      [trans.__('Mounts'), session.mounts.map(mount => Object.values(mount).join(':')).join(', ')],
      ...session.inputs.map((input, index): [string, React.ReactNode] => [
        `/pipeline/input${index + 1}`,
        input ?? trans.__('empty')
      ]),
      ...Object.entries(session.named_inputs ?? {}).map(([name, from]): [string, React.ReactNode] => [
        `/pipeline/inputs/${name}`,
        from
      ]),
      [trans.__('Outputs'), session.outputs]
    ];
    return (
      <section aria-label={trans.__('What attempt %1 ran', session.attempt)}>
        {session.reason && <p className="ft-TaskPanel-hint">{session.reason}</p>}
        {session.command !== null && (
          <>
            <h3>{trans.__('Command')}</h3>
            <pre className="ft-Attempts-command" tabIndex={0}>
              {session.command}
            </pre>
            <button
              type="button"
              className="ft-Button"
              onClick={() => {
                Clipboard.copyToSystem(session.command ?? '');
                Notification.success(trans.__('The command is on the clipboard.'), { autoClose: 2500 });
              }}
            >
              {trans.__('Copy command')}
            </button>
          </>
        )}
        <table className="ft-TaskPanel-facts" aria-label={trans.__('Session')}>
          <tbody>
            {facts.map(([name, value]) => value && <Fact key={name} name={name} value={value} />)}
          </tbody>
        </table>
        <Environ
          environ={session.environ ?? {}}
          title={trans.__('Environment variables')}
          secret={trans.__('secret')}
        />
      </section>
    );
  }

  private async askSession(signal: AbortSignal): Promise<void> {
    if (this.attempts.length) {
      const query = { attempt: this.chosen };
      this.session = await this.context.api.get<SessionView>(
        `${taskRoute(this.job, this.path)}/session`,
        query,
        signal
      );
    }
  }

  private attempts: readonly AttemptView[] = [];
  private session: SessionView | null = null;
  private chosen: number | undefined;
}

function Environ(props: {
  environ: Readonly<Record<string, string | null>>;
  title: string;
  secret: string;
}): JSX.Element {
  const entries = Object.entries(props.environ);
  return (
    <details>
      <summary>
        {props.title} ({entries.length})
      </summary>
      <table className="ft-TaskPanel-facts" aria-label={props.title}>
        <tbody>
          {entries.map(([name, value]) => (
            <Fact key={name} name={name} value={value ?? <em>{props.secret}</em>} />
          ))}
        </tbody>
      </table>
    </details>
  );
}
