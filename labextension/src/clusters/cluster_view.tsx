/** One cluster in the panel: what is free there and what one may have, vfolders, sessions. Asked when it is shown. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { word, type Api } from '../api';
import { FoldersView } from './folders_view';
import { ResourcesView } from './resources_view';
import { SessionsView } from './sessions_view';

/** What the parts of a section are given. */
export interface ClusterContext {
  api: Api;
  trans: TranslationBundle;
  /** Where its operations are. */
  place: string;
}

type Tab = 'resources' | 'folders' | 'sessions';

/** The content of one profile's section. */
export class ClusterWidget extends ReactWidget {
  constructor(
    private readonly api: Api,
    private readonly trans: TranslationBundle,
    private readonly backend: string
  ) {
    super();
    this.addClass('ft-Cluster');
  }

  /** Ask the cluster anew. */
  refresh(): void {
    this.count++;
    this.update();
  }

  protected onAfterShow(): void {
    this.wasShown = true;
    this.update();
  }

  protected render(): JSX.Element {
    const context = { api: this.api, trans: this.trans, place: `clusters/${word(this.backend)}` };
    return this.wasShown || this.isVisible ? <Tabs key={this.count} context={context} /> : <></>;
  }

  private count = 0;
  private wasShown = false;
}

function Tabs({ context }: { context: ClusterContext }): JSX.Element {
  const { trans } = context;
  const [tab, setTab] = React.useState<Tab>('resources');
  const labels: Readonly<Record<Tab, string>> = {
    resources: trans.__('Resources'),
    folders: trans.__('Vfolders'),
    sessions: trans.__('Sessions')
  };
  const Views = { resources: ResourcesView, folders: FoldersView, sessions: SessionsView };
  const Shown = Views[tab];
  return (
    <>
      <div className="ft-Cluster-tabs" role="group" aria-label={trans.__('What to show of the cluster')}>
        {(Object.keys(labels) as Tab[]).map(each => (
          <button
            key={each}
            type="button"
            className="ft-Button"
            aria-pressed={each === tab}
            onClick={() => setTab(each)}
          >
            {labels[each]}
          </button>
        ))}
      </div>
      <div className="ft-Cluster-body">
        <Shown context={context} />
      </div>
    </>
  );
}
