/** The dock's tabs about a task instance, by their kinds. */
import type { Widget } from '@lumino/widgets';

import type { ITaskPanels, TaskPanelKind } from '../tokens';
import { AttemptsPanel } from './attempts';
import { LogPanel } from './log';
import { OutputsPanel } from './outputs';
import { ResourcesPanel } from './resources';
import type { PanelContext } from './task_panel';

/** See {@link ITaskPanels}. */
export class TaskPanels implements ITaskPanels {
  constructor(private readonly context: PanelContext) {}

  create(kind: TaskPanelKind, job: string, path: string): Widget {
    switch (kind) {
      case 'log':
        return new LogPanel(this.context, job, path);
      case 'outputs':
        return new OutputsPanel(this.context, job, path);
      case 'resources':
        return new ResourcesPanel(this.context, job, path);
      case 'attempts':
        return new AttemptsPanel(this.context, job, path);
    }
  }
}
