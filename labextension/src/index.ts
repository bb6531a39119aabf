/** The plugins of this extension, nothing else. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { editorPlugins } from './editor/plugins';
import { jobsPlugins } from './jobs/plugins';
import { notebookPlugins } from './notebook/plugins';

const plugins: JupyterFrontEndPlugin<unknown>[] = [...jobsPlugins, ...editorPlugins, ...notebookPlugins];

export default plugins;
