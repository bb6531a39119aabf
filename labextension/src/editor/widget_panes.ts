/** The panes of the editor beside each other: each may be hidden, and has its share of the width back when shown. */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import { SplitPanel } from '@lumino/widgets';

import type { PaneName, Remembered } from './settings';
import { PANES } from './settings';

/** How wide a pane is among the others until the user has drawn it, and whether it is shown at first. */
const FIRST: Readonly<Record<PaneName, { isShown: boolean; share: number }>> = {
  palette: { isShown: true, share: 0.12 },
  outline: { isShown: false, share: 0.15 },
  canvas: { isShown: true, share: 0.56 },
  yaml: { isShown: true, share: 0.3 },
  dock: { isShown: false, share: 0.34 }
};

/** See the head of this file. */
export class Panes extends SplitPanel {
  constructor(widgets: Readonly<Partial<Record<PaneName, Widget>>>) {
    super({ orientation: 'horizontal', spacing: 1 });
    this.addClass('ft-Editor-panes');
    this.names = PANES.filter(name => widgets[name]);
    for (const name of this.names) {
      const widget = widgets[name] as Widget;
      this.addWidget(widget);
      widget.setHidden(!FIRST[name].isShown);
    }
    this.handleMoved.connect(this.onMoved, this);
    this.share();
  }

  /** After a pane was shown, hidden or drawn wider. */
  get arranged(): ISignal<this, void> {
    return this._arranged;
  }

  /** Whether there is such a pane, and it is shown. */
  isShown(name: PaneName): boolean {
    return this.names.includes(name) && !this.pane(name).isHidden;
  }

  /** Show or hide a pane; the last of canvas and YAML stays. */
  toggle(name: PaneName, isShown = !this.isShown(name)): void {
    if (!this.names.includes(name) || isShown === this.isShown(name)) {
      return;
    }
    const other = name === 'canvas' ? 'yaml' : name === 'yaml' ? 'canvas' : null;
    this.pane(name).setHidden(!isShown);
    if (other && !isShown && !this.isShown(other)) {
      this.pane(other).setHidden(false);
    }
    this.share();
    this._arranged.emit();
  }

  /** What is to be remembered. */
  state(): Remembered['panes'] {
    const state: Remembered['panes'] = {};
    for (const name of this.names) {
      state[name] = { isShown: this.isShown(name), share: this.shares[name] };
    }
    return state;
  }

  /** Take what was remembered. */
  restore(state: Remembered['panes']): void {
    for (const name of this.names) {
      const pane = state[name];
      if (pane) {
        this.shares[name] = pane.share;
        this.pane(name).setHidden(!pane.isShown);
      }
    }
    if (!this.isShown('canvas') && !this.isShown('yaml')) {
      this.pane('canvas').setHidden(false);
    }
    this.share();
  }

  private pane(name: PaneName): Widget {
    return this.widgets[this.names.indexOf(name)];
  }

  private share(): void {
    this.setRelativeSizes(this.names.map(name => (this.isShown(name) ? this.shares[name] : 0)));
  }

  private onMoved(): void {
    const sizes = this.relativeSizes();
    this.names.forEach((name, place) => {
      if (this.isShown(name) && sizes[place] > 0) {
        this.shares[name] = sizes[place];
      }
    });
    this._arranged.emit();
  }

  private readonly names: readonly PaneName[];
  private readonly shares = Object.fromEntries(PANES.map(name => [name, FIRST[name].share])) as Record<
    PaneName,
    number
  >;
  private readonly _arranged = new Signal<this, void>(this);
}
