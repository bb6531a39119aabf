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
    parts.offers.changed.connect(this.update, this);
    this.onNotebook();
  }

  /** Given by who shows it. */
  notebookTools!: INotebookTools;

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.parts.offers.retry();
    this.update();
  }

  protected render(): React.ReactElement {
    const { offers, trans } = this.parts;
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
        images={[...new Set([...book.images, ...offers.images(book.backend)])]}
        backends={offers.backends}
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

  private book: Book | undefined;
}
