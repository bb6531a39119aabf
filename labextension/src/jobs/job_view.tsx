/**
 * One job in the main area: what became of it, its timeline, its task instances, its parameters, its YAML, and how
 * that differs from the file as it is now. A chosen task instance opens below, with the dock's own panels.
 */
import { Notification } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { CommandRegistry } from '@lumino/commands';
import { SplitPanel, TabPanel } from '@lumino/widgets';
import * as React from 'react';

import { word } from '../api';
import type { JobPatch } from '../generated';
import type { State } from '../status';
import { CommandIDs, type IJobWatch, type ITaskPanels, type TaskPanelKind } from '../tokens';
import { pipelineIcon } from './icons';
import { JobQuestions } from './job_questions';
import { JobHead } from './job_view_head';
import { JobTabs, type JobTab } from './job_view_tabs';
import type { PanelContext } from './task_panel';
import { sentence, troubleOf } from '../words';
import { jobTitle } from './words';

const TICK = 1000;

/** See the head of this file. */
export class JobViewPanel extends SplitPanel {
  constructor(
    context: PanelContext,
    private readonly panels: ITaskPanels,
    private readonly commands: CommandRegistry,
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
    const last = this.details?.currentIndex ?? 0;
    this.closeDetails();
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
      panel.title.label = label;
      tabs.addWidget(panel);
    }
    tabs.tabBar.node.prepend(this.detailsTitle(path));
    tabs.currentIndex = last;
    this.details = tabs;
    this.addWidget(tabs);
    this.setRelativeSizes([1, 1]);
    this.sheet.setOpened(path);
  }

  private closeDetails(): void {
    this.details?.dispose();
    this.details = null;
    this.sheet.setOpened(null);
  }

  /** The path of what is shown below, and a button that closes it. */
  private detailsTitle(path: string): HTMLElement {
    const title = document.createElement('div');
    title.className = 'ft-JobView-details-title';
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'ft-Form-small';
    button.textContent = '✕';
    button.title = this.context.trans.__('Close');
    button.setAttribute('aria-label', this.context.trans.__('Close %1', path));
    button.addEventListener('click', () => this.closeDetails());
    const name = document.createElement('strong');
    name.textContent = path;
    const lineage = document.createElement('button');
    lineage.type = 'button';
    lineage.className = 'ft-Form-small';
    lineage.textContent = this.context.trans.__('Lineage');
    lineage.addEventListener(
      'click',
      () => void this.commands.execute(CommandIDs.lineage, { job: this.job, task: path })
    );
    title.append(button, name, lineage);
    return title;
  }

  private onChange(): void {
    this.title.icon = pipelineIcon;
    this.title.label = this.watch.job ? jobTitle(this.watch.job) : this.job;
    this.title.caption = this.watch.job?.reason ?? '';
  }

  private readonly context: PanelContext;
  private readonly watch: IJobWatch;
  private readonly sheet: JobSheet;
  private details: TabPanel | null = null;
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

  /** Mark the task instance that is open below. */
  setOpened(path: string | null): void {
    this.opened = path;
    this.update();
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
          onDiff={() => void this.commands.execute(CommandIDs.diffJobs, { one: job.id })}
          root={this.context.jobs.info?.root}
          states={this.states}
          onState={state => this.toggle(state)}
          onAnnotate={patch => this.annotate(job.id, patch)}
        />
        <JobQuestions job={job} api={this.context.api} trans={trans} user={this.context.user?.() ?? ''} />
        <JobTabs
          job={job}
          context={this.context}
          tab={this.tab}
          states={this.states}
          opened={this.opened}
          onTab={tab => {
            this.tab = tab;
            this.update();
          }}
          onOpen={this.open}
        />
      </>
    );
  }

  private toggle(state: State): void {
    const states = new Set(this.states);
    if (!states.delete(state)) {
      states.add(state);
    }
    this.states = states;
    this.update();
  }

  /** Change a person's words on the job; an event brings them back. */
  private async annotate(job: string, patch: Partial<JobPatch>): Promise<boolean> {
    try {
      await this.context.api.send('PATCH', `jobs/${word(job)}`, patch);
      return true;
    } catch (error) {
      Notification.error(sentence(troubleOf(error)), { autoClose: 10_000 });
      return false;
    }
  }

  private readonly timer: number;
  private states: ReadonlySet<State> = new Set();
  private opened: string | null = null;
  private tab: JobTab = 'timeline';
}
