/** The cells of one open notebook with their marks; what the form and the commands do to them is undone as one step. */
import type { ICellModel } from '@jupyterlab/cells';
import { PathExt } from '@jupyterlab/coreutils';
import type { NotebookPanel } from '@jupyterlab/notebook';
import type { PartialJSONObject } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { Mark } from './marks';
import { isTask, markOf, metadataOf, withoutMagic } from './marks';
import type { Options } from './options';

/** See the head of this file. */
export class Book implements IDisposable {
  constructor(readonly panel: NotebookPanel) {
    panel.context.ready.then(
      () => this.start(),
      error => console.warn('FastTrack cannot read the notebook:', error)
    );
  }

  /** After a mark was changed, or a cell came, went or moved. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  /** The cells, in order. */
  get cells(): ICellModel[] {
    return [...(this.panel.content.model?.cells ?? [])];
  }

  /** What is written on a cell. */
  markOf(cell: ICellModel): Mark | null {
    return this.marks.get(cell) ?? null;
  }

  /** Names of the tasks, in the order of their first cells. */
  get tasks(): string[] {
    return [...new Set(this.cells.map(each => this.markOf(each)).filter(isTask).map(each => each.task))]; // prettier-ignore
  }

  /** Images in use, in the order of their first cells. */
  get images(): string[] {
    const images = this.cells.map(each => this.markOf(each)?.options.image);
    return [...new Set(images.filter(each => typeof each === 'string' && each !== ''))] as string[];
  }

  /** The pipeline's name: by its magic, by the notebook's metadata, else by the file. */
  get pipeline(): string {
    const magic = this.cells.map(each => this.markOf(each)).find(each => each?.kind === 'pipeline')?.task;
    return magic || String(this.defaults.pipeline ?? '') || stem(this.panel.context.path);
  }

  /** Where its jobs run: by the magic, by the metadata, else here. */
  get backend(): string {
    const magic = this.cells.map(each => this.markOf(each)).find(each => each?.kind === 'pipeline')?.options;
    return String(magic?.backend ?? '') || String(this.defaults.backend ?? '') || 'local';
  }

  /** What the notebook's metadata say of all its tasks; `pipeline` is the name. */
  get defaults(): Options {
    const written = this.panel.content.model?.getMetadata('fasttrack') as Options | undefined;
    return written ?? {};
  }

  /** The cell whose line `%fasttrack_pipeline` says so instead, counted from 1 among all cells; null: there is none. */
  get pipelineCell(): number | null {
    const at = this.cells.findIndex(each => this.markOf(each)?.kind === 'pipeline');
    return at < 0 ? null : at + 1;
  }

  /** Write what holds for all tasks; what is undefined or empty is not said. One step of the notebook's history. */
  writeDefaults(defaults: Options): void {
    const said = Object.entries(defaults).filter(([, value]) => value !== undefined && value !== '');
    this.transact(() => {
      const shared = this.panel.content.model?.sharedModel;
      if (said.length > 0) {
        shared?.setMetadata('fasttrack', Object.fromEntries(said) as PartialJSONObject);
      } else {
        shared?.deleteMetadata('fasttrack');
      }
    });
  }

  /** The notebook as it is now, less what cells put out. */
  content(): PartialJSONObject {
    const whole = this.panel.content.model?.toJSON() as unknown as { cells: PartialJSONObject[] };
    const cells = whole.cells.map(each => ('outputs' in each ? { ...each, outputs: [] } : each));
    return { ...whole, cells };
  }

  /** Write what these cells are to be; null takes the form's mark away. One step of the notebook's history. */
  write(cells: readonly ICellModel[], of: (cell: ICellModel) => Mark | null): void {
    this.transact(() => {
      for (const cell of cells) {
        const mark = of(cell);
        if (mark) {
          cell.sharedModel.setMetadata('fasttrack', metadataOf(mark));
        } else {
          cell.sharedModel.deleteMetadata('fasttrack');
        }
      }
    });
  }

  /** Take every mark away: the form's, the magic's, and the tags that are one. */
  clear(cells: readonly ICellModel[]): void {
    this.transact(() => {
      for (const cell of cells) {
        this.dropMagic(cell);
        cell.sharedModel.deleteMetadata('fasttrack');
        this.dropTags(cell);
      }
    });
  }

  /** What a magic or tags say goes to where the form writes. */
  adopt(cell: ICellModel): void {
    const mark = this.markOf(cell);
    if (mark && mark.kind !== 'pipeline') {
      this.transact(() => {
        this.dropMagic(cell);
        this.dropTags(cell);
        cell.sharedModel.setMetadata('fasttrack', metadataOf(mark));
      });
    }
  }

  private dropMagic(cell: ICellModel): void {
    const source = cell.sharedModel.getSource();
    const without = withoutMagic(source);
    if (without !== source) {
      cell.sharedModel.updateSource(0, source.length - without.length, '');
    }
  }

  private dropTags(cell: ICellModel): void {
    const tags = cell.getMetadata('tags') as string[] | undefined;
    if (tags && markOf('', { tags }) !== null) {
      const left = tags.filter(each => markOf('', { tags: [each] }) === null && !/^(prev|image):/.test(each));
      cell.sharedModel.setMetadata('tags', left);
    }
  }

  private transact(work: () => void): void {
    this.panel.content.model?.sharedModel.transact(work);
  }

  private start(): void {
    const { model } = this.panel.content;
    if (this._isDisposed || !model) {
      return;
    }
    model.cells.changed.connect(() => this.takeCells(), this);
    model.metadataChanged.connect(() => this._changed.emit(), this);
    this.takeCells();
  }

  private takeCells(): void {
    if (this._isDisposed) {
      return;
    }
    for (const cell of this.cells) {
      if (!this.marks.has(cell)) {
        this.marks.set(cell, read(cell));
        cell.contentChanged.connect(this.onCell, this);
        cell.metadataChanged.connect(this.onCell, this);
      }
    }
    this._changed.emit();
  }

  private onCell(cell: ICellModel): void {
    const mark = read(cell);
    if (JSON.stringify(mark) !== JSON.stringify(this.markOf(cell))) {
      this.marks.set(cell, mark);
      this._changed.emit();
    }
  }

  private readonly marks = new WeakMap<ICellModel, Mark | null>();
  private readonly _changed = new Signal<this, void>(this);
  private _isDisposed = false;
}

/** A notebook's file without its folder and ending. */
export function stem(path: string): string {
  return PathExt.basename(path, '.ipynb');
}

function read(cell: ICellModel): Mark | null {
  return cell.type === 'code' ? markOf(cell.sharedModel.getSource(), cell.metadata) : null;
}
