/** What the plugins of `jobs/` share among themselves; other parts see `IJobs` alone. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { Token } from '@lumino/coreutils';

import type { Api } from '../api';
import { EXTENSION } from '../tokens';
import type { Jobs } from './model';
import type { PanelSettings } from './settings';

/** The live model, the server, the settings as they are now, the words. */
export interface IJobsCore {
  readonly jobs: Jobs;
  readonly api: Api;
  readonly settings: PanelSettings;
  readonly trans: TranslationBundle;
}

/** Provided and used within `jobs/`. */
export const IJobsCore = new Token<IJobsCore>(`${EXTENSION}:IJobsCore`, 'What the parts of the panel share.');
