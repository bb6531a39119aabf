/** What is on its way to the vfolders of one cluster: one file after the other, whatever the reader looks at meanwhile. */
import { Signal, type ISignal } from '@lumino/signaling';

import { uploadFile, type UploadApi, type UploadSource } from './uploading';

/** A file to be brought. */
export interface ToUpload {
  /** Within the vfolder. */
  path: string;
  /** Asked for when its turn comes. */
  source(): Promise<UploadSource>;
}

/** One file on its way. */
export interface Upload {
  readonly folder: string;
  readonly path: string;
  /** From 0 to 1. */
  readonly done: number;
  readonly state: 'waiting' | 'going' | 'there' | 'failed';
  /** What was thrown, if it failed. */
  readonly trouble: unknown;
}

interface Item extends Upload {
  done: number;
  state: Upload['state'];
  trouble: unknown;
  readonly what: ToUpload;
  readonly aborter: AbortController;
}

/** See the head of this file. */
export class Uploads {
  /** `placeOf`: where the operations of a vfolder are. */
  constructor(
    private readonly api: UploadApi,
    private readonly placeOf: (folder: string) => string
  ) {}

  /** All that has not been put away, in order. */
  get all(): readonly Upload[] {
    return this.items;
  }

  /** After each change; told the folder in which a file has arrived, else the empty text. */
  get changed(): ISignal<this, string> {
    return this._changed;
  }

  /** Bring these, after what is on its way. */
  add(folder: string, files: readonly ToUpload[]): void {
    const made = files.map<Item>(what => ({
      folder,
      path: what.path,
      done: 0,
      state: 'waiting',
      trouble: null,
      what,
      aborter: new AbortController()
    }));
    this.items = [...this.items.filter(each => each.state !== 'there'), ...made];
    this._changed.emit('');
    void this.go();
  }

  /** Bring what failed once more. */
  retry(upload: Upload): void {
    this.drop(upload);
    const item = upload as Item;
    this.add(item.folder, [item.what]);
  }

  /** Put it away; what is on its way is broken off. */
  drop(upload: Upload): void {
    this.items = this.items.filter(each => each !== upload);
    (upload as Item).aborter.abort();
    this._changed.emit('');
  }

  /** Break off all. */
  dispose(): void {
    this.items.forEach(each => each.aborter.abort());
    this.items = [];
    Signal.clearData(this);
  }

  private async go(): Promise<void> {
    if (this.isGoing) {
      return;
    }
    this.isGoing = true;
    for (let item = this.next(); item; item = this.next()) {
      await this.bring(item);
    }
    this.isGoing = false;
  }

  private next(): Item | undefined {
    return this.items.find(each => each.state === 'waiting');
  }

  private async bring(item: Item): Promise<void> {
    const hear = (done: number): void => {
      item.done = done;
      this._changed.emit('');
    };
    item.state = 'going';
    hear(0);
    try {
      const { signal } = item.aborter;
      await uploadFile(
        this.api,
        this.placeOf(item.folder),
        item.path,
        await item.what.source(),
        hear,
        signal
      );
      item.state = 'there';
    } catch (error) {
      item.state = 'failed';
      item.trouble = error;
    }
    this._changed.emit(item.state === 'there' ? item.folder : '');
  }

  private items: Item[] = [];
  private isGoing = false;
  private readonly _changed = new Signal<this, string>(this);
}
