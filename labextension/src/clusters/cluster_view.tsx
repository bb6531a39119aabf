/**
 * One cluster: what is free there and what one may have, images, vfolders, sessions. The same in the panel, where it
 * is narrow, and in the main area. It is asked when it is looked at, not before; a view that was left is kept.
 */
import * as React from 'react';

import { word } from '../api';
import type { Freshness } from '../asking';
import { SeenWidget } from '../seen_widget';
import type { ClusterContext, ClusterServices } from './context';
import { FoldersView } from './folders_view';
import { ImagesView } from './images_view';
import { ResourcesView } from './resources_view';
import { SessionsView } from './sessions_view';
import { Uploads } from './uploads';

type Tab = 'resources' | 'images' | 'folders' | 'sessions';

const VIEWS: Readonly<Record<Tab, (props: { context: ClusterContext }) => JSX.Element>> = {
  resources: ResourcesView,
  images: ImagesView,
  folders: FoldersView,
  sessions: SessionsView
};

/** See the head of this file. */
export class ClusterWidget extends SeenWidget {
  constructor(
    private readonly services: ClusterServices,
    readonly backend: string
  ) {
    super();
    this.addClass('ft-Cluster');
    this.place = `clusters/${word(backend)}`;
    this.uploads = new Uploads(services.api, folder => `${this.place}/folders/${word(folder)}`);
  }

  dispose(): void {
    this.uploads.dispose();
    super.dispose();
  }

  protected view(fresh: Freshness): JSX.Element {
    const { services, backend, place, uploads } = this;
    return <Tabs context={{ ...services, backend, place, uploads, fresh }} />;
  }

  private readonly place: string;
  private readonly uploads: Uploads;
}

function Tabs({ context }: { context: ClusterContext }): JSX.Element {
  const { trans } = context;
  const [tab, setTab] = React.useState<Tab>('resources');
  const [opened, setOpened] = React.useState<ReadonlySet<Tab>>(new Set([tab]));
  const id = React.useId();
  const labels: Readonly<Record<Tab, string>> = {
    resources: trans.__('Resources'),
    images: trans.__('Images'),
    folders: trans.__('Vfolders'),
    sessions: trans.__('Sessions')
  };
  const tabs = Object.keys(labels) as Tab[];
  const show = (next: Tab): void => {
    setTab(next);
    setOpened(new Set([...opened, next]));
  };
  const step = (event: React.KeyboardEvent): void => {
    const by = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (by !== 0) {
      const next = tabs[(tabs.indexOf(tab) + by + tabs.length) % tabs.length];
      show(next);
      document.getElementById(`${id}-${next}`)?.focus();
    }
  };
  return (
    <>
      <div
        role="tablist"
        className="ft-Tabs"
        aria-label={trans.__('What to show of %1', context.backend)}
        onKeyDown={step}
      >
        {tabs.map(each => (
          <button
            key={each}
            id={`${id}-${each}`}
            type="button"
            role="tab"
            aria-selected={each === tab}
            aria-controls={`${id}-panel-${each}`}
            tabIndex={each === tab ? 0 : -1}
            onClick={() => show(each)}
          >
            {labels[each]}
          </button>
        ))}
      </div>
      {tabs.map(each => {
        const View = VIEWS[each];
        const fresh = { ...context.fresh, isSeen: context.fresh.isSeen && each === tab };
        return (
          <div
            key={each}
            role="tabpanel"
            id={`${id}-panel-${each}`}
            aria-labelledby={`${id}-${each}`}
            className="ft-Cluster-body"
            hidden={each !== tab}
          >
            {opened.has(each) && <View context={{ ...context, fresh }} />}
          </div>
        );
      })}
    </>
  );
}
