/** Commands on one pipeline, for the panel's context menu. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, showDialog } from '@jupyterlab/apputils';

import { word } from '../api';
import { CommandIDs } from '../tokens';
import type { IJobsCore } from './core';
import { ALL, type JobsList } from './jobs_list_model';
import type { Opening } from './opening';
import type { Pipelines } from './pipelines_model';

/** Ids of commands on the pipeline that the panel's keyboard is on. */
export namespace PipelineCommandIDs {
  /** Open its file. */
  export const open = 'fasttrack:panel-open-pipeline';
  /** Run it. */
  export const run = 'fasttrack:panel-run-pipeline';
  /** Validate it. */
  export const validate = 'fasttrack:panel-validate-pipeline';
  /** Show its jobs in the list. */
  export const jobs = 'fasttrack:panel-jobs-of-pipeline';
  /** Delete its jobs, logs and outputs. */
  export const forget = 'fasttrack:panel-forget-pipeline';
}

/** What the commands act on and by. */
export interface PipelineCommandsParts {
  app: JupyterFrontEnd;
  core: IJobsCore;
  pipelines: Pipelines;
  list: JobsList;
  opening: Opening;
}

/** Add them all. */
export function addPipelineCommands(parts: PipelineCommandsParts): void {
  const { app, core, pipelines, list, opening } = parts;
  const { trans } = core;
  const path = (): string | null => pipelines.active?.path ?? null;
  const onFile = (id: string, label: string, command: string): void => {
    app.commands.addCommand(id, {
      label,
      isEnabled: () => path() !== null && app.commands.hasCommand(command),
      execute: () => app.commands.execute(command, { path: path() }).catch(error => opening.tell(error))
    });
  };
  onFile(PipelineCommandIDs.open, trans.__('Open in the editor'), CommandIDs.openPipeline);
  onFile(PipelineCommandIDs.run, trans.__('Run'), CommandIDs.run);
  onFile(PipelineCommandIDs.validate, trans.__('Validate'), CommandIDs.validate);
  app.commands.addCommand(PipelineCommandIDs.jobs, {
    label: trans.__('Show its jobs'),
    isEnabled: () => pipelines.active?.isKnown === true,
    execute: () => list.setFilter({ ...ALL, pipeline: pipelines.active?.name ?? null })
  });
  app.commands.addCommand(PipelineCommandIDs.forget, {
    label: trans.__('Delete its jobs and outputs…'),
    isEnabled: () => pipelines.active?.isKnown === true,
    execute: () => forget(core, pipelines, opening)
  });
}

/** Ask, then have the engine forget a pipeline; its file stays. */
async function forget(core: IJobsCore, pipelines: Pipelines, opening: Opening): Promise<void> {
  const item = pipelines.active;
  const { trans, api, jobs } = core;
  if (item === null) {
    return;
  }
  const answer = await showDialog({
    title: trans.__('Delete all jobs of %1?', item.name),
    body: trans.__('Its jobs, logs and outputs are gone for good; the pipeline’s file stays.'),
    buttons: [
      Dialog.cancelButton({ label: trans.__('Keep') }),
      Dialog.warnButton({ label: trans.__('Delete') })
    ],
    defaultButton: 0
  });
  if (!answer.button.accept) {
    return;
  }
  try {
    await api.send('DELETE', `pipelines/${word(item.name)}`);
    jobs.touchAll();
  } catch (error) {
    opening.tell(error);
  }
}
