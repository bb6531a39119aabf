/** Opens comparisons of jobs: `fasttrack:compare-jobs` with `jobs`. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { InputDialog, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { JobSummary } from '../generated';
import { stateOf, stateWord } from '../status';
import { CommandIDs, EXTENSION } from '../tokens';
import { sentence, troubleOf } from '../words';
import { ComparePanel } from './compare';
import { IJobsCore } from './core';
import { comparisonIcon } from './icons';
import { jobTitle } from './words';

/** How many jobs the question "which ones" offers. */
const OFFERED = 100;

const ARGS = {
  type: 'object',
  properties: { jobs: { type: 'array', items: { type: 'string' }, description: 'Ids of two or more jobs' } }
} as const;

/** Provides the command, and brings open comparisons back. */
export const comparePlugin: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:compare`,
  description: 'Jobs side by side: parameters, metrics, durations, curves and matrices.',
  autoStart: true,
  requires: [IJobsCore],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, core: IJobsCore, restorer: ILayoutRestorer | null): void => {
    const tracker = new WidgetTracker<MainAreaWidget<ComparePanel>>({ namespace: `${EXTENSION}-compare` });
    const { trans } = core;
    app.commands.addCommand(CommandIDs.compareJobs, {
      label: args => (args.isPalette ? trans.__('Compare jobs…') : trans.__('Compare jobs')),
      icon: args => (args.isPalette ? undefined : comparisonIcon),
      execute: async args => {
        try {
          const jobs = given(args) ?? (await asked(core));
          if (jobs.length > 0) {
            show(app, core, tracker, jobs);
          }
        } catch (error) {
          Notification.error(sentence(troubleOf(error)), { autoClose: 10_000 });
        }
      },
      describedBy: { args: ARGS }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.compareJobs,
      args: widget => ({ jobs: [...widget.content.jobs] }),
      name: widget => widget.content.jobs.join(' ')
    });
  }
};

function given({ jobs }: ReadonlyPartialJSONObject): string[] | null {
  return Array.isArray(jobs) ? jobs.map(String) : null;
}

function show(
  app: JupyterFrontEnd,
  core: IJobsCore,
  tracker: WidgetTracker<MainAreaWidget<ComparePanel>>,
  jobs: readonly string[]
): void {
  const id = `${EXTENSION}-compare-${jobs.join('-')}`;
  let widget = tracker.find(each => each.id === id);
  if (!widget) {
    const open = (job: string): void => void app.commands.execute(CommandIDs.openJob, { job });
    widget = new MainAreaWidget({ content: new ComparePanel({ ...core, open }, jobs) });
    widget.toolbar.hide();
    widget.id = id;
    void tracker.add(widget);
  }
  if (!widget.isAttached) {
    app.shell.add(widget, 'main');
  }
  app.shell.activateById(id);
}

/** Which jobs, of the newest there are; none where nobody chose two. */
async function asked({ api, trans }: IJobsCore): Promise<string[]> {
  const jobs = await api.get<JobSummary[]>('jobs', { limit: OFFERED });
  if (jobs.length < 2) {
    throw new Error(trans.__('There are no two jobs to compare yet'));
  }
  const labels = jobs.map(
    job => `${jobTitle(job)} · ${job.id.slice(0, 8)} · ${stateWord(stateOf(job), trans)}`
  );
  const { value } = await InputDialog.getMultipleItems({
    title: trans.__('Compare which jobs?'),
    items: labels
  });
  const chosen = jobs.filter((_, at) => value?.includes(labels[at])).map(({ id }) => id);
  if (value !== null && chosen.length < 2) {
    throw new Error(trans.__('Choose two jobs or more to compare'));
  }
  return chosen;
}
