/** What `clusters/` adds to JupyterLab. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from '../api';
import { CommandIDs, DOMAIN, EXTENSION, IClusters, IJobs, IPanelSections } from '../tokens';
import { openClusters } from './dialog';
import { Profiles } from './profiles';
import { followProfiles } from './sections';

const clusters: JupyterFrontEndPlugin<IClusters> = {
  id: `${EXTENSION}:clusters`,
  description: 'Signs in to Backend.AI clusters.',
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
    app.commands.addCommand(CommandIDs.addCluster, {
      label: trans.__('Add a Backend.AI cluster…'),
      caption: trans.__('Sign in to a cluster, see those that you are signed in to, or sign out'),
      execute: args =>
        openClusters(profiles, trans, typeof args.profile === 'string' ? args.profile : undefined)
    });
    palette?.addItem({ command: CommandIDs.addCluster, category: 'FastTrack' });
    if (panel) {
      followProfiles(profiles, panel, api, trans);
    }
    return profiles;
  }
};

/** The plugins, in the order in which they are to be activated. */
export const clustersPlugins: JupyterFrontEndPlugin<unknown>[] = [clusters];
