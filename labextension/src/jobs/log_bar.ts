/** The bar above a log: search, follow, wrap, download. */
import { Signal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';

/** What is searched for: `by` 1 forwards, -1 backwards. */
export interface LogSearch {
  query: string;
  by: number;
}

/** See the head of this file. */
export class LogBar {
  constructor(trans: TranslationBundle, download: string, fileName: string) {
    this.node.className = 'ft-Log-bar';
    this.node.setAttribute('role', 'toolbar');
    this.node.setAttribute('aria-label', trans.__('Log'));
    this.query.type = 'search';
    this.query.className = 'jp-mod-styled';
    this.query.placeholder = trans.__('Find');
    this.query.setAttribute('aria-label', trans.__('Find in the log'));
    this.query.addEventListener('keydown', event => {
      if (event.key === 'Enter') {
        this.searched.emit({ query: this.query.value, by: event.shiftKey ? -1 : 1 });
      }
    });
    this.found.setAttribute('role', 'status');
    this.followBox = this.box(trans.__('Follow'), true, () => this.followChanged.emit());
    const wrapBox = this.box(trans.__('Wrap'), false, () => this.wrapChanged.emit(wrapBox.checked));
    const link = document.createElement('a');
    link.href = download;
    link.download = fileName;
    link.textContent = trans.__('Download');
    this.node.append(
      this.query,
      this.button('↑', trans.__('Previous match'), -1),
      this.button('↓', trans.__('Next match'), 1),
      this.found,
      labelled(this.followBox, trans.__('Follow')),
      labelled(wrapBox, trans.__('Wrap')),
      link
    );
  }

  /** The bar's element. */
  readonly node = document.createElement('div');
  /** Somebody searches. */
  readonly searched = new Signal<this, LogSearch>(this);
  /** Follow was switched. */
  readonly followChanged = new Signal<this, void>(this);
  /** Wrap was switched, to the argument. */
  readonly wrapChanged = new Signal<this, boolean>(this);

  /** Whether the view stays at the log's end. */
  get isFollowing(): boolean {
    return this.followBox.checked;
  }
  set isFollowing(value: boolean) {
    this.followBox.checked = value;
  }

  /** Say what the search found. */
  setFound(words: string): void {
    this.found.textContent = words;
  }

  private button(face: string, label: string, by: number): HTMLButtonElement {
    const button = document.createElement('button');
    button.type = 'button';
    button.className = 'ft-Form-small';
    button.textContent = face;
    button.title = label;
    button.setAttribute('aria-label', label);
    button.addEventListener('click', () => this.searched.emit({ query: this.query.value, by }));
    return button;
  }

  private box(label: string, isChecked: boolean, changed: () => void): HTMLInputElement {
    const box = document.createElement('input');
    box.type = 'checkbox';
    box.checked = isChecked;
    box.setAttribute('aria-label', label);
    box.addEventListener('change', changed);
    return box;
  }

  private readonly query = document.createElement('input');
  private readonly found = document.createElement('span');
  private readonly followBox: HTMLInputElement;
}

function labelled(box: HTMLInputElement, words: string): HTMLLabelElement {
  const label = document.createElement('label');
  label.append(box, words);
  return label;
}
