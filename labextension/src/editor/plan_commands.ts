/** Commands that tell what would run and what has changed. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Spec } from './commands';
import { planIcon } from './commands_icons';
import type { PipelineEditor } from './widget';

/** Their ids. */
interface PlanCommandIDs {
  plan: string;
  useCache: string;
  diff: string;
}

/** The commands by id; `idle` tells whether an editor is not busy asking. */
export function planSpecs(
  ids: PlanCommandIDs,
  idle: (editor: PipelineEditor) => boolean,
  trans: TranslationBundle
): Record<string, Spec> {
  return {
    [ids.plan]: {
      label: trans.__('Plan'),
      caption: trans.__('What a job would do, without running it'),
      icon: planIcon,
      can: idle,
      does: document => document.running.plan()
    },
    [ids.useCache]: {
      label: trans.__('Run without cache'),
      caption: trans.__('Nothing of earlier jobs stands in: every task runs'),
      does: document => document.running.toggleCache(),
      isOn: ({ runs }) => !runs.usesCache
    },
    [ids.diff]: {
      label: trans.__('Differences from the last job'),
      caption: trans.__('What was added, removed and changed since, on the canvas and as a list'),
      can: editor => idle(editor) && (editor.choice.id !== null || editor.choice.list.length > 0),
      does: document => document.running.diff()
    }
  };
}
