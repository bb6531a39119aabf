/**
 * The YAML beside the canvas: JupyterLab's own editor on the document's own shared text, so that its history,
 * its saving and its collaborators are Jupyter's. Problems are underlined, marked in the gutter and told on
 * hover. The cursor selects the task that it stands in; a selection made elsewhere scrolls to its task.
 * Whoever has the focus leads and the other follows, so the two never push each other around.
 */
import { lintGutter, setDiagnostics, type Diagnostic } from '@codemirror/lint';
import { EditorView } from '@codemirror/view';
import { CodeEditorWrapper, type CodeEditor } from '@jupyterlab/codeeditor';
import { CodeMirrorEditor } from '@jupyterlab/codemirror';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Panel } from '@lumino/widgets';

import type { Problem, Severity } from './graph';
import type { PipelineModel } from './model';

/** The MIME type by which JupyterLab's editor knows YAML. */
export const YAML_MIME = 'text/x-yaml';

const SEVERITIES: Readonly<Record<Severity, Diagnostic['severity']>> = {
  error: 'error',
  warning: 'warning',
  notice: 'info'
};

/** See the head of this file. */
export class YamlPane extends Panel {
  /** Shows `document`, whose text `model` follows. The pane disposes of neither. */
  constructor(private readonly options: YamlPane.IOptions) {
    super();
    this.addClass('ft-Yaml');
    const { model, document, factory, trans } = options;
    document.mimeType = YAML_MIME;
    this.wrapper = new CodeEditorWrapper({ model: document, factory });
    this.addWidget(this.wrapper);
    if (this.editor instanceof CodeMirrorEditor) {
      this.editor.injectExtension([
        lintGutter(),
        EditorView.contentAttributes.of({ 'aria-label': trans.__('The pipeline as YAML') }),
        EditorView.updateListener.of(update => {
          if (update.selectionSet || update.docChanged) {
            this.onCursor();
          }
        })
      ]);
    }
    model.changed.connect(this.showProblems, this);
    model.selectionChanged.connect(this.onSelection, this);
    this.showProblems();
  }

  /** The editor inside. */
  get editor(): CodeEditor.IEditor {
    return this.wrapper.editor;
  }

  /** Whether the text can only be looked at, as while a job's own pipeline is shown. */
  set isReadOnly(value: boolean) {
    this.editor.setOption('readOnly', value);
  }

  /** Scroll to `from … to` (offsets) and select it; the focus goes there if `focus`. */
  reveal(from: number, to: number, focus = false): void {
    const end = this.editor.model.sharedModel.getSource().length;
    const [start, stop] = [Math.min(from, end), Math.min(Math.max(to, from), end)];
    this.isFollowing = true;
    this.editor.setSelection({
      start: this.positionOf(start),
      end: this.positionOf(stop)
    });
    this.scrollTo(start);
    this.isFollowing = false;
    if (focus) {
      this.editor.focus();
    }
  }

  dispose(): void {
    if (this.isDisposed) {
      return;
    }
    this.options.model.changed.disconnect(this.showProblems, this);
    this.options.model.selectionChanged.disconnect(this.onSelection, this);
    super.dispose();
  }

  private scrollTo(offset: number): void {
    if (this.editor instanceof CodeMirrorEditor) {
      const view = this.editor.editor;
      view.dispatch({ effects: EditorView.scrollIntoView(clamp(offset, view), { y: 'start', yMargin: 40 }) });
    }
  }

  private positionOf(offset: number): CodeEditor.IPosition {
    return this.editor.getPositionAt(offset) ?? { line: 0, column: 0 };
  }

  private onCursor(): void {
    if (this.isFollowing || !this.editor.hasFocus()) {
      return;
    }
    const task = this.options.model.taskAt(this.editor.getOffsetAt(this.editor.getCursorPosition()));
    const { selection } = this.options.model;
    if (task !== null && !(selection.length === 1 && selection[0] === task)) {
      this.options.model.select([task]);
    }
  }

  private onSelection(): void {
    const { model } = this.options;
    const [name] = model.selection;
    const task = model.selection.length === 1 ? model.graph.tasks.find(one => one.name === name) : undefined;
    if (task && !this.editor.hasFocus() && !model.isBroken) {
      this.reveal(task.from, task.from);
    }
  }

  private showProblems(): void {
    if (!(this.editor instanceof CodeMirrorEditor)) {
      return;
    }
    const view = this.editor.editor;
    const found = this.options.model.problems.map(problem => diagnosticOf(problem, view));
    view.dispatch(setDiagnostics(view.state, found));
  }

  private readonly wrapper: CodeEditorWrapper;
  private isFollowing = false;
}

function clamp(offset: number, view: EditorView): number {
  return Math.min(offset, view.state.doc.length);
}

function diagnosticOf(problem: Problem, view: EditorView): Diagnostic {
  const from = clamp(problem.from, view);
  return {
    from,
    to: Math.max(from, clamp(problem.to, view)),
    severity: SEVERITIES[problem.severity],
    source: problem.code,
    message: problem.hint ? `${problem.message}\n${problem.hint}` : problem.message
  };
}

/** What belongs to {@link YamlPane}. */
export namespace YamlPane {
  /** How a pane is made. */
  export interface IOptions {
    model: PipelineModel;
    /** The document's own model (`context.model`), on whose shared text `model` stands. */
    document: CodeEditor.IModel;
    /** `IEditorServices.factoryService.newDocumentEditor`. */
    factory: CodeEditor.Factory;
    trans: TranslationBundle;
  }
}
