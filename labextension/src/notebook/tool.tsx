/** The form in JupyterLab's property inspector: it follows the active cell. */
import { ReactWidget } from '@jupyterlab/apputils';
import type { ICellModel } from '@jupyterlab/cells';
import type { INotebookTools, INotebookTracker } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Collapser } from '@jupyterlab/ui-components';
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { Book } from './book';
import { MarkForm } from './form';
import type { EngineOffers } from './offers';

/** What the tool needs. */
export interface ToolParts {
  tracker: INotebookTracker;
  /** The book of an open notebook. */
  bookOf(notebook: Widget): Book | undefined;
  offers: EngineOffers;
  trans: TranslationBundle;
}

/** See the head of this file. */
export class MarkTool extends ReactWidget implements INotebookTools.ITool {
  constructor(private readonly parts: ToolParts) {
    super();
    this.addClass('ft-MarkForm');
    parts.tracker.activeCellChanged.connect(this.onCell, this);
    parts.tracker.currentChanged.connect(this.onCell, this);
    parts.offers.changed.connect(this.update, this);
    this.onCell();
  }

  /** Given by who shows it. */
  notebookTools!: INotebookTools;

  /** Unfold, and put the keyboard into the field of the name, or of the kind. */
  focus(): void {
    for (let above: Widget | null = this.parent; above; above = above.parent) {
      if (above instanceof Collapser) {
        above.collapsed = false;
      }
    }
    this.isWanted = true;
    this.update();
  }

  protected onUpdateRequest(message: Message): void {
    super.onUpdateRequest(message);
    if (this.isWanted && this.isVisible) {
      this.isWanted = false;
      void this.renderPromise?.then(() => this.takeFocus());
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.parts.offers.retry();
    this.update();
  }

  protected render(): React.ReactElement {
    const { trans } = this.parts;
    const { book } = this;
    const cell = this.parts.tracker.activeCell?.model;
    if (!book || !cell) {
      return <p>{trans.__('No cell is selected.')}</p>;
    }
    if (cell.type !== 'code') {
      return <p>{trans.__('Only code cells can be part of a pipeline.')}</p>;
    }
    const mark = book.markOf(cell);
    const { offers } = this.parts;
    const backend = String(mark?.options.backend ?? '') || book.backend;
    const images = [...new Set([...book.images, ...offers.images(backend)])];
    return (
      <MarkForm
        key={cell.id}
        id={cell.id}
        mark={mark}
        offers={{ tasks: book.tasks, images, backends: offers.backends }}
        trans={trans}
        isReadOnly={book.panel.content.model?.readOnly ?? false}
        onChange={mark => book.write([cell as ICellModel], () => mark)}
        onAdopt={() => book.adopt(cell as ICellModel)}
      />
    );
  }

  private takeFocus(): void {
    const [field] = ['[name="task"]', '[name="kind"]', 'button']
      .map(each => this.node.querySelector<HTMLElement>(each))
      .filter(each => each !== null);
    field?.focus();
    if (field instanceof HTMLInputElement) {
      field.select();
    }
  }

  private onCell(): void {
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
  private isWanted = false;
}
