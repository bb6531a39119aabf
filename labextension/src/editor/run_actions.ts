/** Run, plan and stop, whichever way they were asked for: a key, a button, a menu. */
import { Notification } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';
import * as React from 'react';

import type { JobSummary } from '../generated';
import type { ParamField } from '../params';
import { fieldsOf, needsAsking } from '../params';
import { ParamsForm } from '../params_form';
import { CommandIDs } from '../tokens';
import { comparedGraph, diffStates } from './diff_graph';
import { DiffList, howWords } from './diff_list';
import { readDocument } from './document';
import { instanceOf, isUnfinished, plannedStates } from './monitor';
import type { Part } from './run_model';
import type { PipelineEditor } from './widget';
import { decisionWords, PlanList } from './widget_sheet';

/** See the head of this file. */
export class RunActions {
  constructor(
    private readonly editor: PipelineEditor,
    private readonly commands: CommandRegistry
  ) {}

  /** Run the pipeline or a part of it; asks for parameters first where one has neither default nor value. */
  async run(part: Part = {}): Promise<void> {
    const { runs } = this.editor;
    const missing = needsAsking(this.fields()) && Object.keys(runs.params).length === 0;
    if (missing) {
      this.askParams(part);
    } else {
      this.started(await runs.run(part));
    }
  }

  /** Ask for parameters, then run. */
  askParams(part: Part = {}): void {
    const { editor } = this;
    const { runs, graph, trans } = editor;
    editor.panes.toggle('canvas', true);
    graph.sheet.open(
      React.createElement(ParamsForm, {
        fields: this.fields(),
        texts: this.texts,
        trans,
        onClose: () => graph.sheet.close(),
        onRun: async (texts, values) => {
          this.texts = texts;
          runs.params = values;
          graph.sheet.close();
          this.started(await runs.run(part));
        }
      })
    );
  }

  /** A new job with the text as it is now, reusing what succeeded in the job shown, or in the last one. */
  async runFailed(): Promise<void> {
    const job = this.lastJob();
    if (job) {
      this.started(await this.editor.runs.rerun(job, { fromFailed: true }));
    }
  }

  /** A new job of these tasks alone, with what they need from the job shown, or from the last one. */
  async runOnly(names: readonly string[]): Promise<void> {
    const job = this.lastJob();
    const part = { only: names };
    this.started(await (job ? this.editor.runs.rerun(job, { part }) : this.editor.runs.run(part)));
  }

  /** Show what a job would do: as a list, and on the cards while the list is open. */
  async plan(): Promise<void> {
    const { runs, graph, canvas, feed, trans } = this.editor;
    const plan = await runs.planned();
    if (plan) {
      this.openAbout(
        React.createElement(PlanList, {
          plan,
          trans,
          onTask: name => canvas.reveal(name) && canvas.select([name]),
          onClose: () => graph.sheet.close()
        }),
        () => ((this.isPlanOpen = false), feed.showPlan(null))
      );
      this.isPlanOpen = true;
      feed.showPlan(plannedStates(plan, decisionWords(trans)));
    }
  }

  /** Whether results of earlier jobs may stand in is the other way round from now on; a plan was about before. */
  toggleCache(): void {
    const { runs, graph } = this.editor;
    runs.usesCache = !runs.usesCache;
    runs.forget();
    if (this.isPlanOpen) {
      graph.sheet.close();
    }
  }

  /** Show what differs in the text from what the job shown, or the last one, ran: on the cards and as a list. */
  async diff(): Promise<void> {
    const { runs, graph, canvas, feed, trans, choice, model } = this.editor;
    const job = this.lastJob();
    const { text } = model;
    const found = job && (await runs.compared(job));
    const then = found && readDocument(found.text, trans).graph;
    if (!found || !then || text !== model.text) {
      return;
    }
    choice.show(null);
    this.openAbout(
      React.createElement(DiffList, {
        diff: found.diff,
        trans,
        onTask: name => canvas.reveal(name) && canvas.select([name]),
        onClose: () => graph.sheet.close()
      }),
      () => feed.showDiff(null)
    );
    feed.showDiff(comparedGraph(model.graph, then, found.diff), diffStates(found.diff, howWords(trans)));
  }

  /** Show a sheet about the text as it is now: it goes when the text changes. */
  private openAbout(content: React.ReactElement, onGone: () => void): void {
    const { graph, model, panes } = this.editor;
    const { text } = model;
    const look = (): void => {
      if (model.text !== text) {
        graph.sheet.close();
      }
    };
    panes.toggle('canvas', true);
    graph.sheet.open(content, () => {
      model.changed.disconnect(look);
      onGone();
    });
    model.changed.connect(look);
  }

  /** Cancel the job that is shown, or these of its tasks. */
  async stop(names: readonly string[] = []): Promise<void> {
    const { job } = this.editor.choice;
    if (!job) {
      return;
    }
    const paths = names.map(name => instanceOf(job, name)?.path).filter(path => path !== undefined);
    if (paths.length) {
      await this.editor.runs.cancelTasks(job.id, paths);
    } else {
      await this.editor.runs.cancel(job.id);
    }
  }

  /** The job that actions on tasks are about: the one shown, else the last. */
  lastJob(): string | null {
    const { choice } = this.editor;
    return choice.id ?? choice.list[0]?.id ?? null;
  }

  private started(job: JobSummary | null): void {
    const { choice, trans } = this.editor;
    if (!job) {
      return;
    }
    choice.show(job.id);
    void choice.refresh();
    const title = trans.__('Job #%1 of %2 has started.', job.index, job.pipeline);
    const open = { label: trans.__('Open the job'), callback: () => this.open(job.id) };
    Notification.info(title, { autoClose: 5000, actions: isUnfinished(job) ? [open] : [] });
  }

  private open(job: string): void {
    if (this.commands.hasCommand(CommandIDs.openJob)) {
      void this.commands.execute(CommandIDs.openJob, { job });
    }
  }

  private fields(): ParamField[] {
    const data = this.editor.model.pipelineData();
    return fieldsOf(typeof data === 'object' && data !== null && 'params' in data ? data.params : undefined);
  }

  private isPlanOpen = false;
  private texts: Readonly<Record<string, string>> = {};
}
