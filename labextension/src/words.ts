/** How errors, amounts and resource slots are said, wherever people read them. */
import type { TranslationBundle } from '@jupyterlab/translation';

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
  return [message.replace(/\.$/, ''), hint].filter(Boolean).map(capital).join('. ');
}

/** The same of a cluster, with remedies for JupyterLab where the server's are for a terminal. */
export function troubleHere(error: unknown, trans: TranslationBundle): Trouble {
  const { message, hint } = troubleOf(error);
  return { message, hint: hint.includes('fasttrack ') ? hintHere(hint, trans) : hint };
}

function hintHere(hint: string, trans: TranslationBundle): string {
  const remedies: readonly [RegExp, string][] = [
    [/login --(project|resource|folder)/, trans.__('Change it in the profile, or ask an administrator.')],
    [
      /login/,
      trans.__('Check the keys of the profile: they may have been changed, or the account set inactive.')
    ],
    [/cluster images/, trans.__('The tab “Images” of the cluster lists them.')],
    [/cluster sessions/, trans.__('The tab “Sessions” of the cluster lists them.')],
    [/folders/, trans.__('The tab “Vfolders” of the cluster lists them.')]
  ];
  return remedies.find(([of]) => of.test(hint))?.[1] ?? '';
}

/** The text with a capital first letter. */
export function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
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

/** Space as it is written in a pipeline or by a server (`76.2g`), with the unit spelled out: `76.2 GiB`. */
export function writtenSpace(written: string): string {
  const parts = /^([\d.]+)\s*([kmgtp])(?:i?b)?$/i.exec(written);
  return parts ? `${parts[1]} ${parts[2].toUpperCase()}iB` : written;
}

/** A written amount as a number (`512m`, `2.5`, `16g`), sizes in bytes; null where it is none. */
export function numberOf(written: string | undefined): number | null {
  const parts = /^([\d.]+)\s*([kmgtp]?)i?b?$/i.exec(written ?? '');
  return parts ? Number(parts[1]) * 1024 ** ' kmgtp'.indexOf(parts[2].toLowerCase() || ' ') : null;
}

/** A number with two decimals at most, none from a hundred on. */
export function short(amount: number): string {
  return String(amount >= 100 ? Math.round(amount) : Math.round(amount * 100) / 100);
}
