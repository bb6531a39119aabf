/** Curves: which columns of a table are some, and where their points and marks go. Pure. */

/** A row of a table: numbers where there are numbers. */
export type ChartRow = Readonly<Record<string, number | string | null>>;

/** Most points of one curve. */
const MOST_ROWS = 2000;

/** A point: x and y in the data's own units; y may be no finite number, which leaves a gap. */
export type Point = readonly [number, number];

/** A range of numbers; never of no width. Of a logarithmic one both ends are above zero. */
export interface Range {
  from: number;
  to: number;
  isLog?: boolean;
}

/** The points of column `y` over column `x`; rows without both are left out. */
export function pointsOf(rows: readonly ChartRow[], x: string, y: string): Point[] {
  return rows.flatMap((row): Point[] => {
    const [at, value] = [row[x], row[y]];
    return typeof at === 'number' && typeof value === 'number' ? [[at, value]] : [];
  });
}

/** The range of those of `values` that are finite, a little wider where they are all one. */
export function rangeOf(values: readonly number[]): Range {
  const finite = values.filter(Number.isFinite);
  const from = finite.reduce((least, value) => Math.min(least, value), Infinity);
  const to = finite.reduce((most, value) => Math.max(most, value), -Infinity);
  if (!Number.isFinite(from)) {
    return { from: 0, to: 1 };
  }
  const slack = from === to ? Math.abs(from) * 0.1 || 1 : 0;
  return { from: from - slack, to: to + slack };
}

/** The range of `values` for an axis with about `count` marks: with round ends; logarithmic if that is wanted. */
export function axisOf(values: readonly number[], count: number, isLog = false): Range {
  if (!isLog) {
    return rounded(rangeOf(values), count);
  }
  const { from, to } = rangeOf(values.filter(value => value > 0));
  return from > 0 ? { from: roundBelow(from), to: roundAbove(to), isLog } : { from: 0.1, to: 1, isLog };
}

/** The nearest 1, 2 or 5 times a power of ten that is not above `value`. */
function roundBelow(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return [5, 2, 1].map(each => each * power).find(each => each <= value * (1 + 1e-9)) ?? power;
}

/** The nearest 1, 2, 5 or 10 times a power of ten that is not below `value`. */
function roundAbove(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return [1, 2, 5].map(each => each * power).find(each => each >= value * (1 - 1e-9)) ?? 10 * power;
}

/** The range, wider, so that it begins and ends with a round number; `count` of them, about, stand in it. */
export function rounded({ from, to }: Range, count: number): Range {
  const step = stepFor((to - from) / count);
  return { from: Math.floor(from / step + 1e-9) * step, to: Math.ceil(to / step - 1e-9) * step };
}

/** Round numbers within a range, about `count` of them. */
export function marks(range: Range, count: number): number[] {
  if (range.isLog) {
    return logMarks(range, count);
  }
  const { from, to } = range;
  const step = stepFor((to - from) / count);
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) =>
    Number(((first + index) * step).toPrecision(12))
  );
}

/** Powers of ten; where those are few, 2 and 5 times them as well. */
function logMarks({ from, to }: Range, count: number): number[] {
  const [low, high] = [Math.floor(Math.log10(from) + 1e-9), Math.ceil(Math.log10(to) - 1e-9)];
  const every = Math.max(1, Math.ceil((high - low) / (count + 1)));
  const parts = (high - low) * 2 <= count ? [1, 2, 5] : [1];
  const found: number[] = [];
  for (let power = low; power <= high; power += every) {
    found.push(...parts.map(part => Number(`${part}e${power}`)));
  }
  return found.filter(value => value >= from * (1 - 1e-9) && value <= to * (1 + 1e-9));
}

function stepFor(rough: number): number {
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].map(each => each * power).find(each => each >= rough * (1 - 1e-9)) ?? rough;
}

/** Where `value` stands in a range: 0 at its beginning, 1 at its end. */
export function partOf({ from, to, isLog }: Range, value: number): number {
  return isLog
    ? (Math.log(value) - Math.log(from)) / (Math.log(to) - Math.log(from))
    : (value - from) / (to - from);
}

/** What stands at `part` of a range: the other way round. */
export function valueAt({ from, to, isLog }: Range, part: number): number {
  return isLog
    ? Math.exp(Math.log(from) + part * (Math.log(to) - Math.log(from)))
    : from + part * (to - from);
}

/** Whether a value has a place in a range of this kind. */
export function hasPlace(value: number, { isLog }: Pick<Range, 'isLog'>): boolean {
  return Number.isFinite(value) && (!isLog || value > 0);
}

/** The `d` of a path through points, in a box of so many pixels; a point without a place leaves a gap. */
export function pathOf(points: readonly Point[], x: Range, y: Range, width: number, height: number): string {
  let isOpen = false;
  let path = '';
  points.forEach(([at, value], index) => {
    if (!hasPlace(at, x) || !hasPlace(value, y)) {
      isOpen = false;
      return;
    }
    const left = (width * partOf(x, at)).toFixed(1);
    const top = (height * (1 - partOf(y, value))).toFixed(1);
    const isAlone = !isOpen && index < points.length - 1 && !hasPlace(points[index + 1][1], y);
    path += `${isOpen ? 'L' : 'M'}${left} ${top}${isAlone ? 'h.01' : ''}`;
    isOpen = true;
  });
  return path;
}

/** The index of the point whose x is nearest to `at`, the last of several; points are in the order of x. */
export function nearest(points: readonly Point[], at: number): number {
  let best = 0;
  points.forEach(([x], index) => {
    best = Math.abs(x - at) <= Math.abs(points[best][0] - at) ? index : best;
  });
  return best;
}

/** All x of several curves, each once, in order. */
export function stopsOf(curves: readonly (readonly Point[])[]): number[] {
  return [...new Set(curves.flatMap(points => points.map(([at]) => at)))].sort((one, other) => one - other);
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
