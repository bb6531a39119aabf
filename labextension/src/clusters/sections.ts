/** A section of the panel for each profile, folded until somebody looks; and each cluster as a tab of its own. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { MainAreaWidget } from '@jupyterlab/apputils';
import { kernelIcon, launchIcon, refreshIcon, ToolbarButton, type LabIcon } from '@jupyterlab/ui-components';
import type { IDisposable } from '@lumino/disposable';

import { CommandIDs, type IPanelSections } from '../tokens';
import { ClusterWidget } from './cluster_view';
import type { ClusterServices } from './context';
import type { Profiles } from './profiles';

/** Keep the panel's sections as the profiles are. */
export function followProfiles(profiles: Profiles, panel: IPanelSections, services: ClusterServices): void {
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
        const widget = new ClusterWidget(services, backend);
        shown.set(backend, panel.add({ title: backend, widget, buttons: buttonsOf(widget, services) }));
      }
    }
  };
  profiles.changed.connect(follow);
  follow();
}

function buttonsOf(widget: ClusterWidget, { commands, trans }: ClusterServices): ToolbarButton[] {
  const { backend } = widget;
  const button = (icon: LabIcon, tooltip: string, onClick: () => void): ToolbarButton =>
    new ToolbarButton({ icon, tooltip, onClick });
  return [
    button(
      launchIcon,
      trans.__('Open %1 as a tab', backend),
      () => void commands.execute(CommandIDs.openCluster, { backend })
    ),
    button(refreshIcon, trans.__('Ask the cluster again'), () => widget.refresh())
  ];
}

/** Show a cluster in the main area; one that is open already comes to the front. */
export function openCluster(shell: JupyterFrontEnd.IShell, services: ClusterServices, backend: string): void {
  const id = `fasttrack-cluster-${backend}`;
  if (![...shell.widgets('main')].some(each => each.id === id)) {
    const content = new ClusterWidget(services, backend);
    content.addClass('ft-mod-wide');
    const widget = new MainAreaWidget({ content });
    widget.id = id;
    widget.title.icon = kernelIcon;
    widget.title.label = backend;
    widget.title.caption = services.trans.__('The cluster of %1', backend);
    widget.title.closable = true;
    widget.toolbar.addItem(
      'refresh',
      new ToolbarButton({
        icon: refreshIcon,
        tooltip: services.trans.__('Ask the cluster again'),
        onClick: () => content.refresh()
      })
    );
    shell.add(widget, 'main');
  }
  if ('activateById' in shell) {
    (shell as { activateById(id: string): void }).activateById(id);
  }
}
