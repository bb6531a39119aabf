/** The icon of FastTrack in sidebars, launcher and commands. */
import { LabIcon } from '@jupyterlab/ui-components';

/** Two tasks that a third one needs. */
export const pipelineIcon = new LabIcon({
  name: 'fasttrack:pipeline',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="none" stroke="#616161" stroke-width="2">
    <path d="M9 6h2.5a2 2 0 0 1 2 2v2a2 2 0 0 0 2 2h-2a2 2 0 0 0-2 2v2a2 2 0 0 1-2 2H9" stroke-linecap="round"/>
  </g>
  <g class="jp-icon3" fill="#616161">
    <rect x="2" y="3" width="8" height="6" rx="1.5"/>
    <rect x="2" y="15" width="8" height="6" rx="1.5"/>
    <rect x="14.500" y="9" width="7.500" height="6" rx="1.5"/>
  </g>
</svg>`
});

/** Columns of different heights, side by side. */
export const comparisonIcon = new LabIcon({
  name: 'fasttrack:comparison',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <g class="jp-icon3" fill="#616161">
    <rect x="3" y="10" width="4.500" height="11" rx="1"/>
    <rect x="9.750" y="3" width="4.500" height="18" rx="1"/>
    <rect x="16.500" y="14" width="4.500" height="7" rx="1"/>
  </g>
</svg>`
});

/** One thing, and what was made of it. */
export const lineageIcon = new LabIcon({
  name: 'fasttrack:lineage',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="none" stroke="#616161" stroke-width="2" stroke-linecap="round" d="M7 12h4m0 0l5-6m-5 6l5 6"/>
  <g class="jp-icon3" fill="#616161">
    <circle cx="5" cy="12" r="3"/>
    <circle cx="18" cy="5" r="3"/>
    <circle cx="18" cy="19" r="3"/>
  </g>
</svg>`
});

/** What was taken away, and what was added. */
export const diffIcon = new LabIcon({
  name: 'fasttrack:diff',
  svgstr: `<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24">
  <path class="jp-icon3" fill="none" stroke="#616161" stroke-width="2.500" stroke-linecap="round" d="M12 3v10M7 8h10M7 19h10"/>
</svg>`
});
