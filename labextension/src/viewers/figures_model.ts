/** What confusion matrices and ROC curves tell, as numbers. Pure. */
import type { Classification, ConfusionMatrix, RocCurve } from '../generated';
import type { Look } from './looks';

/** What the cells of a matrix are parts of: nothing (counts), the row (what was), the column (what it was taken for). */
export type Whole = 'count' | 'row' | 'column';

/** A matrix with what is told of each cell. */
export interface Cells {
  labels: readonly string[];
  /** Counts, as they came. */
  counts: readonly (readonly number[])[];
  /** From 0 to 1, how strongly each is to be tinted; also the shares where `whole` is a row or a column. */
  parts: readonly (readonly number[])[];
  /** Sum of all counts. */
  total: number;
  /** How many were taken for what they are, of 1; null where there are none. */
  right: number | null;
}

/** The cells of `matrix`, as parts of `whole`. */
export function cellsOf({ labels, rows }: ConfusionMatrix, whole: Whole): Cells {
  const rowSums = rows.map(row => sum(row));
  const columnSums = labels.map((_, column) => sum(rows.map(row => row[column])));
  const most = Math.max(0, ...rows.flat());
  const total = sum(rowSums);
  const of = (row: number, column: number): number =>
    whole === 'row' ? rowSums[row] : whole === 'column' ? columnSums[column] : most;
  return {
    labels,
    counts: rows,
    parts: rows.map((counts, row) =>
      counts.map((count, column) => (of(row, column) > 0 ? count / of(row, column) : 0))
    ),
    total,
    right: total > 0 ? sum(rows.map((row, at) => row[at])) / total : null
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((all, each) => all + each, 0);
}

/** How good a class is recognised: of those that it was taken for, and of those that are of it. */
export function qualityOf({ rows }: ConfusionMatrix, at: number): { precision: number; recall: number } {
  const [taken, were] = [sum(rows.map(row => row[at])), sum(rows[at])];
  return {
    precision: taken > 0 ? rows[at][at] / taken : NaN,
    recall: were > 0 ? rows[at][at] / were : NaN
  };
}

/** One ROC curve, with its name and its look. */
export interface NamedCurve {
  id: string;
  label: string;
  look: Look;
  curve: RocCurve;
}

/** A place on a curve: which one, and its index there. */
export interface Place {
  curve: number;
  at: number;
}

/** The point of any of `curves` that is nearest to a place in the square; null where there is none. */
export function nearestOn(curves: readonly RocCurve[], x: number, y: number): Place | null {
  let best: Place | null = null;
  let least = Infinity;
  curves.forEach(({ false_positive_rates: across, true_positive_rates: up }, curve) =>
    across.forEach((rate, at) => {
      const far = (rate - x) ** 2 + (up[at] - y) ** 2;
      if (far < least) {
        [least, best] = [far, { curve, at }];
      }
    })
  );
  return best;
}

/** How an artifact, or a slice of it, is called. */
export function nameOf({ output, slice }: Pick<Classification, 'output' | 'slice'>): string {
  return slice === null || slice === undefined ? output : `${output} · ${slice}`;
}
