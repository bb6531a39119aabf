/** What differs from a job, as a list beside the canvas. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { PipelineDiff } from '../generated';
import { DiffSections, summaryOf } from '../viewers/diff';
import type { Change } from './graph';
import { Head } from './widget_sheet';

/** See the head of this file. */
export function DiffList(props: {
  diff: PipelineDiff;
  trans: TranslationBundle;
  onTask: (name: string) => void;
  onClose: () => void;
}): React.ReactElement {
  const { diff, trans } = props;
  return (
    <section className="ft-Editor-diff" aria-label={trans.__('Differences')}>
      <Head title={trans.__('Since %1', diff.one)} {...props} />
      <p>{summaryOf(diff, trans)}</p>
      <DiffSections {...props} />
    </section>
  );
}

/** What became of a task, in the reader's language. */
export function howWords(trans: TranslationBundle): Readonly<Record<Change, string>> {
  return { added: trans.__('added'), removed: trans.__('removed'), changed: trans.__('changed') };
}
