/** What `jobs/` adds to JupyterLab. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from '../api';
import { DOMAIN, EXTENSION, IJobs, IPanelSections } from '../tokens';
import { comparePlugin } from './compare_plugin';
import { IJobsCore } from './core';
import { Jobs } from './model';
import { addPanel } from './panel_plugin';
import { DEFAULTS, settingsOf, translatedPlugin } from './settings';
import { diffPlugin } from './diff_plugin';
import { lineagePlugin } from './lineage_plugin';
import { askingPlugin } from './asking_plugin';
import { jobViewPlugin, taskPanelsPlugin } from './views_plugin';

const CORE = `${EXTENSION}:plugin`;

const corePlugin: JupyterFrontEndPlugin<IJobsCore> = {
  id: CORE,
  description: 'Follows the jobs of this home by the event log of the engine.',
  autoStart: true,
  provides: IJobsCore,
  optional: [ITranslator, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    translator: ITranslator | null,
    registry: ISettingRegistry | null
  ): IJobsCore => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const api = new Api(app.serviceManager.serverSettings, trans);
    const settings = { ...DEFAULTS };
    const jobs = new Jobs({
      api,
      hints: app.serviceManager.events.stream,
      pollSeconds: settings.pollSeconds
    });
    const take = (stored: ISettingRegistry.ISettings): void => {
      Object.assign(settings, settingsOf(stored.composite));
      jobs.feed.setPeriod(settings.pollSeconds);
    };
    registry?.transform(CORE, { fetch: plugin => translatedPlugin(plugin, trans) });
    registry?.load(CORE).then(
      stored => {
        take(stored);
        stored.changed.connect(take);
      },
      error => console.warn('FastTrack uses its default settings:', error)
    );
    api.cutOff.connect(() => jobs.doubt());
    jobs.start();
    return { api, settings, jobs, trans };
  }
};

const jobsPlugin: JupyterFrontEndPlugin<IJobs> = {
  id: `${EXTENSION}:jobs`,
  description: 'The pipeline jobs of this home, for all who show them.',
  autoStart: true,
  provides: IJobs,
  requires: [IJobsCore],
  activate: (_: JupyterFrontEnd, core: IJobsCore): IJobs => core.jobs
};

const panelPlugin: JupyterFrontEndPlugin<IPanelSections> = {
  id: `${EXTENSION}:panel`,
  description: 'The panel of pipelines, jobs and resources, and what leads to it.',
  autoStart: true,
  provides: IPanelSections,
  requires: [IJobsCore],
  optional: [ITranslator, ILayoutRestorer, ICommandPalette, ILauncher, IStatusBar, IDefaultFileBrowser],
  activate: (
    app: JupyterFrontEnd,
    core: IJobsCore,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    statusBar: IStatusBar | null,
    browser: IDefaultFileBrowser | null
  ): IPanelSections =>
    addPanel({
      app,
      core,
      translator: translator ?? nullTranslator,
      restorer,
      palette,
      launcher,
      statusBar,
      browser
    })
};

/** The plugins, in the order in which they are to be activated. */
export const jobsPlugins: JupyterFrontEndPlugin<unknown>[] = [
  corePlugin,
  jobsPlugin,
  panelPlugin,
  taskPanelsPlugin,
  jobViewPlugin,
  comparePlugin,
  diffPlugin,
  lineagePlugin,
  askingPlugin
];
