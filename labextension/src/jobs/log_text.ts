/**
 * The text of a log: lines in blocks that the browser lays out only when they are seen, so that a hundred thousand of
 * them scroll; what is older than that leaves. It stays at its end while it is followed; a person who scrolls up ends
 * that, one who scrolls to the end begins it.
 */
import { Signal } from '@lumino/signaling';

import { linesWith } from './log_lines';

const BLOCK = 200;
const MOST_BLOCKS = 500;
const NEAR_END = 24;

/** Where a search is: the found line's number (from 1) of so many. */
export interface Found {
  at: number;
  of: number;
}

/** See the head of this file. */
export class LogText {
  constructor(label: string) {
    this.node.className = 'ft-Log-view';
    this.node.tabIndex = 0;
    this.node.setAttribute('role', 'log');
    this.node.setAttribute('aria-live', 'off');
    this.node.setAttribute('aria-label', label);
    this.open.className = 'ft-Log-block ft-Log-open';
    this.lines.append(this.open);
    this.node.append(this.before, this.lines);
    this.node.addEventListener('scroll', () => this.onScroll());
    this.sizes.observe(this.node);
  }

  /** The element that scrolls; what stands before the first line belongs into `before`. */
  readonly node = document.createElement('div');
  readonly before = document.createElement('div');
  /** A person scrolled away from the end (false), or to it (true). */
  readonly followed = new Signal<this, boolean>(this);
  /** Whether the end stays in sight. */
  isFollowing = true;
  /** Whether lines at the beginning had to leave. */
  hasDropped = false;

  /** Whether there is no text at all. */
  get isEmpty(): boolean {
    return this.texts.length === 0 && this.open.textContent === '';
  }

  /** Forget all lines. */
  clear(): void {
    this.texts = [];
    this.block = null;
    this.hasDropped = false;
    this.foundAt = -1;
    this.open.innerHTML = '';
    this.lines.replaceChildren(this.open);
  }

  /** Add whole lines, and say what the unfinished one is; HTML that is safe. */
  add(whole: readonly string[], open: string | null): void {
    for (const html of whole) {
      if (this.block === null || this.block.childElementCount >= BLOCK) {
        this.block = newBlock();
        this.lines.insertBefore(this.block, this.open);
        this.dropOldest();
      }
      this.texts.push(addLine(this.block, html));
    }
    this.open.innerHTML = open ?? '';
    this.toEnd();
  }

  /** Add older lines before the first; what is in sight stays in sight. */
  prepend(older: readonly string[]): void {
    const { scrollHeight, scrollTop } = this.node;
    const texts: string[] = [];
    const blocks: HTMLElement[] = [];
    for (let at = 0; at < older.length; at += BLOCK) {
      const block = newBlock();
      texts.push(...older.slice(at, at + BLOCK).map(html => addLine(block, html)));
      blocks.push(block);
    }
    this.lines.prepend(...blocks);
    this.texts = texts.concat(this.texts);
    this.foundAt += this.foundAt < 0 ? 0 : older.length;
    this.node.scrollTop = this.lastTop = scrollTop + this.node.scrollHeight - scrollHeight;
  }

  /** Go to the next (`by` 1) or the previous (-1) line that holds `query`; null where there is none. */
  find(query: string, by: number): Found | null {
    const found = linesWith(this.texts, query);
    this.node.querySelector('.ft-mod-found')?.classList.remove('ft-mod-found');
    if (found.length === 0) {
      this.foundAt = -1;
      return null;
    }
    const next =
      by > 0 ? found.find(index => index > this.foundAt) : found.filter(index => index < this.foundAt).pop();
    this.foundAt = next ?? found[by > 0 ? 0 : found.length - 1];
    const line = this.lines.querySelectorAll('.ft-Log-block:not(.ft-Log-open) > div')[this.foundAt];
    line.classList.add('ft-mod-found');
    this.setFollowing(false);
    line.scrollIntoView({ block: 'center' });
    return { at: found.indexOf(this.foundAt) + 1, of: found.length };
  }

  /** Follow, or no more. */
  setFollowing(isFollowing: boolean): void {
    if (isFollowing !== this.isFollowing) {
      this.isFollowing = isFollowing;
      this.followed.emit(isFollowing);
    }
    this.toEnd();
  }

  /** Observe no more. */
  dispose(): void {
    this.sizes.disconnect();
    Signal.clearData(this);
  }

  private dropOldest(): void {
    const first = this.lines.firstElementChild;
    if (this.lines.childElementCount > MOST_BLOCKS + 1 && first) {
      this.texts.splice(0, first.childElementCount);
      this.foundAt = Math.max(-1, this.foundAt - first.childElementCount);
      first.remove();
      this.hasDropped = true;
    }
  }

  private onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.node;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    const isUp = scrollTop < this.lastTop - 1;
    this.lastTop = scrollTop;
    if (isUp && !isAtEnd && this.isFollowing) {
      this.setFollowing(false);
    } else if (isAtEnd && !isUp && !this.isFollowing) {
      this.setFollowing(true);
    }
  }

  /** The heights of blocks that were never seen are guesses: once more when they have been drawn. */
  private toEnd(): void {
    if (!this.isFollowing) {
      return;
    }
    const go = (): void => {
      if (this.isFollowing) {
        this.node.scrollTop = this.node.scrollHeight;
        this.lastTop = this.node.scrollTop;
      }
    };
    go();
    requestAnimationFrame(go);
  }

  private readonly lines = document.createElement('pre');
  private readonly open = document.createElement('div');
  private readonly sizes = new ResizeObserver(() => this.toEnd());
  private texts: string[] = [];
  private block: HTMLElement | null = null;
  private foundAt = -1;
  private lastTop = 0;
}

function newBlock(): HTMLElement {
  const block = document.createElement('div');
  block.className = 'ft-Log-block';
  return block;
}

/** Returns the line's text. */
function addLine(block: HTMLElement, html: string): string {
  const line = document.createElement('div');
  line.innerHTML = html || '&#8203;';
  block.append(line);
  return line.textContent ?? '';
}
