/** What is folded in a job's tree of task instances, and the handle that folds it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { type Branch, foldKey, nameOf } from './instances';

/** What somebody opened and folded. */
export interface Folds {
  /** By path: true for opened. */
  folds: ReadonlyMap<string, boolean>;
  /** Open what is folded, fold what is open. */
  turn(row: Branch): void;
  /** What keys do at `rows`: the path of the row to be at then; null for a key that does nothing. */
  keysOf(rows: readonly Branch[]): (key: string, path: string) => string | null;
}

/** Folding, kept as long as the view is shown. */
export function useFolds(): Folds {
  const [folds, setFolds] = React.useState<ReadonlyMap<string, boolean>>(new Map());
  const set = (path: string, isOpen: boolean): void => setFolds(now => new Map(now).set(path, isOpen));
  return {
    folds,
    turn: row => set(row.task.path, !row.isOpen),
    keysOf: rows => (key, path) => {
      const row = rows.find(each => each.task.path === path);
      const does = row ? foldKey(key, row) : null;
      if (typeof does === 'boolean') {
        set(path, does);
        return path;
      }
      return does;
    }
  };
}

/** The triangle before a row; the keyboard has the arrows instead. */
export function FoldHandle(props: {
  row: Branch;
  trans: TranslationBundle;
  onFold(row: Branch): void;
}): JSX.Element {
  const { row, trans } = props;
  if (row.inside.length === 0) {
    return <span className="ft-Fold" aria-hidden="true" />;
  }
  const words = row.isOpen ? trans.__('Fold %1', nameOf(row)) : trans.__('Unfold %1', nameOf(row));
  return (
    <span
      className="ft-Fold"
      aria-hidden="true"
      title={words}
      onClick={event => {
        event.stopPropagation();
        props.onFold(row);
      }}
    >
      {row.isOpen ? '▾' : '▸'}
    </span>
  );
}
