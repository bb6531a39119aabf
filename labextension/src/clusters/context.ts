/** What the views of a cluster are given. */
import type { Contents } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Api } from '../api';
import type { Freshness } from '../asking';
import type { Uploads } from './uploads';

/** What all clusters' views act by. */
export interface ClusterServices {
  api: Api;
  trans: TranslationBundle;
  commands: CommandRegistry;
  /** JupyterLab's files, which can be dragged to a vfolder. */
  contents: Contents.IManager;
  /** The folder on the server's machine that JupyterLab shows; null where it is not known. */
  root(): string | null;
}

/** What a view of one cluster is given. */
export interface ClusterContext extends ClusterServices {
  /** The cluster's backend. */
  backend: string;
  /** Where its operations are. */
  place: string;
  /** What is on its way to its vfolders. */
  uploads: Uploads;
  /** Whether it is looked at, and which round of questions it is. */
  fresh: Freshness;
}
