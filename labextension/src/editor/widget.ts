/**
 * The editor of one pipeline file: the text as a model, its panes, the job that is shown, and how they hang together.
 *
 * The text, its history, saving and collaborators are Jupyter's (`context.model.sharedModel`). Selection has one
 * home, the model; while a job's own graph is shown it is the canvas's, because that graph's tasks need not be in the
 * text. What a person does goes through {@link EditorActions}; this class only holds and connects.
 */
import type { CodeEditor } from '@jupyterlab/codeeditor';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import { MessageLoop } from '@lumino/messaging';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { PanelLayout, Widget } from '@lumino/widgets';

import type { Api } from '../api';
import { toSource } from '../api';
import type { ValidationView } from '../generated';
import type { IClusters, IJobs, ITaskPanels } from '../tokens';
import { backendsOf } from './backends';
import type { IDagCanvas } from './canvas-types';
import type { TaskClipboard } from './clipboard';
import type { DockTab } from './dock';
import { Dock } from './dock';
import type { Edit } from './edits';
import { EditRefused } from './edits';
import type { Problem } from './graph';
import { PipelineModel } from './model';
import { instanceOf } from './monitor';
import type { Outline } from './outline';
import type { EditorParts, PartContext } from './parts';
import { ProblemsList } from './problems_list';
import { JobChoice } from './run_jobs';
import { RunModel } from './run_model';
import type { ViewMemory } from './settings';
import { Banner } from './widget_banner';
import { DockGuide } from './widget_dock';
import { CanvasFeed } from './widget_feed';
import { GraphPane } from './widget_graph';
import { MainPanel } from './widget_main';
import { EditorMemory } from './widget_memory';
import { Panes } from './widget_panes';
import { RunnableDocument } from './widget_runnable';
import { YamlPane } from './yaml_pane';

/** What all editors of a JupyterLab share. */
export interface EditorServices {
  api: Api;
  jobs: IJobs;
  /** Null where clusters cannot be used. */
  clusters: IClusters | null;
  panels: ITaskPanels;
  trans: TranslationBundle;
  rendermime: IRenderMimeRegistry;
  memory: ViewMemory;
  clipboard: TaskClipboard;
  parts: EditorParts;
  yamlFactory: CodeEditor.Factory;
  makeCanvas: () => IDagCanvas & Widget;
  makeOutline: () => Outline;
}

/** See the head of this file. */
export class PipelineEditor extends Widget {
  constructor(
    readonly context: DocumentRegistry.CodeContext,
    readonly services: EditorServices
  ) {
    super();
    this.addClass('ft-Editor');
    const { api, jobs, trans } = services;
    this.model = new PipelineModel({
      source: context.model.sharedModel,
      trans,
      validate: text => this.validate(text)
    });
    this.choice = new JobChoice(api, jobs);
    this.runs = new RunModel(api, new RunnableDocument(this), trans);
    this.canvas = services.makeCanvas();
    this.outline = services.makeOutline();
    this.graph = new GraphPane(this.canvas, trans);
    this.feed = new CanvasFeed({
      model: this.model,
      choice: this.choice,
      canvas: this.canvas,
      outline: this.outline,
      trans,
      isFileReadOnly: () => this.isFileReadOnly,
      isVisible: () => this.isVisible
    });
    const factory = services.yamlFactory;
    this.yaml = new YamlPane({ model: this.model, document: context.model, factory, trans });
    this.dock = new Dock(this.makeProperties(), services.panels, trans);
    this.problems = new ProblemsList(this.model, trans);
    this.panes = new Panes({
      palette: services.parts.palette?.(this.partContext()),
      outline: this.outline,
      canvas: this.graph,
      yaml: this.yaml,
      dock: this.dock
    });
    this.main = new MainPanel(this.panes, this.problems, this.model);
    this.arrange();
    this.connect();
    new DockGuide(this);
    this.memory = new EditorMemory(this);
    this.restored = this.restore();
  }

  readonly model: PipelineModel;
  readonly choice: JobChoice;
  readonly runs: RunModel;
  readonly canvas: IDagCanvas & Widget;
  readonly outline: Outline;
  readonly graph: GraphPane;
  readonly feed: CanvasFeed;
  readonly yaml: YamlPane;
  readonly dock: Dock;
  readonly problems: ProblemsList;
  readonly panes: Panes;
  readonly main: MainPanel;
  readonly banner = new Banner();

  /** When the file is there and its view is as it was left. */
  readonly restored: Promise<void>;

  /** After each change of anything that a button or a banner tells of. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** The translator's words. */
  get trans(): TranslationBundle {
    return this.services.trans;
  }

  /** Whether the file can only be looked at. */
  get isFileReadOnly(): boolean {
    return this.context.model.readOnly || this.context.contentsModel?.writable === false;
  }

  /** Whether gestures may change the text. */
  get isEditable(): boolean {
    return !this.feed.isFrozen && !this.isFileReadOnly && this.context.isReady;
  }

  /** The file on the server's machine; undefined where contents are not on disk. */
  get source(): string | undefined {
    return toSource(this.context.path, this.services.jobs.info?.root);
  }

  /** Names of the tasks that are selected in the graph that is shown. */
  get selected(): readonly string[] {
    return this.feed.isFrozen ? this.canvas.selected : this.model.selection;
  }

  /** Make an edit; a refusal is said on the canvas. Returns the words of the refusal, null if it was made. */
  edit(edit: Edit): string | null {
    this.graph.refuse('');
    if (this.feed.isFrozen || this.isFileReadOnly) {
      return this.refuse(
        this.feed.isFrozen
          ? this.trans.__('A job’s own pipeline never changes: go back to editing first.')
          : this.trans.__('This file is read-only: save a copy to change it.')
      );
    }
    try {
      this.model.apply(edit);
      return null;
    } catch (error) {
      if (error instanceof EditRefused) {
        return this.refuse([error.message, error.hint].filter(Boolean).join(' '));
      }
      throw error;
    }
  }

  /** Say on the canvas why something is not done; returns the words. */
  refuse(words: string): string {
    this.graph.refuse(words);
    return words;
  }

  /** Show a tab of the dock about a task. */
  openDock(tab: DockTab, name?: string): void {
    if (name) {
      this.canvas.select([name]);
    }
    this.dock.tab = tab;
    this.panes.toggle('dock', true);
    this.showTarget();
    this.dock.focusBody();
  }

  /** Choose where jobs are to run. */
  setBackend(backend: string): void {
    this.runs.backend = backend;
    this.runs.forget();
    this.tell();
  }

  /** Show or hide the list of problems. */
  toggleProblems(): void {
    this.problems.setHidden(!this.problems.isHidden);
    this.tell();
  }

  /** Bring a problem into view: its task on the canvas, its place in the text. */
  openProblem(problem: Problem): void {
    const task = problem.task ?? (problem.to > 0 ? this.model.taskAt(problem.from) : null);
    if (task && !this.feed.isFrozen) {
      this.model.select([task]);
      this.canvas.reveal(task);
    }
    this.panes.toggle('yaml', true);
    this.yaml.reveal(problem.from, problem.to, true);
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    const { jobs } = this.services;
    jobs.connectionChanged.disconnect(this.onConnection, this);
    this.services.clusters?.changed.disconnect(this.tell, this);
    this.memory.dispose();
    [this.feed, this.choice, this.model].forEach(each => each.dispose());
    Signal.clearData(this);
    super.dispose();
  }

  private arrange(): void {
    const { main } = this;
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(this.banner);
    layout.addWidget(main);
    // a line more or less in the banner changes the height of what is below, which Lumino is not told of by CSS
    const observer = new ResizeObserver(() =>
      MessageLoop.sendMessage(main, Widget.ResizeMessage.UnknownSize)
    );
    observer.observe(main.node);
    this.disposed.connect(() => observer.disconnect());
  }

  private connect(): void {
    const { model, choice, canvas, runs, feed, panes, dock, context } = this;
    model.changed.connect(this.onModel, this);
    model.selectionChanged.connect((_, names) => !feed.isFrozen && canvas.select(names));
    canvas.selectionChanged.connect(this.onCanvasSelection, this);
    this.outline.chosen.connect((_, names) => canvas.select(names));
    this.outline.opened.connect((_, name) => this.openDock('properties', name));
    choice.changed.connect(this.tell, this);
    runs.changed.connect(() => {
      model.setFindings(runs.problems);
      this.tell();
    });
    feed.changed.connect(this.onFed, this);
    panes.arranged.connect(this.tell, this);
    dock.tabChanged.connect(this.showTarget, this);
    this.problems.opened.connect((_, problem) => this.openProblem(problem));
    this.services.jobs.connectionChanged.connect(this.onConnection, this);
    this.services.clusters?.changed.connect(this.tell, this);
    context.model.stateChanged.connect(this.tell, this);
    context.pathChanged.connect(this.tell, this);
    void context.ready.then(() => !this.isDisposed && this.onModel());
  }

  private async restore(): Promise<void> {
    await this.memory.restore();
    if (!this.isDisposed) {
      this.feed.update();
      this.onModel();
    }
  }

  private onConnection(): void {
    if (this.services.jobs.connection === 'connected') {
      this.runs.reconnected();
    }
    this.tell();
  }

  private onModel(): void {
    this.choice.setPipeline(this.model.graph.name);
    if (this.model.text !== this.ranText) {
      this.ranText = this.model.text;
      this.runs.forget();
    }
    this.tell();
  }

  private onFed(): void {
    this.toggleClass('ft-mod-frozen', this.feed.isFrozen);
    this.yaml.isReadOnly = this.feed.isFrozen || this.isFileReadOnly;
    this.showTarget();
    this.tell();
  }

  private onCanvasSelection(): void {
    if (!this.feed.isFrozen) {
      this.model.select(this.canvas.selected);
    }
    this.outline.select(this.canvas.selected);
    this.showTarget();
    this.tell();
  }

  private showTarget(): void {
    const [task] = this.selected.length === 1 ? this.selected : [null];
    const { job, id } = this.choice;
    const path = job && task ? (instanceOf(job, task)?.path ?? null) : null;
    this.dock.showTarget({ task, job: job ? id : null, path });
  }

  private tell(): void {
    this._stateChanged.emit();
  }

  private async validate(text: string): Promise<ValidationView['problems']> {
    const body = { text, source: this.source };
    return (await this.services.api.send<ValidationView>('POST', 'validate', body)).problems;
  }

  private makeProperties(): Widget {
    const { properties } = this.services.parts;
    return properties ? properties(this.partContext()) : new Widget();
  }

  private partContext(): PartContext {
    const { api, jobs, trans, rendermime } = this.services;
    return {
      model: this.model,
      info: () => jobs.info,
      api,
      trans,
      rendermime,
      backend: () => this.runs.backend,
      backends: () => backendsOf(this.services),
      path: () => this.context.path,
      isReadOnly: () => this.feed.isFrozen || this.isFileReadOnly,
      changed: this._stateChanged,
      apply: edit => this.edit(edit) === null
    };
  }

  private readonly memory: EditorMemory;
  private readonly _stateChanged = new Signal<this, void>(this);
  private ranText = '';
}
