/**
 * The panes above the list of problems. The list takes one line where there are none, else what they need up to a
 * limit, or the height that somebody drew. What is typed makes and mends problems all the time, so the height follows
 * only when they have settled: nothing jumps under the hands.
 */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import { Debouncer } from '@lumino/polling';
import type { Message } from '@lumino/messaging';
import type { Widget } from '@lumino/widgets';
import { SplitPanel } from '@lumino/widgets';

import type { PipelineModel } from './model';
import type { ProblemsList } from './problems_list';

/** Height of the list's first line, and of each problem, in pixels; and how high it grows by itself. */
const HEAD = 25;
const LINE = 22;
const MOST = 170;

/** How long problems rest before the height follows, in milliseconds. */
const REST = 600;

/** See the head of this file. */
export class MainPanel extends SplitPanel {
  constructor(
    panes: Widget,
    private readonly problems: ProblemsList,
    private readonly model: Pick<PipelineModel, 'problems' | 'changed'>
  ) {
    super({ orientation: 'vertical', spacing: 1 });
    this.addClass('ft-Editor-main');
    this.addWidget(panes);
    this.addWidget(problems);
    SplitPanel.setStretch(panes, 1);
    SplitPanel.setStretch(problems, 0);
    this.handleMoved.connect(this.onMoved, this);
    model.changed.connect(this.onModel, this);
    problems.folded.connect(this.onFolded, this);
  }

  /** After somebody drew another height. */
  get drawn(): ISignal<this, void> {
    return this._drawn;
  }

  /** The height that somebody drew, in pixels; null: as high as the problems need. */
  get problemsHeight(): number | null {
    return this.height;
  }

  set problemsHeight(height: number | null) {
    this.height = height;
    this.share();
  }

  dispose(): void {
    this.settling.dispose();
    Signal.clearData(this);
    super.dispose();
  }

  protected onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    if (this.shared === 0) {
      this.share();
    }
  }

  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this.share();
  }

  private share(): void {
    const whole = this.node.clientHeight;
    const wanted = this.wanted();
    if (this.isDisposed || whole === 0) {
      return;
    }
    this.shared = wanted;
    const isHead = wanted === HEAD;
    this.problems.node.style.maxHeight = isHead ? `${HEAD}px` : '';
    this.toggleClass('ft-mod-fine', isHead);
    this.fit();
    this.setRelativeSizes([Math.max(1, whole - wanted), wanted]);
  }

  private wanted(): number {
    const count = this.model.problems.length;
    return count === 0 || this.problems.isFolded
      ? HEAD
      : (this.height ?? Math.min(MOST, HEAD + LINE * count + 4));
  }

  private onModel(): void {
    if (this.wanted() !== this.shared) {
      void this.settling.invoke();
    }
  }

  private onFolded(): void {
    this.share();
    this._drawn.emit();
  }

  private onMoved(): void {
    this.height = this.problems.node.offsetHeight;
    this.shared = this.height;
    this._drawn.emit();
  }

  private readonly settling = new Debouncer(() => this.share(), REST);
  private readonly _drawn = new Signal<this, void>(this);
  private height: number | null = null;
  private shared = 0;
}
