/** The plugins of this extension, nothing else. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { clustersPlugins } from './clusters/plugins';
import { editorPlugins } from './editor/plugins';
import { jobsPlugins } from './jobs/plugins';
import { notebookPlugins } from './notebook/plugins';
import { servicesPlugins } from './services/plugins';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  ...jobsPlugins,
  ...clustersPlugins,
  ...editorPlugins,
  ...notebookPlugins,
  ...servicesPlugins
];

export default plugins;
