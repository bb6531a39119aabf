/** An editor's document, as far as running it needs. */
import type { Graph } from './graph';
import type { IRunnable } from './run_model';
import type { PipelineEditor } from './widget';

/** See {@link IRunnable}. */
export class RunnableDocument implements IRunnable {
  constructor(private readonly editor: PipelineEditor) {}

  get text(): string {
    return this.editor.model.text;
  }

  get graph(): Graph {
    return this.editor.model.graph;
  }

  get source(): string | undefined {
    return this.editor.source;
  }

  /**
   * Jupyter's own saving tells of what went wrong in a dialog of its own; then the file is still unsaved. A text that is
   * shared with others is saved by the server, after each change: a second hand would only be told of a conflict.
   */
  async save(): Promise<void> {
    const { context, isFileReadOnly, trans } = this.editor;
    if (context.model.dirty && !isFileReadOnly && !context.model.collaborative) {
      await context.save();
      if (context.model.dirty) {
        throw new Error(
          trans.__('“%1” could not be saved, so nothing was started: save it, then run.', context.path)
        );
      }
    }
  }
}
