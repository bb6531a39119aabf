/** An answer of a cluster that a view waits for. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { sentence, troubleHere } from './words';

/** What was asked for: null until it is there; what was thrown instead, if anything; and a way to ask again. */
export interface Asked<T> {
  value: T | null;
  trouble: unknown;
  /** Whether an answer is on its way. */
  isAsking: boolean;
  again(): void;
}

/** How an answer is kept up to date. */
export interface Freshness {
  /** Another number: ask again, and show meanwhile what is known. */
  round: number;
  /** Whether somebody looks: only then it is asked. */
  isSeen: boolean;
  /** Milliseconds between two questions; none: only when told to. */
  every?: number;
}

interface State<T> {
  about: string;
  value: T | null;
  trouble: unknown;
  isAsking: boolean;
}

/** A question that is on its way. */
interface Flight {
  aborter: AbortController;
  /** Whether it was asked again meanwhile. */
  isDue: boolean;
}

/**
 * Ask when first seen, again when told to, and when `about` changes, of which nothing is known then. An answer that
 * came too late is dropped; one that fails leaves what is known. Asked again while a question is on its way, that one
 * comes home first: where answers take longer than the pause between questions there would never be one.
 */
export function useAnswer<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  about: string,
  { round, isSeen, every }: Freshness
): Asked<T> {
  const [state, setState] = React.useState<State<T>>({ about, value: null, trouble: null, isAsking: true });
  const [count, again] = React.useReducer((before: number) => before + 1, 0);
  const flight = React.useRef<Flight | null>(null);
  React.useEffect(
    () => () => {
      flight.current?.aborter.abort();
      flight.current = null;
    },
    [about, isSeen]
  );
  React.useEffect(() => {
    if (flight.current) {
      flight.current.isDue = true;
    }
    if (flight.current || !isSeen) {
      return;
    }
    const mine: Flight = { aborter: new AbortController(), isDue: false };
    flight.current = mine;
    const land = (change: (now: State<T>) => State<T>): void => {
      if (flight.current === mine) {
        flight.current = null;
        setState(change);
        if (mine.isDue) {
          again();
        }
      }
    };
    setState(now => (now.about === about ? { ...now, isAsking: true } : { ...EMPTY, about }));
    ask(mine.aborter.signal).then(
      value => land(() => ({ about, value, trouble: null, isAsking: false })),
      (error: unknown) => land(now => ({ ...now, trouble: error, isAsking: false }))
    );
  }, [about, round, count, isSeen]);
  React.useEffect(() => {
    const askAgain = (): void => void (!document.hidden && !flight.current && again());
    const timer = isSeen && every ? setInterval(askAgain, every) : undefined;
    return () => clearInterval(timer);
  }, [isSeen, every]);
  return state.about === about ? { ...state, again } : { ...EMPTY, again };
}

const EMPTY = { value: null, trouble: null, isAsking: true };

/** What stands where an answer is not there: that it is waited for, or why there is none. */
export function Waiting({
  asked,
  trans
}: {
  asked: Asked<unknown>;
  trans: TranslationBundle;
}): JSX.Element | null {
  if (asked.trouble !== null) {
    return (
      <p className="ft-Login-problem" role="alert">
        {sentence(troubleHere(asked.trouble, trans))}{' '}
        <button type="button" className="ft-Button" onClick={asked.again}>
          {trans.__('Try again')}
        </button>
      </p>
    );
  }
  return asked.value === null ? (
    <p role="status" className="ft-Cluster-wait">
      {trans.__('Asking …')}
    </p>
  ) : null;
}
