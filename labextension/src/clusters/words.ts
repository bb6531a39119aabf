/** How amounts of a cluster are said. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { ClusterGroup } from '../generated';
import { bytes, numberOf } from '../words';

/** A written amount as people read it: `22576m` of memory is `22.05 GiB`, the rest stays. */
export function amount(slot: string, written: string | undefined): string {
  const number = slot === 'mem' ? numberOf(written) : null;
  return number ? bytes(number) : (written ?? '0');
}

/** Written amounts in one line, without those that are none: `2 CPU · 4 GiB Memory`. */
export function amounts(slots: Readonly<Record<string, string>>, label: (slot: string) => string): string {
  return Object.entries(slots)
    .filter(([, written]) => numberOf(written) !== 0)
    .map(([slot, written]) => (slot === 'mem' ? amount(slot, written) : `${written} ${label(slot)}`))
    .join(' · ');
}

/** The slots to show of a resource group, the usual ones first: those that it has (or, where that is not told, may have), and those that are held. */
export function slotsOf(group: Pick<ClusterGroup, 'free' | 'mine' | 'total'>): string[] {
  const { free, mine, total } = group;
  const has = (amounts: Readonly<Record<string, string>>): string[] =>
    Object.keys(amounts).filter(slot => numberOf(amounts[slot]) !== 0);
  const found = new Set(['cpu', 'mem', ...(total ? has(total) : Object.keys(free)), ...has(mine)]);
  return [...found];
}

/** What a permission lets one do, in words; one that is not known keeps its name. */
export function permissionWords(permission: string, trans: TranslationBundle): string {
  switch (permission) {
    case 'ro':
      return trans.__('may read');
    case 'rw':
      return trans.__('may read and write');
    case 'wd':
      return trans.__('may read, write and remove');
    default:
      return permission;
  }
}
