/**
 * One job in the main area: what became of it, its timeline, its task instances, its parameters, its YAML, and how
 * that differs from the file as it is now. A chosen task instance opens below, with the dock's own panels.
 */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { SplitPanel, TabPanel, type Widget } from '@lumino/widgets';
import * as React from 'react';

import { CommandIDs, type IJobWatch, type ITaskPanels, type TaskPanelKind } from '../tokens';
import { JobHead } from './job_view_head';
import { JobTabs, type JobTab } from './job_view_tabs';
import type { PanelContext } from './task_panel';
import { jobTitle } from './words';

const TICK = 1000;

/** See the head of this file. */
export class JobViewPanel extends SplitPanel {
  constructor(
    context: PanelContext,
    private readonly panels: ITaskPanels,
    commands: CommandRegistry,
    readonly job: string
  ) {
    super({ orientation: 'vertical', spacing: 4 });
    this.addClass('ft-JobView');
    this.context = context;
    this.watch = context.jobs.watch(job);
    this.sheet = new JobSheet(context, this.watch, commands, path => this.open(path));
    this.addWidget(this.sheet);
    this.watch.changed.connect(this.onChange, this);
    this.onChange();
  }

  dispose(): void {
    this.watch.dispose();
    super.dispose();
  }

  /** Show a task instance's panels below. */
  private open(path: string): void {
    this.details?.dispose();
    const { trans } = this.context;
    const tabs = new TabPanel();
    const kinds: [TaskPanelKind, string][] = [
      ['log', trans.__('Log')],
      ['outputs', trans.__('Outputs')],
      ['resources', trans.__('Resources')],
      ['attempts', trans.__('Attempts')]
    ];
    tabs.addClass('ft-JobView-details');
    tabs.node.setAttribute('role', 'region');
    tabs.node.setAttribute('aria-label', path);
    for (const [kind, label] of kinds) {
      const panel = this.panels.create(kind, this.job, path);
      panel.title.label = `${label} · ${path}`;
      tabs.addWidget(panel);
    }
    this.details = tabs;
    this.addWidget(tabs);
    this.setRelativeSizes([3, 2]);
  }

  private onChange(): void {
    this.title.label = this.watch.job ? jobTitle(this.watch.job) : this.job;
    this.title.caption = this.watch.job?.reason ?? '';
  }

  private readonly context: PanelContext;
  private readonly watch: IJobWatch;
  private readonly sheet: Widget;
  private details: Widget | null = null;
}

class JobSheet extends ReactWidget {
  constructor(
    private readonly context: PanelContext,
    private readonly watch: IJobWatch,
    private readonly commands: CommandRegistry,
    private readonly open: (path: string) => void
  ) {
    super();
    this.addClass('ft-JobSheet');
    watch.changed.connect(this.update, this);
    this.timer = window.setInterval(
      () => watch.job?.ended_at === null && this.isVisible && this.update(),
      TICK
    );
  }

  dispose(): void {
    window.clearInterval(this.timer);
    super.dispose();
  }

  protected render(): JSX.Element {
    const { trans } = this.context;
    const { job, error } = this.watch;
    if (job === null) {
      return (
        <p className="ft-TaskPanel-hint" role="status">
          {error ?? trans.__('Loading …')}
        </p>
      );
    }
    return (
      <>
        {error !== null && (
          <p className="ft-TaskPanel-trouble" role="alert">
            {error}
          </p>
        )}
        <JobHead
          job={job}
          trans={trans}
          onCancel={() => void this.commands.execute(CommandIDs.cancelJob, { job: job.id })}
          onRerun={fromFailed => void this.commands.execute(CommandIDs.rerunJob, { job: job.id, fromFailed })}
          onCanvas={path => void this.commands.execute(CommandIDs.openPipeline, { path, job: job.id })}
          root={this.context.jobs.info?.root}
        />
        <JobTabs
          job={job}
          context={this.context}
          tab={this.tab}
          onTab={tab => {
            this.tab = tab;
            this.update();
          }}
          onOpen={this.open}
        />
      </>
    );
  }

  private readonly timer: number;
  private tab: JobTab = 'timeline';
}
