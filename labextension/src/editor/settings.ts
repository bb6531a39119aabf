/**
 * What is remembered of the view, per file, in JupyterLab's own state database (it is layout, not meaning: none of
 * it is in the YAML). Whatever is found there was written by some version of this extension or by hand, so each
 * word of it is looked at before it is believed.
 */
import type { IStateDB } from '@jupyterlab/statedb';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { EXTENSION } from '../tokens';
import type { ViewState } from './canvas-types';

/** The panes that stand beside each other, from left to right. */
export const PANES = ['palette', 'outline', 'canvas', 'yaml', 'dock'] as const;

/** One of the panes. */
export type PaneName = (typeof PANES)[number];

/** What is remembered of one file. */
export interface Remembered {
  /** Zoom, place and direction of the canvas, and where cards stand. */
  canvas: ViewState | null;
  /** Which panes are shown, and how wide each is relative to the others (also while it is hidden). */
  panes: Partial<Record<PaneName, { isShown: boolean; share: number }>>;
  problems: boolean;
  /** How high the list of problems was drawn, in pixels; null: as high as they need. */
  problemsHeight: number | null;
  /** Whether of that list only the first line is shown. */
  areProblemsFolded: boolean;
  backend: string;
  /** The job shown: an id, `latest`, or null while editing. */
  job: string | null;
}

/** What counts for a file that nothing is known of. */
export const FRESH: Remembered = {
  canvas: null,
  panes: {},
  problems: true,
  problemsHeight: null,
  areProblemsFolded: false,
  backend: 'local',
  job: null
};

/** The view of files, remembered. */
export class ViewMemory {
  constructor(private readonly state: IStateDB | null) {}

  /** What is known of the file at `path`; what cannot be read counts as not known. */
  async recall(path: string): Promise<Remembered> {
    try {
      return readRemembered(await this.state?.fetch(keyOf(path)));
    } catch (error) {
      console.warn(`What was remembered of the view of ${path} cannot be read; the default is shown.`, error);
      return FRESH;
    }
  }

  /** Keep `view` for the file at `path`. A state database that is full or away costs the view, nothing else. */
  async keep(path: string, view: Remembered): Promise<void> {
    try {
      await this.state?.save(keyOf(path), view as unknown as ReadonlyPartialJSONObject);
    } catch (error) {
      console.warn(`The view of ${path} is not remembered.`, error);
    }
  }
}

/** `value` as something remembered; what is not as it should be is left at its default. */
export function readRemembered(value: unknown): Remembered {
  if (!isMapping(value)) {
    return FRESH;
  }
  return {
    canvas: readView(value.canvas),
    panes: readPanes(value.panes),
    problems: value.problems !== false,
    problemsHeight: isFinite(value.problemsHeight) ? (value.problemsHeight as number) : null,
    areProblemsFolded: value.areProblemsFolded === true,
    backend: typeof value.backend === 'string' && value.backend ? value.backend : FRESH.backend,
    job: typeof value.job === 'string' && value.job ? value.job : null
  };
}

function readView(value: unknown): ViewState | null {
  if (!isMapping(value) || !isPoint(value.pan) || !isFinite(value.zoom) || !isMapping(value.positions)) {
    return null;
  }
  const positions = Object.entries(value.positions).filter(([, at]) => isPoint(at));
  return {
    zoom: value.zoom as number,
    pan: value.pan,
    direction: value.direction === 'TB' ? 'TB' : 'LR',
    isFitted: value.isFitted === true,
    positions: Object.fromEntries(positions) as ViewState['positions']
  };
}

function readPanes(value: unknown): Remembered['panes'] {
  const panes: Remembered['panes'] = {};
  for (const name of PANES) {
    const pane = isMapping(value) ? value[name] : undefined;
    if (isMapping(pane) && isFinite(pane.share) && (pane.share as number) > 0) {
      panes[name] = { isShown: pane.isShown === true, share: pane.share as number };
    }
  }
  return panes;
}

function keyOf(path: string): string {
  return `${EXTENSION}:view:${path}`;
}

function isMapping(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFinite(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value);
}

function isPoint(value: unknown): value is { x: number; y: number } {
  return isMapping(value) && isFinite(value.x) && isFinite(value.y);
}
