/** The bar above a log: search, follow, wrap, download. */
import { Signal } from '@lumino/signaling';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Found } from './log_text';

/** What is searched for: `by` 1 forwards, -1 backwards. */
export interface LogSearch {
  query: string;
  by: number;
}

/** See the head of this file. */
export class LogBar {
  constructor(
    private readonly trans: TranslationBundle,
    fileName: string
  ) {
    this.node.className = 'ft-Log-bar';
    this.node.setAttribute('role', 'toolbar');
    this.node.setAttribute('aria-label', trans.__('Log'));
    this.query.type = 'search';
    this.query.className = 'jp-mod-styled';
    this.query.placeholder = trans.__('Find');
    this.query.setAttribute('aria-label', trans.__('Find in the log'));
    this.query.addEventListener('keydown', event => {
      if (event.key === 'Enter' || event.key === 'F3') {
        this.searched.emit({ query: this.query.value, by: event.shiftKey ? -1 : 1 });
        event.preventDefault();
      } else if (event.key === 'Escape') {
        this.left.emit();
      }
      event.stopPropagation();
    });
    this.found.setAttribute('role', 'status');
    this.followBox = this.box(trans.__('Follow'), true, () => this.followChanged.emit(this.isFollowing));
    const wrapBox = this.box(trans.__('Wrap'), false, () => this.wrapChanged.emit(wrapBox.checked));
    this.link.download = fileName;
    this.link.textContent = trans.__('Download');
    this.attempts.className = 'ft-Log-attempts';
    this.attempts.hidden = true;
    this.attempts.setAttribute('aria-label', trans.__('Attempt'));
    this.attempts.addEventListener('change', () =>
      this.attemptChosen.emit(Number(this.attempts.value) || undefined)
    );
    this.node.append(
      this.attempts,
      this.query,
      this.button('↑', trans.__('Previous match'), -1),
      this.button('↓', trans.__('Next match'), 1),
      this.found,
      labelled(this.followBox, trans.__('Follow')),
      labelled(wrapBox, trans.__('Wrap')),
      this.link,
      this.debug
    );
    this.debug.type = 'button';
    this.debug.className = 'ft-Form-small';
    this.debug.textContent = trans.__('Debug in a notebook');
    this.debug.hidden = true;
    this.debug.addEventListener('click', () => this.debugged.emit());
  }

  /** The bar's element. */
  readonly node = document.createElement('div');
  /** Somebody searches. */
  readonly searched = new Signal<this, LogSearch>(this);
  /** Follow was switched, to the argument. */
  readonly followChanged = new Signal<this, boolean>(this);
  /** Wrap was switched, to the argument. */
  readonly wrapChanged = new Signal<this, boolean>(this);

  /** Another attempt was chosen; undefined: the current one. */
  readonly attemptChosen = new Signal<this, number | undefined>(this);
  /** The task is to be debugged. */
  readonly debugged = new Signal<this, void>(this);
  /** The search was left by Escape. */
  readonly left = new Signal<this, void>(this);

  /** Whether the view stays at the log's end. */
  get isFollowing(): boolean {
    return this.followBox.checked;
  }
  set isFollowing(value: boolean) {
    this.followBox.checked = value;
  }

  /** Say what the search for `query` found. */
  setFound(query: string, found: Found | null): void {
    const { trans } = this;
    this.found.textContent =
      query === ''
        ? ''
        : found === null
          ? trans.__('nothing found')
          : trans.__('%1 of %2', found.at, found.of);
  }

  /** Offer to debug the task, or not. */
  offerDebug(isOffered: boolean): void {
    this.debug.hidden = !isOffered;
  }

  /** Where the whole log can be had. */
  setDownload(url: string): void {
    this.link.href = url;
  }

  /** How many attempts there are to choose from. */
  setAttempts(count: number): void {
    if (this.attempts.options.length - 1 === count) {
      return;
    }
    const { value } = this.attempts;
    const choices = Array.from({ length: count }, (_, index) =>
      option(String(index + 1), this.trans.__('Attempt %1', index + 1))
    );
    this.attempts.replaceChildren(option('', this.trans.__('Latest attempt')), ...choices);
    this.attempts.value = value;
    this.attempts.hidden = count < 2;
  }

  /** Put the keyboard into the search. */
  focusSearch(): void {
    this.query.focus();
    this.query.select();
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

  private readonly attempts = document.createElement('select');
  private readonly link = document.createElement('a');
  private readonly debug = document.createElement('button');
  private readonly query = document.createElement('input');
  private readonly found = document.createElement('span');
  private readonly followBox: HTMLInputElement;
}

function option(value: string, words: string): HTMLOptionElement {
  const made = document.createElement('option');
  made.value = value;
  made.textContent = words;
  return made;
}

function labelled(box: HTMLInputElement, words: string): HTMLLabelElement {
  const label = document.createElement('label');
  label.append(box, words);
  return label;
}
