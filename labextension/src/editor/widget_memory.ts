/** The view of one editor, taken up where it was left, and remembered as it changes. */
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';

import type { Remembered } from './settings';
import type { PipelineEditor } from './widget';

/** How long the view rests before it is written, in milliseconds. */
const REST = 600;

/** See the head of this file. */
export class EditorMemory implements IDisposable {
  constructor(private readonly editor: PipelineEditor) {
    const { canvas, choice, panes, stateChanged } = editor;
    canvas.viewChanged.connect(this.remember, this);
    choice.chosen.connect(this.remember, this);
    panes.arranged.connect(this.remember, this);
    editor.main.drawn.connect(this.remember, this);
    stateChanged.connect(this.onState, this);
  }

  get isDisposed(): boolean {
    return this.writing.isDisposed;
  }

  /** Writes what has not been written yet. */
  dispose(): void {
    if (!this.isDisposed) {
      this.write();
      this.writing.dispose();
    }
  }

  /** Make the view what it was; nothing is remembered before. */
  async restore(): Promise<void> {
    const { editor } = this;
    await editor.context.ready;
    const view = await editor.services.memory.recall(editor.context.path);
    if (this.isDisposed) {
      return;
    }
    if (view.canvas) {
      editor.canvas.restoreView(view.canvas);
    }
    editor.panes.restore(view.panes);
    editor.problems.setHidden(!view.problems);
    editor.problems.isFolded = view.areProblemsFolded;
    editor.main.problemsHeight = view.problemsHeight;
    editor.runs.backend = view.backend;
    this.showJob(view.job);
    this.isRestored = true;
  }

  private showJob(job: string | null): void {
    if (job === 'latest') {
      this.editor.choice.showLatest();
    } else if (job) {
      this.editor.choice.show(job);
    }
  }

  /** What a button changed without a signal of its own: the backend, the list of problems. */
  private onState(): void {
    const { runs, problems } = this.editor;
    const key = `${runs.backend} ${problems.isHidden}`;
    if (key !== this.key) {
      this.key = key;
      this.remember();
    }
  }

  private remember(): void {
    if (!this.isDisposed) {
      void this.writing.invoke();
    }
  }

  private write(): void {
    if (this.isRestored) {
      void this.editor.services.memory.keep(this.editor.context.path, this.view());
    }
  }

  private view(): Remembered {
    const { canvas, panes, problems, main, runs, choice } = this.editor;
    return {
      canvas: canvas.viewState(),
      panes: panes.state(),
      problems: !problems.isHidden,
      problemsHeight: main.problemsHeight,
      areProblemsFolded: problems.isFolded,
      backend: runs.backend,
      job: choice.isLatest ? 'latest' : choice.id
    };
  }

  private readonly writing = new Debouncer(() => this.write(), REST);
  private isRestored = false;
  private key = '';
}
