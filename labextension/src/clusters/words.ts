/** How amounts and errors of a cluster are said. */
import { ApiError } from '../api';

/** What went wrong, in words. */
export interface Trouble {
  message: string;
  hint: string;
}

/** The words of anything thrown, as sentences. */
export function troubleOf(error: unknown): Trouble {
  const message = error instanceof Error ? error.message : String(error);
  return { message: capital(message), hint: error instanceof ApiError ? capital(error.hint) : '' };
}

/** Trouble in one line. */
export function told(trouble: Trouble): string {
  return [trouble.message.replace(/\.$/, ''), trouble.hint].filter(Boolean).join('. ');
}

/** Bytes in binary units: `512 MiB`, `1.5 GiB`. */
export function bytes(amount: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let left = amount;
  let unit = 0;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${left >= 100 ? Math.round(left) : Math.round(left * 10) / 10} ${units[unit]}`;
}

/** A written amount as people read it: `16g` is `16 GiB`, the rest stays. */
export function amount(slot: string, written: string | undefined): string {
  const parts = slot === 'mem' ? /^([\d.]+)([kmgtp])(?:i?b)?$/i.exec(written ?? '') : null;
  return parts ? `${parts[1]} ${parts[2].toUpperCase()}iB` : (written ?? '0');
}

/** A written amount as a number, for bars: memory in bytes. */
export function numberOf(written: string | undefined): number {
  const parts = /^([\d.]+)([kmgtp])?/i.exec(written ?? '');
  return parts ? Number(parts[1]) * 1024 ** ' kmgtp'.indexOf((parts[2] ?? ' ').toLowerCase()) : 0;
}

function capital(text: string): string {
  return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}
