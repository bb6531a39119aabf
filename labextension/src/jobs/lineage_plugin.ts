/** Opens lineages: `fasttrack:lineage` with `job` and `task`, or `model` and `backend`. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { CommandIDs, EXTENSION } from '../tokens';
import { IJobsCore } from './core';
import { lineageIcon } from './icons';
import { LineagePanel, type LineageOf } from './lineage';

const ARGS = {
  type: 'object',
  properties: {
    job: { type: 'string', description: 'The job of the task instance' },
    task: { type: 'string', description: 'The task instance, or an output of it: train.model' },
    model: { type: 'string', description: 'A version of a model: digits@3' },
    backend: { type: 'string', description: 'Where the model is' }
  }
} as const;

/** Provides the command, and brings open lineages back. */
export const lineagePlugin: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:lineage`,
  description: 'Where an output or a model comes from, and what became of it.',
  autoStart: true,
  requires: [IJobsCore],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, core: IJobsCore, restorer: ILayoutRestorer | null): void => {
    const tracker = new WidgetTracker<MainAreaWidget<LineagePanel>>({ namespace: `${EXTENSION}-lineage` });
    app.commands.addCommand(CommandIDs.lineage, {
      label: core.trans.__('Lineage'),
      icon: lineageIcon,
      execute: args => {
        const of = askedFor(args);
        const id = `${EXTENSION}-lineage-${JSON.stringify(of)}`;
        let widget = tracker.find(each => each.id === id);
        if (!widget) {
          const open = (job: string): void => void app.commands.execute(CommandIDs.openJob, { job });
          widget = new MainAreaWidget({ content: new LineagePanel({ ...core, open }, of) });
          widget.toolbar.hide();
          widget.id = id;
          void tracker.add(widget);
        }
        if (!widget.isAttached) {
          app.shell.add(widget, 'main');
        }
        app.shell.activateById(id);
      },
      describedBy: { args: ARGS }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.lineage,
      args: widget => ({ ...widget.content.of }),
      name: widget => JSON.stringify(widget.content.of)
    });
  }
};

function askedFor({ job, task, model, backend }: ReadonlyPartialJSONObject): LineageOf {
  return typeof model === 'string'
    ? { model, backend: String(backend ?? 'local') }
    : { job: String(job ?? ''), task: String(task ?? '') };
}
