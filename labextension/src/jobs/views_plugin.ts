/** The views of one task instance and of one job, as plugins. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { IRenderMimeRegistry } from '@jupyterlab/rendermime';

import { CommandIDs, EXTENSION, ITaskPanels } from '../tokens';
import { IJobsCore } from './core';
import { JobViewPanel } from './job_view';
import { TaskPanels } from './task_panels';

/** Provides the dock's tabs about a task instance. */
export const taskPanelsPlugin: JupyterFrontEndPlugin<ITaskPanels> = {
  id: `${EXTENSION}:task-panels`,
  description: 'Log, outputs, resources and attempts of one task instance.',
  autoStart: true,
  provides: ITaskPanels,
  requires: [IJobsCore, IRenderMimeRegistry, IEditorLanguageRegistry],
  activate: (
    { commands }: JupyterFrontEnd,
    core: IJobsCore,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry
  ): ITaskPanels => {
    const debug = (job: string, path: string) => void commands.execute(CommandIDs.debugTask, { job, path });
    const open = (job: string) => void commands.execute(CommandIDs.openJob, { job });
    const lineage = (job: string, task: string) => void commands.execute(CommandIDs.lineage, { job, task });
    return new TaskPanels({ ...core, rendermime, languages, debug, open, lineage });
  }
};

/** Opens the view of a job: `fasttrack:open-job` with `job`. */
export const jobViewPlugin: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:job-view`,
  description: 'The view of one job: timeline, task instances, parameters, YAML and differences.',
  autoStart: true,
  requires: [IJobsCore, IRenderMimeRegistry, IEditorLanguageRegistry, ITaskPanels],
  optional: [ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    core: IJobsCore,
    rendermime: IRenderMimeRegistry,
    languages: IEditorLanguageRegistry,
    panels: ITaskPanels,
    restorer: ILayoutRestorer | null
  ): void => {
    const tracker = new WidgetTracker<MainAreaWidget<JobViewPanel>>({ namespace: `${EXTENSION}-job` });
    app.commands.addCommand(CommandIDs.openJob, {
      label: core.trans.__('Open job'),
      execute: args => {
        const job = String(args['job'] ?? 'last');
        let widget = tracker.find(each => each.content.job === job);
        if (!widget) {
          const user = () => app.serviceManager.user.identity?.display_name ?? '';
          const open = (other: string) => void app.commands.execute(CommandIDs.openJob, { job: other });
          const context = { ...core, rendermime, languages, user, open };
          const content = new JobViewPanel(context, panels, app.commands, job);
          widget = new MainAreaWidget({ content });
          widget.toolbar.hide();
          widget.id = `${EXTENSION}-job-${job}`;
          void tracker.add(widget);
        }
        if (!widget.isAttached) {
          app.shell.add(widget, 'main');
        }
        app.shell.activateById(widget.id);
      }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.openJob,
      args: widget => ({ job: widget.content.job }),
      name: widget => widget.content.job
    });
  }
};
