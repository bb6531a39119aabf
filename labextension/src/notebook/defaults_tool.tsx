/** The form of the notebook's pipeline in JupyterLab's property inspector: it follows the notebook in front. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { INotebookTools } from '@jupyterlab/notebook';
import type { Message } from '@lumino/messaging';
import * as React from 'react';

import type { Book } from './book';
import { stem } from './book';
import { DefaultsForm } from './defaults';
import type { ToolParts } from './tool';

/** See the head of this file. */
export class DefaultsTool extends ReactWidget implements INotebookTools.ITool {
  constructor(private readonly parts: ToolParts) {
    super();
    this.addClass('ft-MarkForm');
    this.addClass('ft-DefaultsForm');
    parts.tracker.currentChanged.connect(this.onNotebook, this);
    parts.tracker.activeCellChanged.connect(this.onNotebook, this); // a notebook is current before it has a book
    this.onNotebook();
  }

  /** Given by who shows it. */
  notebookTools!: INotebookTools;

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.offer();
  }

  protected onAfterAttach(message: Message): void {
    super.onAfterAttach(message);
    this.offer();
  }

  protected render(): React.ReactElement {
    const { trans } = this.parts;
    const { book } = this;
    if (!book) {
      return <p>{trans.__('No notebook is open.')}</p>;
    }
    const { context, content } = book.panel;
    return (
      <DefaultsForm
        key={context.path}
        defaults={book.defaults}
        fileName={stem(context.path)}
        cell={book.pipelineCell}
        images={[...new Set([...book.images, ...this.images])]}
        backends={this.backends}
        trans={trans}
        isReadOnly={content.model?.readOnly ?? false}
        onChange={defaults => book.writeDefaults(defaults)}
      />
    );
  }

  private onNotebook(): void {
    const notebook = this.parts.tracker.currentWidget;
    const book = notebook ? this.parts.bookOf(notebook) : undefined;
    if (book !== this.book) {
      this.book?.changed.disconnect(this.update, this);
      this.book = book;
      book?.changed.connect(this.update, this);
    }
    this.update();
  }

  private offer(): void {
    if (!this.isOffered) {
      this.isOffered = true;
      void this.fetch();
    }
  }

  /** Once; while the server has no answer there is nothing to offer, and typing works. */
  private async fetch(): Promise<void> {
    const { api } = this.parts;
    try {
      const [images, backends] = await Promise.all([
        api.get<{ name: string }[]>('images', { backend: 'local' }),
        api.get<{ name: string }[]>('backends')
      ]);
      this.images = images.map(each => each.name);
      this.backends = backends.map(each => each.name);
    } catch {
      this.isOffered = false;
    }
    this.update();
  }

  private book: Book | undefined;
  private images: readonly string[] = [];
  private backends: readonly string[] = [];
  private isOffered = false;
}
