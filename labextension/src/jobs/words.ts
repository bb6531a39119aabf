/** What jobs and resources are called where people read them. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { JobSummary } from '../generated';
import { stateOf, stateWord } from '../status';

/** Anything that went wrong, in words: what happened, and what to do next (empty where nothing is known). */
export interface Trouble {
  message: string;
  hint: string;
}

/** What to say of something thrown. */
export function troubleOf(error: unknown): Trouble {
  const hint = (error as { hint?: unknown } | null)?.hint;
  return {
    message: error instanceof Error ? error.message : String(error),
    hint: typeof hint === 'string' ? hint : ''
  };
}

/** Trouble in one or two sentences; the server's words begin small, as parts of a sentence. */
export function sentence({ message, hint }: Trouble): string {
  return [message, hint].filter(Boolean).map(capital).join('. ');
}

/** The text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** What a job is called: the name that a person gave it, else its pipeline and index. */
export function jobTitle(job: Pick<JobSummary, 'name' | 'pipeline' | 'index'>): string {
  return job.name || `${job.pipeline} #${job.index}`;
}

/** A job in one spoken line, for screen readers. */
export function jobSentence(job: JobSummary, when: string, took: string, trans: TranslationBundle): string {
  const words = [`${job.pipeline} #${job.index}`, stateWord(stateOf(job), trans), job.reason, when, took];
  return [job.name, ...words, ...job.tags].filter(word => word !== '').join(', ');
}

/** A slot as people say it; unknown slots keep their name. */
export function slotLabel(slot: string, trans: TranslationBundle): string {
  switch (slot) {
    case 'cpu':
      return trans.__('CPU');
    case 'mem':
      return trans.__('Memory');
    case 'cuda.device':
      return trans.__('GPU');
    case 'cuda.shares':
      return trans.__('GPU shares');
    default:
      return slot;
  }
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

/** Bytes in binary units, three digits at most: `512 MiB`, `1.5 GiB`. */
export function bytes(amount: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let left = amount;
  let unit = 0;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${short(left)} ${units[unit]}`;
}

/** Free space as `fasttrack doctor` writes it (`76.2g`), with the unit spelled out. */
export function writtenSpace(written: string): string {
  const parts = /^([\d.]+)([kmgtp])$/i.exec(written);
  return parts ? `${parts[1]} ${parts[2].toUpperCase()}iB` : written;
}

function short(amount: number): string {
  return String(amount >= 100 ? Math.round(amount) : Math.round(amount * 100) / 100);
}
