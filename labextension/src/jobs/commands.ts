/** Commands on jobs, for the palette, the panel's context menu and whoever knows their ids. */
import { Clipboard, InputDialog } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { word } from '../api';
import type { JobSummary } from '../generated';
import { isEnded, stateOf, stateWord } from '../status';
import { CommandIDs } from '../tokens';
import type { JobActions } from './actions';
import type { IJobsCore } from './core';
import type { JobsListWidget } from './jobs_list';
import type { Opening } from './opening';
import { jobTitle } from './words';

/** Ids of commands that only the panel and the palette use. Args: `selected` (what the panel has selected). */
export namespace PanelCommandIDs {
  /** Ask which job, and open it. */
  export const chooseJob = 'fasttrack:choose-job';
  /** Open a job on its pipeline's canvas. */
  export const canvas = 'fasttrack:open-job-on-canvas';
  /** Delete jobs for good. */
  export const deleteJobs = 'fasttrack:delete-jobs';
  /** Name and tag a job in the panel. */
  export const editJob = 'fasttrack:edit-job';
  /** Show the selected jobs side by side. */
  export const compareSelected = 'fasttrack:compare-selected-jobs';
  /** Show what differs between the two selected jobs. */
  export const diffSelected = 'fasttrack:diff-selected-jobs';
  /** Copy a job's id. */
  export const copyId = 'fasttrack:copy-job-id';
}

/** What the commands act on and by. */
export interface JobCommandsParts {
  core: IJobsCore;
  widget: JobsListWidget;
  actions: JobActions;
  opening: Opening;
}

/** How many jobs the question "which one" offers. */
const OFFERED = 100;

/** Add them all; a job is named by `job`, by the panel's selection (`selected`), or asked for. */
export function addJobCommands(commands: CommandRegistry, parts: JobCommandsParts): void {
  const { actions, opening, core } = parts;
  const trans = core.trans;
  const add = (
    id: string,
    label: (args: ReadonlyPartialJSONObject) => string,
    act: (jobs: readonly JobSummary[], args: ReadonlyPartialJSONObject) => Promise<unknown>,
    fits: (job: JobSummary) => boolean = () => true
  ): void => {
    commands.addCommand(id, {
      label: args => (args.selected || args.job ? label(args) : trans.__('%1…', label(args))),
      isEnabled: args => !args.selected || chosen(parts).some(fits),
      execute: args => perform(parts, args, fits, jobs => act(jobs, args)),
      describedBy: { args: ARGS }
    });
  };
  const isLiving = (job: JobSummary): boolean => !isEnded(stateOf(job));
  add(
    CommandIDs.cancelJob,
    () => trans.__('Cancel job'),
    jobs => actions.cancel(jobs),
    isLiving
  );
  add(
    CommandIDs.rerunJob,
    args => (args.fromFailed ? trans.__('Rerun from failed') : trans.__('Rerun job')),
    (jobs, args) => actions.rerun(jobs[0], args.fromFailed === true),
    job => !isLiving(job)
  );
  add(
    PanelCommandIDs.chooseJob,
    () => trans.__('Open job'),
    jobs => opening.job(jobs[0])
  );
  add(
    PanelCommandIDs.canvas,
    () => trans.__('Open job on canvas'),
    jobs => opening.canvas(jobs[0])
  );
  add(
    PanelCommandIDs.copyId,
    () => trans.__('Copy job id'),
    async jobs => Clipboard.copyToSystem(jobs.map(job => job.id).join('\n'))
  );
  add(
    PanelCommandIDs.deleteJobs,
    () => trans.__('Delete job'),
    async jobs => parts.widget.list.drop(await actions.delete(jobs)),
    job => !isLiving(job)
  );
  commands.addCommand(PanelCommandIDs.compareSelected, {
    label: trans.__('Compare jobs'),
    isEnabled: () => chosen(parts).length > 1,
    execute: () => commands.execute(CommandIDs.compareJobs, { jobs: chosen(parts).map(job => job.id) })
  });
  commands.addCommand(PanelCommandIDs.diffSelected, {
    label: trans.__('Show differences'),
    isEnabled: () => chosen(parts).length === 2,
    execute: () => {
      const [one, other] = chosen(parts)
        .slice()
        .sort((a, b) => a.created_at.localeCompare(b.created_at));
      return commands.execute(CommandIDs.diffJobs, { one: one.id, other: other.id });
    }
  });
  commands.addCommand(PanelCommandIDs.editJob, {
    label: trans.__('Name, tags and note…'),
    execute: () => parts.widget.edit()
  });
}

const ARGS = {
  type: 'object',
  properties: {
    job: { type: 'string', description: 'An id, an unambiguous prefix of one, name#12, or last' },
    selected: { type: 'boolean', description: 'The jobs selected in the panel' },
    fromFailed: { type: 'boolean', description: 'Reuse what succeeded' }
  }
} as const;

/** The jobs meant by the arguments, then `act`; errors are told. */
async function perform(
  parts: JobCommandsParts,
  args: ReadonlyPartialJSONObject,
  fits: (job: JobSummary) => boolean,
  act: (jobs: readonly JobSummary[]) => Promise<unknown>
): Promise<void> {
  try {
    const jobs = args.selected ? chosen(parts).filter(fits) : await named(parts.core, args.job, fits);
    if (jobs.length > 0) {
      await act(jobs);
    }
  } catch (error) {
    parts.opening.tell(error);
  }
}

/** What the panel has selected; else the job that its keyboard is on. */
function chosen(parts: JobCommandsParts): readonly JobSummary[] {
  const { list } = parts.widget;
  return list.selection.size > 0 ? list.selected : list.jobs.filter(job => job.id === list.selection.active);
}

async function named(
  core: IJobsCore,
  job: unknown,
  fits: (job: JobSummary) => boolean
): Promise<readonly JobSummary[]> {
  const { api, trans } = core;
  if (typeof job === 'string') {
    return [await api.get<JobSummary>(`jobs/${word(job)}`)];
  }
  const jobs = (await api.get<JobSummary[]>('jobs', { limit: OFFERED })).filter(fits);
  const labels = jobs.map(
    each => `${jobTitle(each)} · ${each.id.slice(0, 8)} · ${stateWord(stateOf(each), trans)}`
  );
  if (labels.length === 0) {
    throw new Error(trans.__('There is no job for that'));
  }
  const { value } = await InputDialog.getItem({ title: trans.__('Which job?'), items: labels });
  return value === null ? [] : jobs.filter((_, at) => labels[at] === value);
}
