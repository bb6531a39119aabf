/** Icons that JupyterLab has none of; drawn in its own grey, so that they follow the theme. */
import { LabIcon } from '@jupyterlab/ui-components';

const svg = (body: string) =>
  `<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 16 16"><g class="jp-icon3" fill="none" stroke="#616161" stroke-width="1.5" stroke-linecap="round" stroke-linejoin="round">${body}</g></svg>`;

/** A list with a mark at each line. */
export const planIcon = new LabIcon({
  name: 'fasttrack:plan',
  svgstr: svg('<path d="M2 4l1 1 2-2M2 9l1 1 2-2M8 4.5h6M8 9.5h6M8 14h6"/>')
});

/** Cards that hang together. */
export const layoutIcon = new LabIcon({
  name: 'fasttrack:layout',
  svgstr: svg(
    '<path d="M1.5 6h4v4h-4zM10.5 1.5h4v4h-4zM10.5 10.5h4v4h-4zM5.500 8h2.500V3.500h2.500M8 8v4.500h2.500"/>'
  )
});

/** Corners around something. */
export const fitIcon = new LabIcon({
  name: 'fasttrack:fit',
  svgstr: svg('<path d="M2 5V2h3M11 2h3v3M14 11v3h-3M5 14H2v-3M5.500 6.500h5v3h-5z"/>')
});

/** A pipeline file: three cards, two dependencies, in colour as file icons are. */
export const pipelineIcon = new LabIcon({
  name: 'fasttrack:pipeline-file',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" height="16" viewBox="0 0 22 22"><g class="jp-icon-selectable" stroke="#00838f" stroke-width="1.600" fill="none"><path d="M8 11h3V5h3M11 11v6h3"/></g><g class="jp-icon-selectable" fill="#00838f"><rect x="2" y="8" width="6" height="6" rx="1.500"/><rect x="14" y="2" width="6" height="6" rx="1.500"/><rect x="14" y="14" width="6" height="6" rx="1.500"/></g></svg>'
});
