/**
 * Curves, drawn by JupyterLab's own Vega-Lite renderer in the colours of the theme. Pure: rows in, specification out.
 */

/** A row of a table: numbers where there are numbers. */
export type ChartRow = Readonly<Record<string, number | string | null>>;

/** The mime type that JupyterLab's Vega renderer takes. */
export const VEGA_LITE = 'application/vnd.vegalite.v5+json';

/** Most points of one curve. */
const MOST_ROWS = 2000;

/** Colours and font of the page, so that a chart is at home in every theme. */
export interface ChartTheme {
  text: string;
  grid: string;
  font: string;
}

/** The theme of `node`, by JupyterLab's variables. */
export function themeOf(node: Element): ChartTheme {
  const style = getComputedStyle(node);
  const read = (name: string, otherwise: string): string => style.getPropertyValue(name).trim() || otherwise;
  return {
    text: read('--jp-ui-font-color1', '#333'),
    grid: read('--jp-border-color2', '#ddd'),
    font: read('--jp-ui-font-family', 'sans-serif')
  };
}

/** What a chart shows: `y` columns over `x`, each with a curve; `x` is a time where `isTime`. */
export interface ChartOf {
  rows: readonly ChartRow[];
  x: string;
  y: readonly string[];
  isTime?: boolean;
  title?: string;
  height?: number;
}

/** The specification of a line chart with a tooltip. */
export function lineChart(of: ChartOf, theme: ChartTheme): Record<string, unknown> {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v5.json',
    width: 'container',
    height: of.height ?? 140,
    autosize: { type: 'fit', contains: 'padding' },
    background: 'transparent',
    title: of.title ? { text: of.title, anchor: 'start', fontSize: 12 } : undefined,
    data: { values: of.rows },
    transform: [{ fold: of.y.map(field), as: ['name', 'value'] }],
    mark: { type: 'line', point: of.rows.length < 60, tooltip: true, clip: true },
    encoding: {
      x: {
        field: field(of.x),
        type: of.isTime ? 'temporal' : 'quantitative',
        title: of.isTime ? null : of.x
      },
      y: { field: 'value', type: 'quantitative', title: null, scale: { zero: false } },
      color: {
        field: 'name',
        type: 'nominal',
        title: null,
        legend: of.y.length > 1 ? { orient: 'bottom' } : null
      },
      strokeDash: { field: 'name', type: 'nominal', legend: null }
    },
    config: {
      font: theme.font,
      title: { color: theme.text },
      axis: {
        labelColor: theme.text,
        titleColor: theme.text,
        gridColor: theme.grid,
        domainColor: theme.grid
      },
      legend: { labelColor: theme.text },
      view: { stroke: null }
    }
  };
}

/** Vega reads dots, brackets and quotes in a field's name as a path. */
function field(name: string): string {
  return name.replace(/[.[\]'"\\]/g, '\\$&');
}

/** The columns of numbers in `rows` and the one to draw them over (`step`, `epoch` …); null where there are no curves. */
export function curvesIn(
  rows: readonly ChartRow[]
): { x: string; y: string[]; rows: readonly ChartRow[] } | null {
  const names = Object.keys(rows[0] ?? {});
  const numeric = names.filter(name =>
    rows.every(row => row[name] === null || typeof row[name] === 'number')
  );
  const x = numeric.find(name => /^(step|epoch|iteration|iter|round|batch)s?$/i.test(name));
  const y = numeric.filter(name => name !== x && rows.some(row => row[name] !== null));
  if (rows.length < 2 || y.length === 0 || y.length > 12) {
    return null;
  }
  return x
    ? { x, y, rows: thinned(rows) }
    : { x: 'row', y, rows: thinned(rows.map((row, index) => ({ row: index + 1, ...row }))) };
}

/** Evenly spread rows, the last one among them, where there are more than a screen has pixels. */
function thinned(rows: readonly ChartRow[]): readonly ChartRow[] {
  const every = Math.ceil(rows.length / MOST_ROWS);
  return every > 1 ? rows.filter((_, index) => (rows.length - 1 - index) % every === 0) : rows;
}
