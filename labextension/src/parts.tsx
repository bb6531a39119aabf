/** Small parts that the views of a cluster are made of. */
import type { LabIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ISignal } from '@lumino/signaling';
import * as React from 'react';

import { sentence } from './words';

/** A button with a picture, and a word for who hovers or hears it. */
export function IconButton(props: {
  icon: LabIcon;
  label: string;
  isDisabled?: boolean;
  /** Whether what it opens is open; left out: it opens nothing. */
  isOpen?: boolean;
  onClick(): void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="ft-Cluster-icon"
      title={props.label}
      aria-label={props.label}
      aria-expanded={props.isOpen}
      disabled={props.isDisabled}
      onClick={props.onClick}
    >
      <props.icon.react tag="span" height="16px" width="16px" />
    </button>
  );
}

/** What a line is about; what is said of it in badges stays in sight where the name is cut. */
export function Name(props: {
  title?: string;
  badges?: React.ReactNode;
  children: React.ReactNode;
}): JSX.Element {
  return (
    <span className="ft-Cluster-title">
      <span className="ft-Cluster-name" title={props.title}>
        {props.children}
      </span>
      {props.badges}
    </span>
  );
}

/** Why something is as it is: its first line, which opens to the rest. */
export function Reason(props: { text: string; isTrouble?: boolean }): JSX.Element {
  const [first, ...rest] = sentence({ message: props.text.trim(), hint: '' }).split('\n');
  const look = props.isTrouble ? 'ft-Cluster-reason ft-Login-problem' : 'ft-Cluster-reason ft-Profiles-place';
  return rest.length > 0 ? (
    <details className={look}>
      <summary>{first}</summary>
      <pre>{rest.join('\n')}</pre>
    </details>
  ) : (
    <p className={look}>{first}</p>
  );
}

/** A field to search in a list; Escape empties it. */
export function Search(props: { label: string; value: string; onChange(value: string): void }): JSX.Element {
  return (
    <input
      type="search"
      className="ft-Cluster-search"
      aria-label={props.label}
      placeholder={props.label}
      value={props.value}
      spellCheck={false}
      onChange={event => props.onChange(event.target.value)}
      onKeyDown={event => {
        if (event.key === 'Escape' && props.value !== '') {
          event.stopPropagation();
          props.onChange('');
        }
      }}
    />
  );
}

/** How much of something is taken, as a bar. */
export function Bar(props: { label: string; value: number; most: number }): JSX.Element {
  const part = props.most > 0 ? Math.min(1, Math.max(0, props.value / props.most)) : 0;
  return (
    <div
      className="ft-Meter"
      role="meter"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.round(part * 100)}
    >
      <div style={{ width: `${part * 100}%` }} />
    </div>
  );
}

/** A choice of one, or of none, shown as chips. */
export function Chips<T extends string>(props: {
  label: string;
  options: readonly { value: T; label: string }[];
  value: T | null;
  onChange(value: T): void;
}): JSX.Element {
  return (
    <div className="ft-Cluster-chips" role="group" aria-label={props.label}>
      {props.options.map(({ value, label }) => (
        <button
          key={value}
          type="button"
          className="ft-Cluster-chip"
          aria-pressed={value === props.value}
          onClick={() => props.onChange(value)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** What to say where there is nothing: that, and what to do. */
export function Nothing(props: { title: string; children?: React.ReactNode }): JSX.Element {
  return (
    <div className="ft-Cluster-nothing">
      <p>{props.title}</p>
      {props.children && <p className="ft-Profiles-place">{props.children}</p>}
    </div>
  );
}

/** What was done, or why not. */
export interface Said {
  words: string;
  isTrouble?: boolean;
}

/** A line that says it, and is heard; nothing where there is nothing to say. */
export function SaidLine({ said }: { said: Said | null }): JSX.Element {
  return (
    <p
      role={said?.isTrouble ? 'alert' : 'status'}
      className={said?.isTrouble ? 'ft-Cluster-said ft-Login-problem' : 'ft-Cluster-said'}
    >
      {said?.words}
    </p>
  );
}

/** A button at the end of a list of which not all is shown. */
export function More(props: { left: number; trans: TranslationBundle; onClick(): void }): JSX.Element | null {
  return props.left > 0 ? (
    <button type="button" className="ft-Button" onClick={props.onClick}>
      {props.trans._n('Show %1 more', 'Show %1 more', props.left)}
    </button>
  ) : null;
}

/** Draw again after each signal. */
export function useSignal(signal: ISignal<unknown, unknown>): void {
  const [, draw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    const again = (): void => draw();
    signal.connect(again);
    return () => void signal.disconnect(again);
  }, [signal]);
}

/** `value`, once it has rested for a moment: for questions that follow typing. */
export function useRested(value: string): string {
  const [rested, setRested] = React.useState(value);
  React.useEffect(() => {
    const timer = setTimeout(() => setRested(value), REST);
    return () => clearTimeout(timer);
  }, [value]);
  return rested;
}

const REST = 250;
