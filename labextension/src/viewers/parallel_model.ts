/** Axes of parallel coordinates and of a scatter plot: a name with a value for each item. Pure. */
import type { Range } from './chart';
import { axisOf, partOf } from './chart';

/** A name with what each item has of it. */
export interface Facet {
  id: string;
  label: string;
  values: readonly unknown[];
}

/** An axis: numbers, or words in the order in which they come. */
export interface Axis {
  id: string;
  label: string;
  /** Where each item stands, from 0 at the foot to 1; null: it has no value. */
  places: readonly (number | null)[];
  /** The range of numbers; null of words. */
  range: Range | null;
  /** The words, from the foot upwards. */
  words: readonly string[];
}

/** A part of an axis that is chosen, from 0 to 1. */
export type Brush = readonly [number, number];

/** The whole of an axis. */
export const WHOLE: Brush = [0, 1];

/** Most different words on one axis. */
const MOST_WORDS = 12;

/** An axis for each facet of which the items differ. */
export function axesOf(facets: readonly Facet[]): Axis[] {
  return facets.flatMap((facet): Axis[] => {
    const given = facet.values.filter(value => value !== null && value !== undefined);
    const isNumeric = given.every(value => typeof value === 'number' && Number.isFinite(value));
    if (new Set(given.map(String)).size < 2) {
      return [];
    }
    return isNumeric ? [numeric(facet)] : worded(facet);
  });
}

function numeric({ id, label, values }: Facet): Axis {
  const range = axisOf(
    values.filter((value): value is number => typeof value === 'number'),
    4
  );
  const places = values.map(value => (typeof value === 'number' ? partOf(range, value) : null));
  return { id, label, places, range, words: [] };
}

function worded({ id, label, values }: Facet): Axis[] {
  const written = values.map(value =>
    value === null || value === undefined ? null : typeof value === 'string' ? value : JSON.stringify(value)
  );
  const words = [...new Set(written.filter(word => word !== null))];
  if (words.length > MOST_WORDS) {
    return [];
  }
  const places = written.map(word => (word === null ? null : words.indexOf(word) / (words.length - 1)));
  return [{ id, label, places, range: null, words }];
}

/** The items that are within all brushes; one without a value is within none but the whole of an axis. */
export function within(axes: readonly Axis[], brushes: ReadonlyMap<string, Brush>, count: number): boolean[] {
  return Array.from({ length: count }, (_, item) =>
    axes.every(axis => {
      const brush = brushes.get(axis.id);
      const place = axis.places[item];
      return !brush || (place !== null && place >= brush[0] - 1e-9 && place <= brush[1] + 1e-9);
    })
  );
}

/** A brush between two places, in order; null where it is the whole axis, or nearly nothing. */
export function brushOf(one: number, other: number): Brush | null {
  const [from, to] = [Math.max(0, Math.min(one, other)), Math.min(1, Math.max(one, other))];
  return (from <= 0 && to >= 1) || to - from < 0.01 ? null : [from, to];
}
