/**
 * The colours and fonts that the canvas paints with, read from the CSS variables of the theme in force.
 *
 * A canvas does not follow CSS by itself: whoever paints reads the palette anew when the theme changes. With forced
 * colours (Windows' high contrast) the system's own words for colours are used, and shapes alone tell the states apart.
 */
import { STATES } from '../status';
import type { State } from '../status';
import type { Severity } from './graph';

/** The colours of one state: `fill` for areas, `stroke` for lines and icons (≥ 3:1 against the surface). */
export interface StateColours {
  fill: string;
  stroke: string;
}

/** All that a theme decides about the picture. Colours are CSS colours. */
export interface Palette {
  background: string;
  surface: string;
  sunken: string;
  border: string;
  /** Of an edge, and of a card's outline while nothing runs: ≥ 3:1 against the background. */
  line: string;
  text: string;
  faintText: string;
  brand: string;
  note: string;
  font: string;
  severity: Readonly<Record<Severity, string>>;
  states: Readonly<Record<State, StateColours>>;
}

const FONT = 'system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif';

/** The palette of the theme that `host` stands in. */
export function readPalette(host: HTMLElement): Palette {
  if (window.matchMedia('(forced-colors: active)').matches) {
    return forcedPalette();
  }
  const style = getComputedStyle(host);
  const read = (name: string, otherwise: string) => style.getPropertyValue(name).trim() || otherwise;
  const colours = (state: State): StateColours => ({
    fill: read(`--ft-${state}`, '#808080'),
    stroke: read(`--ft-${state}-stroke`, '#606060')
  });
  return {
    background: read('--ft-canvas-background', '#f5f5f5'),
    surface: read('--jp-layout-color1', '#ffffff'),
    sunken: read('--jp-layout-color2', '#eeeeee'),
    border: read('--jp-border-color1', '#bdbdbd'),
    line: read('--ft-canvas-line', '#767676'),
    text: read('--jp-ui-font-color1', '#212121'),
    faintText: read('--jp-ui-font-color2', '#616161'),
    brand: read('--jp-brand-color1', '#1976d2'),
    note: read('--ft-canvas-note', '#fff8dc'),
    font: read('--jp-ui-font-family', FONT),
    severity: {
      error: read('--ft-canvas-error', '#a63f1d'),
      warning: read('--ft-canvas-warning', '#8a5a00'),
      notice: read('--jp-brand-color1', '#1976d2')
    },
    states: perState(colours)
  };
}

function forcedPalette(): Palette {
  const ink = 'CanvasText';
  return {
    background: 'Canvas',
    surface: 'Canvas',
    sunken: 'Canvas',
    border: ink,
    line: ink,
    text: ink,
    faintText: ink,
    brand: 'Highlight',
    note: 'Canvas',
    font: FONT,
    severity: { error: ink, warning: ink, notice: ink },
    states: perState(() => ({ fill: ink, stroke: ink }))
  };
}

function perState<T>(make: (state: State) => T): Record<State, T> {
  return Object.fromEntries(STATES.map(state => [state, make(state)])) as Record<State, T>;
}

/** Call `changed` after each change of theme, contrast or motion preference, until the returned function is called. */
export function watchTheme(changed: () => void): () => void {
  const observer = new MutationObserver(changed);
  const attributeFilter = ['data-jp-theme-name', 'data-jp-theme-light', 'class', 'style'];
  observer.observe(document.body, { attributes: true, attributeFilter });
  const media = ['(forced-colors: active)', '(prefers-reduced-motion: reduce)'].map(m =>
    window.matchMedia(m)
  );
  media.forEach(query => query.addEventListener('change', changed));
  return () => {
    observer.disconnect();
    media.forEach(query => query.removeEventListener('change', changed));
  };
}

/** Whether the person asked for no movement. */
export function isMotionReduced(): boolean {
  return window.matchMedia('(prefers-reduced-motion: reduce)').matches;
}
