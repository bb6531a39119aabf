/** What FastTrack adds to one open notebook: its book of marks, its markers, its job, and the strip above its cells. */
import { MainAreaWidget } from '@jupyterlab/apputils';
import type { Cell } from '@jupyterlab/cells';
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { IDisposable } from '@lumino/disposable';

import type { Api } from '../api';
import { toSource } from '../api';
import type { JobSummary, TaskInstanceView } from '../generated';
import type { IJobs, ITaskPanels } from '../tokens';
import { CommandIDs } from '../tokens';
import { Book } from './book';
import { NotebookJob } from './job';
import { Markers } from './markers';
import { NotebookRuns } from './runs';
import { Strip } from './strip';

/** What the faces of all notebooks share. */
export interface FaceParts {
  app: JupyterFrontEnd;
  api: Api;
  jobs: IJobs;
  panels: ITaskPanels;
  trans: TranslationBundle;
  /** Show the form of the active cell. */
  showForm(): Promise<void>;
}

/** See the head of this file. */
export class NotebookFace implements IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    private readonly parts: FaceParts
  ) {
    const { api, jobs, trans } = parts;
    this.book = new Book(panel);
    this.job = new NotebookJob(api, jobs, this.book);
    this.runs = new NotebookRuns(api, this, trans, job => this.onStarted(job));
    this.markers = new Markers(this.book, this.job, trans, {
      openForm: cell => this.openForm(cell),
      openLog: instance => this.openLog(instance)
    });
    const strip = new Strip(
      this.runs,
      this.job,
      {
        goTo: (cell, line) => void this.goTo(cell, line),
        openJob: job => this.execute(CommandIDs.openJob, { job }),
        cancelJob: job => this.execute(CommandIDs.cancelJob, { job })
      },
      trans
    );
    panel.contentHeader.addWidget(strip);
    panel.disposed.connect(() => this.dispose());
  }

  readonly book: Book;
  readonly runs: NotebookRuns;

  /** The notebook's contents path. */
  get path(): string {
    return this.panel.context.path;
  }

  /** The notebook on the server's machine. */
  get source(): string | undefined {
    return toSource(this.path, this.parts.jobs.info?.root);
  }

  /** The notebook as it is now, less what cells put out. */
  content(): unknown {
    return this.book.content();
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      this.markers.dispose();
      this.job.dispose();
      this.book.dispose();
    }
  }

  /** Show a cell, and put the cursor at the beginning of a line of it. */
  async goTo(index: number, line: number | null = null): Promise<void> {
    const { content } = this.panel;
    const cell = content.widgets[index];
    if (!cell) {
      return;
    }
    this.parts.app.shell.activateById(this.panel.id);
    content.activeCellIndex = index;
    content.deselectAll();
    await content.scrollToCell(cell);
    await cell.ready;
    if (line !== null && cell.editor) {
      content.mode = 'edit';
      cell.editor.focus();
      const last = cell.editor.lineCount - 1;
      cell.editor.setCursorPosition({ line: Math.min(line - 1, last), column: 0 });
    }
  }

  private openForm(cell: Cell): void {
    const { content } = this.panel;
    content.activeCellIndex = content.widgets.indexOf(cell);
    void this.parts.showForm();
  }

  private openLog({ path }: TaskInstanceView): void {
    const { app, panels, trans } = this.parts;
    const job = this.job.job;
    if (!job) {
      return;
    }
    this.log?.dispose();
    const content = panels.create('log', job.id, path);
    this.log = new MainAreaWidget({ content });
    this.log.toolbar.hide();
    this.log.id = `fasttrack-log-${job.id}-${path}`;
    this.log.title.label = trans.__('Log of %1', path);
    this.log.title.caption = `${job.pipeline} #${job.index} · ${path}`;
    this.log.title.closable = true;
    app.shell.add(this.log, 'main', { ref: this.panel.id, mode: 'split-bottom' });
  }

  private onStarted(job: JobSummary): void {
    this.job.show(job.id);
    this.execute(CommandIDs.openJob, { job: job.id });
  }

  private execute(command: string, args: Record<string, string>): void {
    this.parts.app.commands.execute(command, args).catch(error => this.runs.tell(error));
  }

  private readonly job: NotebookJob;
  private readonly markers: Markers;
  private log: MainAreaWidget | null = null;
  private _isDisposed = false;
}
