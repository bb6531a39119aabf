/** What jobs and resources are called where people read them. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { JobSummary } from '../generated';
import { stateOf, stateWord } from '../status';
import { bytes, short } from '../words';

/** What a job is called: the name that a person gave it, else its pipeline and index. */
export function jobTitle(job: Pick<JobSummary, 'name' | 'pipeline' | 'index'>): string {
  return job.name || `${job.pipeline} #${job.index}`;
}

/** A job in one spoken line, for screen readers. */
export function jobSentence(job: JobSummary, when: string, took: string, trans: TranslationBundle): string {
  const words = [`${job.pipeline} #${job.index}`, stateWord(stateOf(job), trans), job.reason, when, took];
  return [job.name, ...words, ...job.tags].filter(word => word !== '').join(', ');
}

/** An amount of a slot with its unit: `2.5 cores`, `16 GiB`, `1`. `mem` is in bytes. */
export function slotAmount(slot: string, amount: number, trans: TranslationBundle): string {
  if (slot === 'mem') {
    return bytes(amount);
  }
  return slot === 'cpu' ? trans._n('%2 core', '%2 cores', amount, short(amount)) : short(amount);
}

/** How much of a slot is in use, of all there is: `1.5 of 2 cores`, `512 MiB of 16 GiB`. */
export function slotUse(slot: string, used: number, total: number, trans: TranslationBundle): string {
  const first = slot === 'cpu' ? short(used) : slotAmount(slot, used, trans);
  return trans.__('%1 of %2', first, slotAmount(slot, total, trans));
}
