/** How amounts of a cluster are said. */
import { numberOf, writtenSpace } from '../words';

/** A written amount as people read it: `16g` of memory is `16 GiB`, the rest stays. */
export function amount(slot: string, written: string | undefined): string {
  return slot === 'mem' && numberOf(written) ? writtenSpace(written ?? '') : (written ?? '0');
}

/** Written amounts in one line, without those that are none: `2 CPU · 4 GiB Memory`. */
export function amounts(slots: Readonly<Record<string, string>>, label: (slot: string) => string): string {
  return Object.entries(slots)
    .filter(([, written]) => numberOf(written) !== 0)
    .map(([slot, written]) => (slot === 'mem' ? amount(slot, written) : `${written} ${label(slot)}`))
    .join(' · ');
}
