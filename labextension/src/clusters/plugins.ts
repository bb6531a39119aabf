/** What `clusters/` adds to JupyterLab. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from '../api';
import { CommandIDs, DOMAIN, EXTENSION, IClusters, IJobs, IPanelSections } from '../tokens';
import type { ClusterServices } from './context';
import { openClusters } from './dialog';
import { Profiles } from './profiles';
import { followProfiles, openCluster } from './sections';

const clusters: JupyterFrontEndPlugin<IClusters> = {
  id: `${EXTENSION}:clusters`,
  description: 'Signs in to Backend.AI clusters, and shows what is there.',
  autoStart: true,
  provides: IClusters,
  requires: [IJobs],
  optional: [ITranslator, ICommandPalette, IPanelSections],
  activate: (
    app: JupyterFrontEnd,
    jobs: IJobs,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    panel: IPanelSections | null
  ): IClusters => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const api = new Api(app.serviceManager.serverSettings, trans);
    api.cutOff.connect(() => jobs.doubt());
    const profiles = new Profiles(api, jobs);
    const { contents } = app.serviceManager;
    const root = (): string | null => jobs.info?.root ?? null;
    const services = { api, trans, commands: app.commands, contents, root };
    addCommands(app, profiles, services);
    palette?.addItem({ command: CommandIDs.addCluster, category: trans.__('FastTrack') });
    palette?.addItem({ command: CommandIDs.openCluster, category: trans.__('FastTrack') });
    if (panel) {
      followProfiles(profiles, panel, services);
    }
    return profiles;
  }
};

function addCommands(app: JupyterFrontEnd, profiles: Profiles, services: ClusterServices): void {
  const { trans } = services;
  app.commands.addCommand(CommandIDs.addCluster, {
    label: trans.__('Add a Backend.AI cluster…'),
    caption: trans.__('Sign in to a cluster, see those that you are signed in to, or sign out'),
    execute: args =>
      openClusters(profiles, trans, typeof args.profile === 'string' ? args.profile : undefined)
  });
  app.commands.addCommand(CommandIDs.openCluster, {
    label: trans.__('Look into a Backend.AI cluster'),
    caption: trans.__('Its resources, images, vfolders and sessions, in a tab'),
    isEnabled: () => profiles.profiles.length > 0,
    execute: args => {
      const backend = typeof args.backend === 'string' ? args.backend : profiles.profiles[0]?.backend;
      return backend === undefined ? undefined : openCluster(app.shell, services, backend);
    }
  });
  profiles.changed.connect(() => app.commands.notifyCommandChanged(CommandIDs.openCluster));
}

/** The plugins, in the order in which they are to be activated. */
export const clustersPlugins: JupyterFrontEndPlugin<unknown>[] = [clusters];
