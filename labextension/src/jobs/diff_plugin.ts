/** Opens differences: `fasttrack:diff-jobs` with `one`, and `other` or `source`. */
import { ILayoutRestorer, type JupyterFrontEnd, type JupyterFrontEndPlugin } from '@jupyterlab/application';
import { InputDialog, MainAreaWidget, Notification, WidgetTracker } from '@jupyterlab/apputils';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { word } from '../api';
import type { JobSummary } from '../generated';
import { stateOf, stateWord } from '../status';
import { CommandIDs, EXTENSION } from '../tokens';
import { sentence, troubleOf } from '../words';
import { IJobsCore } from './core';
import { DiffPanel, type DiffOf } from './diff';
import { diffIcon } from './icons';
import { jobTitle } from './words';

/** How many jobs the question "with which" offers. */
const OFFERED = 100;

const ARGS = {
  type: 'object',
  properties: {
    one: { type: 'string', description: 'The job that is seen as what was' },
    other: { type: 'string', description: 'The job that is seen as what is; asked for where it is left out' },
    source: { type: 'string', description: 'Instead of it, a file of the server’s machine as it is now' }
  }
} as const;

type Tracker = WidgetTracker<MainAreaWidget<DiffPanel>>;

/** Provides the command, and brings open differences back. */
export const diffPlugin: JupyterFrontEndPlugin<void> = {
  id: `${EXTENSION}:diff`,
  description: 'What differs between two pipelines: tasks, parameters and code.',
  autoStart: true,
  requires: [IJobsCore],
  optional: [ILayoutRestorer],
  activate: (app: JupyterFrontEnd, core: IJobsCore, restorer: ILayoutRestorer | null): void => {
    const tracker: Tracker = new WidgetTracker({ namespace: `${EXTENSION}-diff` });
    app.commands.addCommand(CommandIDs.diffJobs, {
      label: core.trans.__('Show differences'),
      icon: diffIcon,
      execute: async args => {
        try {
          const of = await askedFor(args, core);
          if (of) {
            show(app, core, tracker, of);
          }
        } catch (error) {
          Notification.error(sentence(troubleOf(error)), { autoClose: 10_000 });
        }
      },
      describedBy: { args: ARGS }
    });
    void restorer?.restore(tracker, {
      command: CommandIDs.diffJobs,
      args: widget => ({ ...widget.content.of }),
      name: widget => JSON.stringify(widget.content.of)
    });
  }
};

function show(app: JupyterFrontEnd, core: IJobsCore, tracker: Tracker, of: DiffOf): void {
  const id = `${EXTENSION}-diff-${JSON.stringify(of)}`;
  let widget = tracker.find(each => each.id === id);
  if (!widget) {
    widget = new MainAreaWidget({ content: new DiffPanel(core, of) });
    widget.toolbar.hide();
    widget.id = id;
    void tracker.add(widget);
  }
  if (!widget.isAttached) {
    app.shell.add(widget, 'main');
  }
  app.shell.activateById(id);
}

/** What is to be shown; null where nobody chose a second job. */
async function askedFor(
  { one, other, source }: ReadonlyPartialJSONObject,
  { api, trans }: IJobsCore
): Promise<DiffOf | null> {
  const job = String(one ?? 'last');
  if (typeof source === 'string') {
    return { one: job, source };
  }
  if (typeof other === 'string') {
    return { one: job, other };
  }
  const shown = await api.get<JobSummary>(`jobs/${word(job)}`);
  const jobs = await api.get<JobSummary[]>('jobs', { limit: OFFERED });
  const others = jobs.filter(({ id }) => id !== shown.id);
  const labels = others.map(
    each => `${jobTitle(each)} · ${each.id.slice(0, 8)} · ${stateWord(stateOf(each), trans)}`
  );
  if (labels.length === 0) {
    throw new Error(trans.__('There is no other job yet'));
  }
  // jobs of the same pipeline are what is mostly meant: the newest of them comes first
  const usual = Math.max(
    0,
    others.findIndex(each => each.pipeline === shown.pipeline)
  );
  const { value } = await InputDialog.getItem({
    title: trans.__('What differs from which job?'),
    items: labels,
    current: usual
  });
  const chosen = others.find((_, at) => labels[at] === value);
  return chosen ? { one: chosen.id, other: shown.id } : null;
}
