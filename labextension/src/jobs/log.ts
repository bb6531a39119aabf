/**
 * The log of one task instance, live. Lines are kept as blocks that the browser lays out only when they are seen, so
 * that a log of a hundred thousand lines scrolls; what is older than that is to be downloaded.
 */
import { Widget } from '@lumino/widgets';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Api } from '../api';
import type { LogView } from '../generated';
import { LogBar } from './log_bar';
import { LogLines, linesWith } from './log_lines';
import { followLog, logRoute, type LogOf } from './log_stream';

const BLOCK = 200;
const MOST_BLOCKS = 500;
const NEAR_END = 24;

/** See the head of this file. */
export class LogPanel extends Widget {
  constructor(
    private readonly api: Api,
    private readonly of: LogOf,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('ft-Log');
    this.bar = new LogBar(trans, api.url(logRoute(of) + '/text', { attempt: of.attempt }), `${of.path}.log`);
    this.view.className = 'ft-Log-view';
    this.view.tabIndex = 0;
    this.view.setAttribute('role', 'log');
    this.view.setAttribute('aria-live', 'off');
    this.view.setAttribute('aria-label', trans.__('Log of %1', of.path));
    this.open.className = 'ft-Log-block ft-Log-open';
    this.view.append(this.open);
    this.said.className = 'ft-Log-said';
    this.said.setAttribute('role', 'status');
    this.node.append(this.bar.node, this.view, this.said);
    this.view.addEventListener('scroll', () => this.onScroll());
    this.bar.followChanged.connect(() => this.scrollToEnd());
    this.bar.wrapChanged.connect((_, wraps) => this.view.classList.toggle('ft-mod-wrap', wraps));
    this.bar.searched.connect((_, { query, by }) => this.find(query, by));
    void this.follow();
  }

  dispose(): void {
    this.aborter.abort();
    super.dispose();
  }

  private async follow(): Promise<void> {
    this.say(this.trans.__('Waiting for the log …'));
    const isSeen = (): boolean => this.isVisible && !document.hidden;
    for await (const news of followLog(this.api, this.of, this.aborter.signal, isSeen)) {
      if ('trouble' in news) {
        this.say(this.trans.__('The log cannot be followed just now: %1', news.trouble));
      } else {
        this.take(news.page);
      }
    }
  }

  private take(page: LogView): void {
    if (page.attempt !== this.attempt || page.start !== this.next) {
      this.clear(page.attempt, page.start);
    }
    this.next = page.next;
    const { whole, open, isCut } = this.lines.append(page.data);
    if (isCut) {
      this.sayCut();
    }
    this.add(whole);
    this.open.innerHTML = open ?? '';
    this.say(
      page.ended && this.texts.length === 0 && open === null ? this.trans.__('The log is empty.') : ''
    );
    if (this.bar.isFollowing) {
      this.scrollToEnd();
    }
  }

  private clear(attempt: string, start: number): void {
    this.attempt = attempt;
    this.lines = this.newLines();
    this.texts.length = 0;
    this.block = null;
    const first = document.createElement('div');
    first.className = 'ft-Log-cut';
    first.textContent =
      start > 0 ? this.trans.__('… %1 bytes before this: download the log to see them', start) : '';
    this.view.replaceChildren(first, this.open);
  }

  private add(whole: readonly string[]): void {
    for (const html of whole) {
      if (this.block === null || this.block.childElementCount >= BLOCK) {
        this.block = document.createElement('div');
        this.block.className = 'ft-Log-block';
        this.view.insertBefore(this.block, this.open);
        this.dropOldest();
      }
      const line = document.createElement('div');
      line.innerHTML = html || '&#8203;';
      this.block.append(line);
      this.texts.push(line.textContent ?? '');
    }
  }

  private dropOldest(): void {
    const blocks = this.view.querySelectorAll('.ft-Log-block:not(.ft-Log-open)');
    if (blocks.length > MOST_BLOCKS) {
      this.texts.splice(0, blocks[0].childElementCount);
      blocks[0].remove();
      this.sayCut();
    }
  }

  private sayCut(): void {
    const first = this.view.querySelector('.ft-Log-cut');
    if (first) {
      first.textContent = this.trans.__('… earlier lines are left out: download the log to see them');
    }
  }

  /** Go to the next (`by` 1) or the previous (-1) line that holds `query`. */
  private find(query: string, by: number): void {
    const found = linesWith(this.texts, query);
    this.view.querySelector('.ft-mod-found')?.classList.remove('ft-mod-found');
    if (query === '' || found.length === 0) {
      this.bar.setFound(query === '' ? '' : this.trans.__('nothing found'));
      return;
    }
    const next =
      by > 0 ? found.find(index => index > this.foundAt) : found.filter(index => index < this.foundAt).pop();
    this.foundAt = next ?? found[by > 0 ? 0 : found.length - 1];
    this.bar.setFound(this.trans.__('%1 of %2', found.indexOf(this.foundAt) + 1, found.length));
    const lines = this.view.querySelectorAll('.ft-Log-block:not(.ft-Log-open) > div');
    lines[this.foundAt].classList.add('ft-mod-found');
    lines[this.foundAt].scrollIntoView({ block: 'center' });
    this.bar.isFollowing = false;
  }

  private onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.view;
    const isAtEnd = scrollHeight - scrollTop - clientHeight < NEAR_END;
    if (scrollTop < this.lastTop && !isAtEnd) {
      this.bar.isFollowing = false;
    } else if (isAtEnd && scrollTop > this.lastTop) {
      this.bar.isFollowing = true;
    }
    this.lastTop = scrollTop;
  }

  private scrollToEnd(): void {
    if (this.bar.isFollowing) {
      this.view.scrollTop = this.view.scrollHeight;
      this.lastTop = this.view.scrollTop;
    }
  }

  private say(words: string): void {
    if (this.said.textContent !== words) {
      this.said.textContent = words;
    }
  }

  private newLines(): LogLines {
    return new LogLines(left => this.trans.__(' … %1 more characters', left));
  }

  private readonly bar: LogBar;
  private readonly view = document.createElement('pre');
  private readonly open = document.createElement('div');
  private readonly said = document.createElement('div');
  private readonly aborter = new AbortController();
  private readonly texts: string[] = [];
  private lines = this.newLines();
  private block: HTMLDivElement | null = null;
  private attempt = '';
  private next = 0;
  private foundAt = -1;
  private lastTop = 0;
}
