import { expect, it } from 'vitest';

import { curvesIn, lineChart } from './chart';

const THEME = { text: '', grid: '', font: '' };

it('names of columns are names for Vega, not paths', () => {
  const spec = lineChart({ rows: [], x: 'step', y: ['val.loss', 'a["b', "it's", 'back\\slash'] }, THEME);
  expect(spec.transform).toEqual([
    { fold: ['val\\.loss', 'a\\[\\"b', "it\\'s", 'back\\\\slash'], as: ['name', 'value'] }
  ]);
});

it('curves of very many rows are thinned, and end where the rows end', () => {
  const rows = Array.from({ length: 50_000 }, (_, step) => ({ step, loss: 1 / (step + 1) }));
  const curves = curvesIn(rows);
  expect(curves?.rows.length).toBeLessThanOrEqual(2000);
  expect(curves?.rows.at(-1)).toEqual(rows.at(-1));
});
