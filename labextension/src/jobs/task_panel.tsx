/** What the dock's panels about one task instance share: they follow its job, and ask again while it runs. */
import type { IEditorLanguageRegistry } from '@jupyterlab/codemirror';
import { ReactWidget } from '@jupyterlab/ui-components';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { word, type Api } from '../api';
import type { TaskInstanceView } from '../generated';
import { isEnded, progressWords, stateOf } from '../status';
import type { IJobs, IJobWatch } from '../tokens';
import { type Trouble, troubleOf } from '../words';

/** What a panel is made with. */
export interface PanelContext {
  api: Api;
  jobs: IJobs;
  rendermime: IRenderMimeRegistry;
  languages: IEditorLanguageRegistry;
  trans: TranslationBundle;
  /** Opens a notebook in which a task instance can be debugged, where there are notebooks. */
  debug?: (job: string, path: string) => void;
  /** Opens a job's view. */
  open?: (job: string) => void;
  /** Shows the lineage of a task instance, or of an output of it (`train.model`). */
  lineage?: (job: string, task: string) => void;
  /** Who is here, as Jupyter calls them. */
  user?: () => string;
}

const ASK_AGAIN = 2000;

/** The route of one task instance. */
export function taskRoute(job: string, path: string): string {
  return `jobs/${word(job)}/tasks/${word(path)}`;
}

/** See the head of this file. `ask` is called at first, every two seconds while the task runs, and after its end. */
export abstract class TaskPanel extends ReactWidget {
  constructor(
    protected readonly context: PanelContext,
    protected readonly job: string,
    protected readonly path: string
  ) {
    super();
    this.watch = context.jobs.watch(job);
    this.watch.changed.connect(this.onChange, this);
    this.timer = window.setInterval(
      () => this.isRunning && this.isVisible && !document.hidden && void this.askNow(),
      ASK_AGAIN
    );
    this.addClass('ft-TaskPanel');
    this.node.tabIndex = -1;
    queueMicrotask(() => void this.askNow());
  }

  dispose(): void {
    window.clearInterval(this.timer);
    this.aborter.abort();
    this.watch.dispose();
    super.dispose();
  }

  /** The task instance as it is known now. */
  protected get instance(): TaskInstanceView | undefined {
    return this.watch.job?.tasks.find(task => task.path === this.path);
  }

  /** Whether it has begun and not ended. */
  protected get isRunning(): boolean {
    return this.instance !== undefined && !isEnded(stateOf(this.instance));
  }

  /** Whether the first answer has come. */
  protected hasAnswer = false;
  protected readonly aborter = new AbortController();

  /** Ask the server for what the panel shows. */
  protected abstract ask(signal: AbortSignal): Promise<void>;
  /** What the panel shows once there is an answer. */
  protected abstract present(): JSX.Element;

  protected onAfterShow(): void {
    if (this.isRunning) {
      void this.askNow();
    }
  }

  /** Do what a person asked for; what goes wrong is said where all is said. */
  protected async attempt(work: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await work(this.aborter.signal);
      this.trouble = null;
    } catch (error) {
      this.trouble = troubleOf(error);
    }
    if (!this.isDisposed) {
      this.update();
    }
  }

  protected render(): JSX.Element {
    const { trans } = this.context;
    const error =
      this.watch.error ?? (this.trouble === null ? null : `${this.trouble.message} ${this.trouble.hint}`);
    return (
      <>
        {error !== null && (
          <p className="ft-TaskPanel-trouble" role="alert">
            {error}
          </p>
        )}
        {this.instance?.progress && (
          <p className="ft-TaskPanel-hint">{progressWords(this.instance.progress)}</p>
        )}
        {this.hasAnswer
          ? this.present()
          : error === null && <p className="ft-TaskPanel-hint">{trans.__('Loading …')}</p>}
      </>
    );
  }

  private async askNow(): Promise<void> {
    if (this.isAsking || this.isDisposed) {
      return;
    }
    this.isAsking = true;
    await this.attempt(async signal => {
      await this.ask(signal);
      this.hasAnswer = true;
    });
    this.isAsking = false;
  }

  private onChange(): void {
    const now = this.instance ? `${this.instance.status} ${this.instance.attempts}` : '';
    if (now !== this.lastStatus) {
      this.lastStatus = now;
      void this.askNow();
    }
    this.update();
  }

  private readonly watch: IJobWatch;
  private readonly timer: number;
  private trouble: Trouble | null = null;
  private isAsking = false;
  private lastStatus = '';
}
