/** What `jobs/` adds to JupyterLab. */
import type { JupyterFrontEndPlugin } from '@jupyterlab/application';

/** The plugins, in the order in which they are to be activated. */
export const jobsPlugins: JupyterFrontEndPlugin<unknown>[] = [];
