/** An answer of a cluster that a view waits for. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { sentence, troubleOf } from '../words';

/** What was asked for: null until it is there; its trouble in words; and a way to ask again. */
export interface Asked<T> {
  value: T | null;
  trouble: string;
  again(): void;
}

/** Ask when first shown, and again when `about` changes; an answer that came too late is dropped. */
export function useAnswer<T>(ask: () => Promise<T>, about: string): Asked<T> {
  const [state, setState] = React.useState<{ value: T | null; trouble: string }>({
    value: null,
    trouble: ''
  });
  const [count, again] = React.useReducer((before: number) => before + 1, 0);
  React.useEffect(() => {
    let isCurrent = true;
    ask().then(
      value => isCurrent && setState({ value, trouble: '' }),
      (error: unknown) => isCurrent && setState({ value: null, trouble: sentence(troubleOf(error)) })
    );
    return () => void (isCurrent = false);
  }, [about, count]);
  return { ...state, again };
}

/** What stands where an answer is not there: that it is waited for, or why there is none. */
export function Waiting({ asked, trans }: { asked: Asked<unknown>; trans: TranslationBundle }): JSX.Element {
  return asked.trouble ? (
    <p className="ft-Login-problem" role="alert">
      {asked.trouble}{' '}
      <button type="button" className="ft-Button" onClick={asked.again}>
        {trans.__('Try again')}
      </button>
    </p>
  ) : (
    <p role="status">{trans.__('Asking the cluster…')}</p>
  );
}
