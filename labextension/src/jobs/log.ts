/** The log of one task instance, live: its text, the bar above it, and in words why there is none. */
import { Widget } from '@lumino/widgets';

import type { LogView } from '../generated';
import { progressWords, stateOf, stateWord } from '../status';
import type { IJobWatch } from '../tokens';
import { LogBar } from './log_bar';
import { LogLines } from './log_lines';
import { followLog, logRoute, TAIL, type LogOf } from './log_stream';
import { LogText } from './log_text';
import type { PanelContext } from './task_panel';
import { bytes, sentence, troubleOf } from '../words';

/** See the head of this file. */
export class LogPanel extends Widget {
  constructor(
    private readonly context: PanelContext,
    private readonly job: string,
    private readonly path: string
  ) {
    super();
    const { trans } = context;
    this.addClass('ft-Log');
    this.text = new LogText(trans.__('Log of %1', path));
    this.bar = new LogBar(trans, `${path}.log`);
    this.said.className = 'ft-Log-said';
    this.said.setAttribute('role', 'status');
    this.doing.className = 'ft-Log-said';
    this.node.append(this.bar.node, this.doing, this.text.node, this.said);
    this.connectBar();
    this.watch = context.jobs.watch(job);
    this.watch.changed.connect(this.onJob, this);
    this.setAttempt(undefined);
    this.onJob();
  }

  dispose(): void {
    this.stop();
    this.text.dispose();
    this.watch.dispose();
    super.dispose();
  }

  private connectBar(): void {
    const { bar, text } = this;
    bar.followChanged.connect((_, isOn) => text.setFollowing(isOn));
    text.followed.connect((_, isOn) => (bar.isFollowing = isOn));
    bar.wrapChanged.connect((_, wraps) => text.node.classList.toggle('ft-mod-wrap', wraps));
    bar.searched.connect((_, { query, by }) => bar.setFound(query, text.find(query, by)));
    bar.attemptChosen.connect((_, attempt) => this.setAttempt(attempt));
    bar.left.connect(() => text.node.focus());
    bar.debugged.connect(() => this.context.debug?.(this.job, this.path));
    text.node.addEventListener('keydown', event => {
      if (event.key === '/' || (event.key === 'f' && (event.ctrlKey || event.metaKey))) {
        bar.focusSearch();
        event.preventDefault();
        event.stopPropagation();
      }
    });
  }

  /** Show another attempt's log; undefined: the current one's. */
  private setAttempt(attempt: number | undefined): void {
    this.attempt = attempt;
    this.last = null;
    this.renew(null);
    this.bar.setDownload(this.context.api.url(`${logRoute(this.of)}/text`, { attempt }));
    this.stop();
    this.start();
  }

  private start(): void {
    if (this.aborter === null) {
      this.aborter = new AbortController();
      void this.follow(this.aborter);
    }
  }

  private stop(): void {
    this.aborter?.abort();
    this.aborter = null;
  }

  private async follow(aborter: AbortController): Promise<void> {
    const isSeen = (): boolean => this.isVisible && !document.hidden;
    for await (const news of followLog(this.context.api, this.of, aborter.signal, isSeen)) {
      if (aborter.signal.aborted) {
        return;
      }
      this.trouble = 'trouble' in news ? news.trouble : '';
      if ('page' in news) {
        this.take(news.page);
      }
      this.sayHow();
    }
    if (this.aborter === aborter) {
      this.aborter = null;
    }
  }

  private take(page: LogView): void {
    if (page.attempt !== this.last?.attempt || page.start !== this.last.next) {
      this.renew(page);
    }
    this.last = page;
    const { whole, open, isCut } = this.lines.append(page.data);
    this.text.add(whole, open);
    if (isCut || this.text.hasDropped) {
      this.text.before.textContent = this.context.trans.__(
        'Earlier lines have left: download the log to see them.'
      );
    }
  }

  /** Begin anew, with an attempt's first page. */
  private renew(page: LogView | null): void {
    this.lines = this.newLines();
    this.text.clear();
    this.begin = page?.start ?? 0;
    this.offerEarlier();
  }

  private offerEarlier(): void {
    const { trans } = this.context;
    this.text.before.replaceChildren();
    if (this.begin > 0) {
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'ft-Log-earlier';
      button.textContent = trans.__('Show earlier lines (%1 before this)', bytes(this.begin));
      button.addEventListener('click', () => void this.showEarlier(button));
      this.text.before.append(button);
    }
  }

  /** Fetch what stands before the first line; it is cut between two lines. */
  private async showEarlier(button: HTMLButtonElement): Promise<void> {
    button.disabled = true;
    this.text.setFollowing(false);
    const { last, begin: end } = this;
    const from = Math.max(0, end - 2 * TAIL);
    try {
      const page = await this.read(from, end - from);
      if (last?.attempt === this.last?.attempt && end === this.begin) {
        const first = from === 0 ? 0 : page.data.indexOf('\n') + 1;
        const { whole, open } = this.newLines().append(page.data.slice(first));
        this.text.prepend(open === null ? whole : [...whole, open]);
        this.begin = from === 0 ? 0 : from + new TextEncoder().encode(page.data.slice(0, first)).length;
        this.offerEarlier();
      }
    } catch (error) {
      this.trouble = sentence(troubleOf(error));
      this.sayHow();
      button.disabled = false;
    }
  }

  private async read(after: number, limit: number): Promise<LogView> {
    const query = { after, limit, attempt: this.attempt };
    return this.context.api.get<LogView>(logRoute(this.of), query);
  }

  private get of(): LogOf {
    return { job: this.job, path: this.path, attempt: this.attempt };
  }

  /** A new attempt, or the first: its log is followed at once. */
  private onJob(): void {
    const instance = this.watch.job?.tasks.find(task => task.path === this.path);
    this.bar.setAttempts(instance?.attempts ?? 0);
    const isOther = (instance?.attempts ?? 0) > this.attempts;
    this.attempts = instance?.attempts ?? 0;
    const isFailed = instance !== undefined && stateOf(instance) === 'failure' && instance.attempts > 0;
    this.bar.offerDebug(isFailed && this.context.debug !== undefined);
    this.doing.textContent = progressWords(instance?.progress ?? null);
    if (isOther && this.attempt === undefined) {
      this.start();
    }
    this.sayHow();
  }

  /** Why there is no text, or no more of it just now. */
  private sayHow(): void {
    const { trans } = this.context;
    const instance = this.watch.job?.tasks.find(task => task.path === this.path);
    let words = '';
    if (this.trouble) {
      words = trans.__('The log cannot be followed just now: %1', this.trouble);
    } else if (this.text.isEmpty && instance) {
      const state = stateOf(instance);
      const isOver = this.last?.ended === true;
      words =
        state === 'running'
          ? trans.__('Nothing has been printed yet.')
          : state === 'success' || (state === 'failure' && isOver)
            ? trans.__('The task printed nothing.')
            : `${stateWord(state, trans)}${instance.reason ? `: ${instance.reason}` : ''}`;
    } else if (this.text.isEmpty) {
      words = this.watch.error ?? trans.__('Loading …');
    }
    if (this.said.textContent !== words) {
      this.said.textContent = words;
    }
  }

  private newLines(): LogLines {
    return new LogLines(left => this.context.trans.__(' … %1 more characters', left));
  }

  private readonly bar: LogBar;
  private readonly text: LogText;
  private readonly watch: IJobWatch;
  private readonly said = document.createElement('div');
  /** How far the task says that it is. */
  private readonly doing = document.createElement('div');
  private lines = this.newLines();
  private aborter: AbortController | null = null;
  private attempt: number | undefined;
  private attempts = 0;
  /** The last page that was shown; the next goes on from there. */
  private last: LogView | null = null;
  /** The byte of the log at which the text begins. */
  private begin = 0;
  private trouble = '';
}
