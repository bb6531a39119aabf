/** Refusals that several parts of writing share. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Source } from './document_source';
import { EditRefused } from './edits';

/** A change that cannot be written in place. */
export function cannot(source: Source, trans: TranslationBundle): EditRefused {
  return source.hasAliases
    ? new EditRefused(
        trans.__('This value is shared with another place by an anchor (&) and aliases (*)'),
        trans.__('Change it in the YAML, or write the alias out first.')
      )
    : new EditRefused(
        trans.__('The text is written in a way that this change does not fit into'),
        trans.__('Make the change in the YAML.')
      );
}
