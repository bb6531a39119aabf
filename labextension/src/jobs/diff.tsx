/** What differs between two pipelines, in a tab. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Api } from '../api';
import { useAnswer, Waiting, type Freshness } from '../asking';
import type { PipelineDiff } from '../generated';
import { SeenWidget } from '../seen_widget';
import { DiffSections, summaryOf } from '../viewers/diff';
import { diffIcon } from './icons';

/** Two jobs, or a job and a file as it is now. */
export type DiffOf = { one: string; other: string } | { one: string; source: string };

/** What the view is made with. */
export interface DiffContext {
  api: Api;
  trans: TranslationBundle;
}

/** See the head of this file. */
export class DiffPanel extends SeenWidget {
  constructor(
    private readonly context: DiffContext,
    readonly of: DiffOf
  ) {
    super();
    this.addClass('ft-Diff');
    this.node.tabIndex = -1;
    this.title.icon = diffIcon;
    this.title.label = context.trans.__('Differences');
  }

  protected view(fresh: Freshness): JSX.Element {
    const onTitle = (title: string): void => {
      this.title.label = title;
    };
    return <Diff {...this.context} of={this.of} fresh={fresh} onTitle={onTitle} />;
  }
}

function Diff(
  props: DiffContext & { of: DiffOf; fresh: Freshness; onTitle(title: string): void }
): JSX.Element {
  const { api, trans, of, fresh, onTitle } = props;
  const other = 'other' in of ? { job: of.other } : { source: of.source };
  const asked = useAnswer(
    () => api.send<PipelineDiff>('POST', 'diff', { one: { job: of.one }, other, code: true }),
    JSON.stringify(of),
    fresh
  );
  const diff = asked.value;
  React.useEffect(() => {
    if (diff) {
      onTitle(`${diff.one} → ${diff.other}`);
    }
  }, [diff]);
  return (
    <>
      <Waiting asked={asked} trans={trans} />
      {diff && (
        <>
          <header>
            <h2>
              {diff.one} → {diff.other}
            </h2>
            <p>{summaryOf(diff, trans)}</p>
            <button type="button" className="ft-Button" onClick={asked.again}>
              {trans.__('Ask anew')}
            </button>
          </header>
          <DiffSections diff={diff} trans={trans} />
        </>
      )}
    </>
  );
}
