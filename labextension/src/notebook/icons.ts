/** Icons of what a cell is, and of what is done with a notebook; drawn in JupyterLab's own grey. */
import { codeIcon, LabIcon, listIcon, terminalIcon } from '@jupyterlab/ui-components';

import type { Mark } from './marks';

const svg = (name: string, body: string) =>
  new LabIcon({
    name: `fasttrack:${name}`,
    svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16"><g class="jp-icon3" style="fill:none" stroke="#616161" stroke-width="1.500" stroke-linecap="round" stroke-linejoin="round">${body}</g></svg>`
  });

const CARDS =
  '<path d="M1.500 2h4.500v3.500H1.500zM1.500 10.500h4.500V14H1.500zM10 6.200h4.500v3.600H10zM6 3.700h2v8.500H6M8 8h2"/>';

/** Cards that hang together. */
export const openIcon = svg('notebook-pipeline', CARDS);

/** Cards, and a triangle: go. */
export const runIcon = svg(
  'notebook-job',
  '<path d="M1.500 2h4.500v3.500H1.500zM1.500 10.500h4.500V14H1.500zM6 3.700h1.500v8.500H6"/><path class="jp-icon3" fill="#616161" d="M9.500 4.500l5 3.500-5 3.500z"/>'
);

const taskIcon = svg('notebook-task', '<path d="M2 4h12v8H2zM5 8h6"/>');
const skipIcon = svg('notebook-skip', '<path d="M2 4h12v8H2zM2 12L14 4"/>');

/** The icon of a kind of cells. */
export function kindIcon(kind: Mark['kind']): LabIcon {
  switch (kind) {
    case 'task':
      return taskIcon;
    case 'shell':
      return terminalIcon;
    case 'params':
      return listIcon;
    case 'common':
      return codeIcon;
    case 'skip':
      return skipIcon;
    case 'pipeline':
      return openIcon;
  }
}
