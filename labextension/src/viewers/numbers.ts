/** Numbers as viewers write them. */
import type { TranslationBundle } from '@jupyterlab/translation';

import { shortNumber } from '../time';

/** A number in few signs: `0.913`, `1.2M`, `3e-7`; what is no number as it is called. */
export function figure(value: number, trans: TranslationBundle): string {
  if (Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '∞' : '−∞';
  }
  return value !== 0 && Math.abs(value) < 1e-3
    ? String(Number(value.toPrecision(3)).toExponential())
    : shortNumber(value, trans);
}

/** A number as the server carries it: what JSON has no word for comes as `NaN`, `Infinity` or `-Infinity`. */
export function numberFrom(value: number | string): number {
  return typeof value === 'number' ? value : Number(value);
}

/** A part of a whole: `93.1%`. */
export function share(part: number): string {
  return `${(100 * part).toFixed(part > 0.1 && part < 0.9995 ? 1 : part === 0 || part === 1 ? 0 : 2)}%`;
}

/** Any value in a cell of a table. */
export function cellWords(value: unknown, trans: TranslationBundle): string {
  if (value === null || value === undefined) {
    return '–';
  }
  if (typeof value === 'number') {
    return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : figure(value, trans);
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
