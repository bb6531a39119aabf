/**
 * The canvas's elements: where cytoscape listens, hints and tips, and what only screen readers meet.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { UUID } from '@lumino/coreutils';

/** The elements of one canvas, from below. */
export interface Parts {
  stage: HTMLElement;
  tip: HTMLElement;
  hint: HTMLElement;
  draft: HTMLElement;
  live: HTMLElement;
  /** Two, used in turn: a screen reader speaks when another element becomes the active one, not when its words change. */
  currents: readonly [HTMLElement, HTMLElement];
}

/** Build the elements of a canvas into `node`. */
export function makeParts(node: HTMLElement, trans: TranslationBundle): Parts {
  const part = (name: string) => {
    const element = document.createElement('div');
    element.className = `ft-Canvas-${name}`;
    node.append(element);
    return element;
  };
  node.classList.add('ft-Canvas');
  node.tabIndex = 0;
  node.setAttribute('role', 'application');
  node.setAttribute('aria-label', trans.__('Pipeline canvas'));
  node.setAttribute('aria-roledescription', trans.__('task graph; press ? for keys'));
  const parts = ['stage', 'hint', 'tip', 'draft', 'live', 'current', 'current'].map(part);
  const [stage, hint, tip, draft, live, one, other] = parts;
  tip.hidden = draft.hidden = true;
  tip.setAttribute('aria-hidden', 'true');
  live.setAttribute('role', 'status');
  for (const current of [one, other]) {
    current.id = `ft-canvas-current-${UUID.uuid4()}`;
  }
  hint.textContent = trans.__('Drag a task or a file here, double-click, or press A to add the first task.');
  return { stage, hint, tip, draft, live, currents: [one, other] };
}
