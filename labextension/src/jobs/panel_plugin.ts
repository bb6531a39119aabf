/** The panel put together: models, sections, commands, context menus, status bar. */
import type { ILayoutRestorer, JupyterFrontEnd } from '@jupyterlab/application';
import type { ICommandPalette } from '@jupyterlab/apputils';
import type { IDefaultFileBrowser } from '@jupyterlab/filebrowser';
import type { ILauncher } from '@jupyterlab/launcher';
import type { IStatusBar } from '@jupyterlab/statusbar';
import type { ITranslator } from '@jupyterlab/translation';

import { CommandIDs, type IPanelSections } from '../tokens';
import { JobActions } from './actions';
import { addJobCommands, PanelCommandIDs } from './commands';
import type { IJobsCore } from './core';
import type { JobsListActions } from './jobs_list';
import { JobsList } from './jobs_list_model';
import { addEntries, addMaking, EXAMPLE_COMMAND } from './launcher';
import { Opening } from './opening';
import { Panel, PANEL_ID } from './panel';
import type { PipelinesActions } from './pipelines';
import { addPipelineCommands, PipelineCommandIDs } from './pipelines_commands';
import { Pipelines } from './pipelines_model';
import { ResourcesNow } from './resources_now_model';
import { RunningItem } from './statusbar';

/** What is there to be used; a front end may lack most of it. */
export interface PanelPluginParts {
  app: JupyterFrontEnd;
  core: IJobsCore;
  translator: ITranslator;
  restorer: ILayoutRestorer | null;
  palette: ICommandPalette | null;
  launcher: ILauncher | null;
  statusBar: IStatusBar | null;
  browser: IDefaultFileBrowser | null;
}

/** Build the panel and add it at the left, with all that leads to it. */
export function addPanel(parts: PanelPluginParts): IPanelSections {
  const { app, core, restorer } = parts;
  const opening = new Opening(app.commands, core);
  const panel = makePanel(parts, opening);
  app.shell.add(panel, 'left', { rank: 450, type: 'FastTrack' });
  restorer?.add(panel, PANEL_ID);
  app.commands.addCommand(CommandIDs.showPanel, {
    label: core.trans.__('Show pipelines and jobs'),
    execute: () => app.shell.activateById(PANEL_ID)
  });
  addMaking({ ...parts, opening });
  addEntries({ ...parts, opening });
  addContextMenus(app);
  keepFocus(app, panel);
  addStatusItem(parts);
  return panel;
}

function makePanel(parts: PanelPluginParts, opening: Opening): Panel {
  const { app, core, translator } = parts;
  const { jobs, api, settings, trans } = core;
  const list = new JobsList(api, jobs, settings.pageSize);
  const pipelines = new Pipelines(api, jobs);
  const actions = new JobActions(api, jobs, settings, job => void opening.job(job), trans);
  const jobsActions: JobsListActions = {
    open: job => void opening.job(job),
    cancel: chosen => void actions.cancel(chosen),
    delete: chosen => actions.delete(chosen),
    compare: chosen => void app.commands.execute(CommandIDs.compareJobs, { jobs: chosen.map(job => job.id) }),
    annotate: (job, patch) => actions.annotate(job, patch),
    example: () => void app.commands.execute(EXAMPLE_COMMAND)
  };
  const resources = new ResourcesNow(api, jobs, settings);
  const pipelinesActions = actionsOnPipelines(app, opening);
  const panel = new Panel(
    {
      jobs,
      list,
      pipelines,
      resources,
      jobsActions,
      pipelinesActions,
      addCluster: () => void app.commands.execute(CommandIDs.addCluster)
    },
    translator,
    trans
  );
  addJobCommands(app.commands, { core, widget: panel.jobsWidget, actions, opening });
  addPipelineCommands({ app, core, pipelines, list, opening });
  app.serviceManager.contents.fileChanged.connect(() => pipelines.settle(true));
  jobs.connectionChanged.connect(() => list.setPageSize(settings.pageSize));
  void list.reload();
  void pipelines.reload();
  return panel;
}

function actionsOnPipelines(app: JupyterFrontEnd, opening: Opening): PipelinesActions {
  const execute = (id: string, args: { path?: string } = {}): void => {
    app.commands.execute(id, args).catch(error => opening.tell(error));
  };
  return {
    open: item => (item.path === null ? undefined : void opening.pipeline(item.path)),
    run: item => execute(CommandIDs.run, { path: item.path ?? '' }),
    create: () => execute(CommandIDs.newPipeline),
    example: () => execute(EXAMPLE_COMMAND),
    import: () => execute(CommandIDs.importPipeline)
  };
}

function addContextMenus(app: JupyterFrontEnd): void {
  const { open, run, validate, jobs, forget } = PipelineCommandIDs;
  [open, run, validate, jobs, forget].forEach((command, rank) =>
    app.contextMenu.addItem({ command, selector: '.jp-ft-pipeline', rank })
  );
  const selector = '.jp-ft-job';
  const selected = { selected: true };
  const add = (command: string, rank: number, args = {}): void => {
    app.contextMenu.addItem({ command, selector, rank, args: { ...selected, ...args } });
  };
  add(PanelCommandIDs.chooseJob, 1);
  add(PanelCommandIDs.canvas, 2);
  add(PanelCommandIDs.compareSelected, 3);
  add(PanelCommandIDs.diffSelected, 3.2);
  app.contextMenu.addItem({ type: 'separator', selector, rank: 3.5 });
  add(CommandIDs.cancelJob, 4);
  add(CommandIDs.rerunJob, 5);
  add(CommandIDs.rerunJob, 6, { fromFailed: true });
  app.contextMenu.addItem({ type: 'separator', selector, rank: 7 });
  add(PanelCommandIDs.editJob, 8);
  add(PanelCommandIDs.copyId, 9);
  add(PanelCommandIDs.deleteJobs, 10);
}

/** A context menu that closes without doing anything gives the focus back to where it was opened. */
function keepFocus(app: JupyterFrontEnd, panel: Panel): void {
  let origin: Element | null = null;
  panel.node.addEventListener('contextmenu', () => (origin = document.activeElement), true);
  app.contextMenu.menu.aboutToClose.connect(() => {
    const before = origin;
    origin = null;
    requestAnimationFrame(() => {
      if (before instanceof HTMLElement && document.activeElement === document.body) {
        before.focus();
      }
    });
  });
}

function addStatusItem(parts: PanelPluginParts): void {
  const { app, core, statusBar } = parts;
  const show = (): void => void app.commands.execute(CommandIDs.showPanel);
  const item = new RunningItem(core.jobs, show, core.trans);
  statusBar?.registerStatusItem('fasttrack-jupyter:running', {
    item,
    align: 'left',
    rank: 5,
    isActive: () => core.jobs.running.length > 0,
    activeStateChanged: item.activeChanged
  });
}
