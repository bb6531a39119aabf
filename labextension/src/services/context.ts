/** What the views of services and models are given. */
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { ISignal } from '@lumino/signaling';

import type { Api } from '../api';
import type { Freshness } from '../asking';

/** What all of these views act by. */
export interface ServingServices {
  api: Api;
  trans: TranslationBundle;
  commands: CommandRegistry;
  /** After a hint that some service is not any more as it was told. */
  changed: ISignal<unknown, void>;
}

/** What one view is given. */
export interface ServingContext extends ServingServices {
  /** Whether it is looked at, and which round of questions it is. */
  fresh: Freshness;
}
