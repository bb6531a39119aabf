/** One curve over time or steps, drawn as it grows. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Point } from './chart';
import { LineChart } from './line_chart';

/** What a curve shows. */
export interface CurveProps {
  title: string;
  points: readonly Point[];
  /** What x is called; null: it is a time (milliseconds). */
  x: string | null;
  /** A line at this height, and its name; the curve's own range begins at zero then. */
  limit?: { value: number; label: string } | null;
  trans: TranslationBundle;
}

/** See the head of this file. */
export function Curve({ points, ...props }: CurveProps): JSX.Element {
  return <LineChart {...props} lines={[{ id: props.title, label: props.title, points }]} />;
}
