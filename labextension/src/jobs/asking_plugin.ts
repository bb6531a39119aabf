/** Tells a person once when a job waits for an answer, with a button that leads to the question. */
import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';

import type { QuestionsView } from '../generated';
import { CommandIDs, EXTENSION } from '../tokens';
import { IJobsCore } from './core';

/** Events come in bursts; questions are asked for after one, in milliseconds. */
const PAUSE = 500;

/** See the head of this file. */
export const askingPlugin: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:questions`,
  description: 'Tells when a pipeline job waits for a person’s answer.',
  autoStart: true,
  requires: [IJobsCore],
  activate: ({ commands }: JupyterFrontEnd, core: IJobsCore): void => {
    const open = (job: string): void => void commands.execute(CommandIDs.openJob, { job });
    const teller = new QuestionTeller(core, open);
    core.jobs.jobsChanged.connect(() => teller.settle());
    core.jobs.connectionChanged.connect(() => teller.settle());
    teller.settle();
  }
};

/** Remembers which questions were told of, and takes back what was answered elsewhere. */
class QuestionTeller {
  constructor(
    private readonly core: IJobsCore,
    private readonly open: (job: string) => void
  ) {}

  /** Look soon, unless that is to be done already. */
  settle(): void {
    if (this.core.jobs.connection === 'connected' && this.core.jobs.running.length + this.told.size > 0) {
      this.timer ??= setTimeout(() => void this.look(), PAUSE);
    }
  }

  private async look(): Promise<void> {
    this.timer = undefined;
    try {
      this.tell(await this.core.api.get<QuestionsView>('questions'));
    } catch (error) {
      console.warn('FastTrack could not ask what jobs wait for:', error); // the next event asks again
    }
  }

  private tell({ questions }: QuestionsView): void {
    const { trans } = this.core;
    const asked = new Set(questions.map(each => each.attempt));
    for (const [attempt, id] of this.told) {
      if (!asked.has(attempt)) {
        Notification.dismiss(id);
        this.told.delete(attempt);
      }
    }
    for (const { attempt, path, question, job_id } of questions) {
      if (!this.told.has(attempt)) {
        const id = Notification.info(trans.__('%1 waits for an answer: %2', path, question), {
          autoClose: false,
          actions: [{ label: trans.__('Answer'), callback: () => this.open(job_id) }]
        });
        this.told.set(attempt, id);
      }
    }
  }

  private readonly told = new Map<string, string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
}
