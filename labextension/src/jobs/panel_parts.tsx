/** Small parts that all sections of the panel are made of. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { ICONS, stateWord, type State } from '../status';
import type { Jobs } from './model';
import { capital, type Trouble } from '../words';

/** Draw again after each signal. */
export function useSignals(...signals: readonly ISignal<unknown, unknown>[]): void {
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const again = (): void => draw();
    signals.forEach(signal => signal.connect(again));
    return () => signals.forEach(signal => signal.disconnect(again));
  }, signals);
}

/** The time now, in milliseconds; what shows it is drawn anew every `every` milliseconds. */
export function useNow(every: number): number {
  const [, again] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const timer = setInterval(() => !document.hidden && again(), every);
    return () => clearInterval(timer);
  }, [every]);
  return Date.now();
}

/** A state's icon in its colour; its word for those who hover, and for screen readers unless `isSilent`. */
export function StateIcon(props: {
  state: State;
  trans: TranslationBundle;
  isSilent?: boolean;
}): JSX.Element {
  const { state, trans, isSilent } = props;
  const word = stateWord(state, trans);
  const spoken = isSilent ? { 'aria-hidden': true } : { role: 'img', 'aria-label': word };
  return (
    <span className="jp-ft-state" data-state={state} title={word} {...spoken}>
      {ICONS[state]}
    </span>
  );
}

/** What to say where there is nothing: why, and what to do. */
export function Empty(props: { title: string; children?: React.ReactNode }): JSX.Element {
  return (
    <div className="jp-ft-empty">
      <p className="jp-ft-empty-title">{props.title}</p>
      {props.children}
    </div>
  );
}

/** A button with a word on it. */
export function TextButton(props: {
  label: string;
  onClick: () => void;
  title?: string;
  kind?: 'primary' | 'plain' | 'danger';
}): JSX.Element {
  return (
    <button
      type="button"
      className="jp-ft-button"
      data-kind={props.kind ?? 'plain'}
      title={props.title}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}

/** Something went wrong: what, what to do, and a way to try again. */
export function TroubleNote(props: { trouble: Trouble; label?: string; onClick?: () => void }): JSX.Element {
  return (
    <div className="jp-ft-trouble" role="status">
      <div>
        <strong>{capital(props.trouble.message)}</strong>
        {props.trouble.hint ? <div>{capital(props.trouble.hint)}</div> : null}
      </div>
      {props.label && props.onClick ? <TextButton label={props.label} onClick={props.onClick} /> : null}
    </div>
  );
}

/** How the connection is, where it is not well: the server's words and the remedy. */
export function ConnectionNote(props: { jobs: Jobs; trans: TranslationBundle }): JSX.Element | null {
  const { jobs, trans } = props;
  useSignals(jobs.connectionChanged);
  const isSlow = useIsSlow(jobs.connection === 'connecting');
  const again = (): void => jobs.refresh();
  switch (jobs.connection) {
    case 'connected':
      return null;
    case 'signed-out':
      return (
        <TroubleNote
          trouble={{
            message: trans.__('You are signed out'),
            hint: trans.__('Sign in to Jupyter again in another tab, then try again. Jobs go on meanwhile.')
          }}
          label={trans.__('Try again')}
          onClick={again}
        />
      );
    case 'lost':
      return (
        <TroubleNote
          trouble={jobs.trouble ?? { message: trans.__('The server does not answer'), hint: '' }}
          label={trans.__('Try again')}
          onClick={again}
        />
      );
    case 'connecting':
      return isSlow ? (
        <TroubleNote trouble={jobs.trouble ?? { message: trans.__('Waiting for the engine'), hint: '' }} />
      ) : null;
  }
}

/** Whether something has lasted long enough to be spoken of. */
function useIsSlow(isOn: boolean): boolean {
  const [isSlow, setIsSlow] = React.useState(false);
  React.useEffect(() => {
    setIsSlow(false);
    const timer = isOn ? setTimeout(() => setIsSlow(true), 300) : undefined;
    return () => clearTimeout(timer);
  }, [isOn]);
  return isSlow;
}
