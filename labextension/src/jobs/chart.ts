/** Curves: which columns of a table are some, and where their points and marks go. Pure. */

/** A row of a table: numbers where there are numbers. */
export type ChartRow = Readonly<Record<string, number | string | null>>;

/** Most points of one curve. */
const MOST_ROWS = 2000;

/** A point: x and y in the data's own units. */
export type Point = readonly [number, number];

/** A range of numbers; never of no width. */
export interface Range {
  from: number;
  to: number;
}

/** The points of column `y` over column `x`; rows without both are left out. */
export function pointsOf(rows: readonly ChartRow[], x: string, y: string): Point[] {
  return rows.flatMap((row): Point[] => {
    const [at, value] = [row[x], row[y]];
    return typeof at === 'number' && typeof value === 'number' ? [[at, value]] : [];
  });
}

/** The range of `values`, a little wider where they are all one. */
export function rangeOf(values: readonly number[]): Range {
  const from = values.reduce((least, value) => Math.min(least, value), Infinity);
  const to = values.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!Number.isFinite(from)) {
    return { from: 0, to: 1 };
  }
  const slack = from === to ? Math.abs(from) * 0.1 || 1 : 0;
  return { from: from - slack, to: to + slack };
}

/** The range, wider, so that it begins and ends with a round number; `count` of them, about, stand in it. */
export function rounded({ from, to }: Range, count: number): Range {
  const step = stepFor((to - from) / count);
  return { from: Math.floor(from / step + 1e-9) * step, to: Math.ceil(to / step - 1e-9) * step };
}

/** Round numbers within a range, about `count` of them. */
export function marks({ from, to }: Range, count: number): number[] {
  const step = stepFor((to - from) / count);
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12))
  );
}

function stepFor(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(each => each * power).find(each => each >= rough * (1 - 1e-9)) ?? rough;
}

/** The `d` of a path through points, in a box of so many pixels. */
export function pathOf(points: readonly Point[], x: Range, y: Range, width: number, height: number): string {
  return points
    .map(([at, value], index) => {
      const left = (width * (at - x.from)) / (x.to - x.from);
      const top = height * (1 - (value - y.from) / (y.to - y.from));
      return `${index === 0 ? 'M' : 'L'}${left.toFixed(1)} ${top.toFixed(1)}`;
    })
    .join('');
}

/** The index of the point whose x is nearest to `at`; points are in the order of x. */
export function nearest(points: readonly Point[], at: number): number {
  let best = 0;
  points.forEach(([x], index) => {
    best = Math.abs(x - at) <= Math.abs(points[best][0] - at) ? index : best;
  });
  return best;
}

/**
 * The columns of numbers in `rows` and the one to draw them over (`step`, `epoch` …, else the rows in their order); null
 * where there are no curves, as where rows are things with names: their order means nothing.
 */
export function curvesIn(
  rows: readonly ChartRow[]
): { x: string; y: string[]; rows: readonly ChartRow[] } | null {
  const names = Object.keys(rows[0] ?? {});
  const numeric = names.filter(name =>
    rows.every(row => row[name] === null || typeof row[name] === 'number')
  );
  const x = numeric.find(name => /^(step|epoch|iteration|iter|round|batch)s?$/i.test(name));
  const y = numeric.filter(name => name !== x && rows.some(row => row[name] !== null));
  const areNamed = x === undefined && names.some(name => rows.some(row => isName(row[name])));
  if (rows.length < 2 || y.length === 0 || y.length > 12 || areNamed) {
    return null;
  }
  return x
    ? { x, y, rows: thinned(rows) }
    : { x: 'row', y, rows: thinned(rows.map((row, index) => ({ row: index + 1, ...row }))) };
}

/** Whether a cell is a text that says no time. */
function isName(cell: ChartRow[string]): boolean {
  return typeof cell === 'string' && !/^\d{4}-\d\d|^\d{1,2}:\d\d/.test(cell);
}

/** Evenly spread rows, the last one among them, where there are more than a screen has pixels. */
function thinned(rows: readonly ChartRow[]): readonly ChartRow[] {
  const every = Math.ceil(rows.length / MOST_ROWS);
  return every > 1 ? rows.filter((_, index) => (rows.length - 1 - index) % every === 0) : rows;
}
