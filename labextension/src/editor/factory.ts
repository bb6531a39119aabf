/** Makes the editor of a pipeline file as a document of JupyterLab's main area. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import type { DocumentRegistry } from '@jupyterlab/docregistry';
import { ABCWidgetFactory, DocumentWidget } from '@jupyterlab/docregistry';
import type { CommandRegistry } from '@lumino/commands';

import { fillToolbar } from './toolbar';
import { RunActions } from './run_actions';
import type { EditorServices } from './widget';
import { PipelineEditor } from './widget';
import { EditorActions } from './widget_actions';
import { answerGestures } from './widget_gestures';
import { bannerLines, unreadableWords } from './widget_lines';

/** One open pipeline file. */
export class PipelineDocumentWidget extends DocumentWidget<PipelineEditor> {
  constructor(
    options: DocumentWidget.IOptions<PipelineEditor, DocumentRegistry.IModel>,
    private readonly commands: CommandRegistry
  ) {
    super(options);
    this.addClass('ft-Editor-document');
    this.actions = new EditorActions(this.content);
    this.running = new RunActions(this.content, commands);
  }

  /** What a person can do here. */
  readonly actions: EditorActions;

  /** Runs, plans and stops. */
  readonly running: RunActions;

  /** Connect what acts on the editor by its id, which is known by now. */
  wire(): void {
    const { content, actions, running, commands } = this;
    fillToolbar(this.toolbar, content, this.id, commands);
    answerGestures(content, actions, running, this.id, commands);
    const execute = (command: string, args: { job: string }) => {
      if (commands.hasCommand(command)) {
        void commands.execute(command, args);
      }
    };
    const tell = () => {
      content.banner.lines = bannerLines(content, actions, execute);
      content.graph.setUnreadable(unreadableWords(content), content.model.graph.tasks.length === 0);
      const isEmpty = content.isEditable && content.model.graph.tasks.length === 0 && !content.model.isBroken;
      content.graph.setExample(isEmpty ? () => actions.addExample() : null);
    };
    content.stateChanged.connect(tell);
    tell();
  }

  /** See {@link DocumentWidget.setFragment}: `#task` brings that task into view. */
  setFragment(fragment: string): void {
    const name = decodeURIComponent(fragment.replace(/^#/, ''));
    void this.content.context.ready.then(
      () => this.content.canvas.reveal(name) && this.content.canvas.select([name])
    );
  }
}

/** JupyterLab's own editor of texts, by its name in the registry. */
const TEXT_EDITOR = 'Editor';

/**
 * See the head of this file. A pipeline is a text file, and comes from where JupyterLab's text editor has its files
 * from: with real-time collaboration that is a text shared with others, and both editors show the very same.
 */
export class PipelineFactory extends ABCWidgetFactory<PipelineDocumentWidget, DocumentRegistry.ICodeModel> {
  constructor(
    options: DocumentRegistry.IWidgetFactoryOptions<PipelineDocumentWidget>,
    private readonly services: EditorServices,
    private readonly app: Pick<JupyterFrontEnd, 'commands' | 'docRegistry'>
  ) {
    super(options);
  }

  /** Who provides the content; asked whenever a file is opened. */
  get contentProviderId(): string | undefined {
    return super.contentProviderId ?? this.app.docRegistry.getWidgetFactory(TEXT_EDITOR)?.contentProviderId;
  }

  set contentProviderId(value: string | undefined) {
    super.contentProviderId = value;
  }

  protected createNewWidget(context: DocumentRegistry.CodeContext): PipelineDocumentWidget {
    const content = new PipelineEditor(context, this.services);
    return new PipelineDocumentWidget({ content, context }, this.app.commands);
  }
}
