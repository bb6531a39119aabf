/** Quantities of resource slots between what is written (`16g`, `0.5`) and a slider's number. */

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  k: 2 ** 10,
  m: 2 ** 20,
  g: 2 ** 30,
  t: 2 ** 40,
  p: 2 ** 50
};
const WRITTEN = /^\s*([0-9]*\.?[0-9]+)\s*([kmgtp]?)(?:i?b)?\s*$/i;

/** Whether a slot counts bytes. */
export function isMemory(slot: string): boolean {
  return slot === 'mem' || slot === 'shmem' || slot.endsWith('.mem');
}

/** The number of a written quantity (bytes for memory); undefined where it is none. */
export function parseQuantity(written: unknown): number | undefined {
  if (typeof written === 'number') {
    return written;
  }
  const found = typeof written === 'string' ? WRITTEN.exec(written) : null;
  return found ? Number(found[1]) * UNITS[found[2].toLowerCase()] : undefined;
}

/** A slot's number as it is written in a pipeline: `16g`, `512m`, `4`, `0.5`. */
export function writeQuantity(slot: string, value: number): string | number {
  if (!isMemory(slot)) {
    return Math.round(value * 100) / 100;
  }
  const [unit, size] = value >= UNITS.g && value % UNITS.g === 0 ? ['g', UNITS.g] : ['m', UNITS.m];
  return `${Math.max(1, Math.round(value / Number(size)))}${unit}`;
}

/** A slider for a slot: its stops in the slot's number. */
export interface Scale {
  stops: readonly number[];
}

/** Stops up to `total`: halves and wholes of cores, doublings of memory, whole devices; the total is the last. */
export function scaleOf(slot: string, total: number): Scale {
  const stops = isMemory(slot)
    ? doublings(128 * UNITS.m, total)
    : isShare(slot)
      ? steps(0.25, total)
      : cores(slot, total);
  return { stops: [...new Set([0, ...stops, total])].filter(stop => stop <= total).sort((a, b) => a - b) };
}

/** The stop nearest to a value. */
export function nearestStop(scale: Scale, value: number): number {
  let best = 0;
  scale.stops.forEach((stop, index) => {
    if (Math.abs(stop - value) < Math.abs(scale.stops[best] - value)) {
      best = index;
    }
  });
  return best;
}

/** A total for people: `15.6 GiB`, `4`. */
export function quantityWords(slot: string, written: string | number): string {
  const value = parseQuantity(written);
  if (value === undefined || !isMemory(slot)) {
    return String(written);
  }
  const [unit, size] = value >= UNITS.g ? ['GiB', UNITS.g] : ['MiB', UNITS.m];
  return `${Number((value / Number(size)).toPrecision(3))} ${unit}`;
}

function isShare(slot: string): boolean {
  return slot.endsWith('.shares');
}

function cores(slot: string, total: number): number[] {
  return slot === 'cpu' ? [0.25, 0.5, ...steps(1, total)] : steps(1, total);
}

function steps(step: number, total: number): number[] {
  const wanted = Math.max(step, step * Math.ceil(total / step / 256));
  return Array.from({ length: Math.floor(total / wanted) }, (_, index) => (index + 1) * wanted);
}

function doublings(first: number, total: number): number[] {
  const found: number[] = [];
  for (let size = first; size <= total; size *= 2) {
    found.push(size, size * 1.5);
  }
  return found;
}
