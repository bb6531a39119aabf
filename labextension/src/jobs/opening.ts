/** Ways from a job or a pipeline to the place where it is shown; whoever shows it adds the command. */
import { Notification } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

import { toContentsPath, word } from '../api';
import type { JobSummary, JobView } from '../generated';
import { CommandIDs } from '../tokens';
import type { IJobsCore } from './core';
import { sentence, troubleOf } from '../words';

/** Opens things by commands. */
export class Opening {
  constructor(
    private readonly commands: CommandRegistry,
    private readonly core: IJobsCore
  ) {}

  /** A pipeline file, in the editor where there is one. */
  async pipeline(path: string): Promise<void> {
    await this._do(
      this.commands.hasCommand(CommandIDs.openPipeline) ? CommandIDs.openPipeline : 'docmanager:open',
      {
        path
      }
    );
  }

  /** The view of a job; its canvas where there is no such view. */
  async job(job: JobSummary): Promise<void> {
    if (this.commands.hasCommand(CommandIDs.openJob)) {
      await this._do(CommandIDs.openJob, { job: job.id });
    } else {
      await this.canvas(job);
    }
  }

  /** The job on the canvas of its pipeline's file. */
  async canvas(job: JobSummary): Promise<void> {
    const { api, jobs, trans } = this.core;
    try {
      const view = await api.get<JobView>(`jobs/${word(job.id)}`);
      const path = toContentsPath(view.source, jobs.info?.root);
      if (path === null) {
        const where = view.source ?? trans.__('a text without a file');
        Notification.warning(
          trans.__('The pipeline of this job is not in the file browser’s folder: %1', where)
        );
      } else {
        await this._do(CommandIDs.openPipeline, { path, job: job.id });
      }
    } catch (error) {
      this.tell(error);
    }
  }

  /** Say what went wrong. */
  tell(error: unknown): void {
    Notification.error(sentence(troubleOf(error)), { autoClose: 10_000 });
  }

  private async _do(command: string, args: Record<string, string>): Promise<void> {
    try {
      await this.commands.execute(command, args);
    } catch (error) {
      this.tell(error);
    }
  }
}
