/** A section of the panel for each profile, folded until somebody looks. */
import { refreshIcon, ToolbarButton } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { Api } from '../api';
import type { IPanelSections } from '../tokens';
import { ClusterWidget } from './cluster_view';
import type { Profiles } from './profiles';

/** Keep the panel's sections as the profiles are. */
export function followProfiles(
  profiles: Profiles,
  panel: IPanelSections,
  api: Api,
  trans: TranslationBundle
): void {
  const shown = new Map<string, IDisposable>();
  const follow = (): void => {
    const backends = new Set(profiles.profiles.map(each => each.backend));
    for (const [backend, section] of shown) {
      if (!backends.has(backend)) {
        section.dispose();
        shown.delete(backend);
      }
    }
    for (const backend of backends) {
      if (!shown.has(backend)) {
        const widget = new ClusterWidget(api, trans, backend);
        const again = new ToolbarButton({
          icon: refreshIcon,
          tooltip: trans.__('Ask the cluster again'),
          onClick: () => widget.refresh()
        });
        shown.set(backend, panel.add({ title: backend, widget, buttons: [again] }));
      }
    }
  };
  profiles.changed.connect(follow);
  follow();
}
