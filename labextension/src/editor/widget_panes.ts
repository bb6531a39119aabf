/**
 * The panes of the editor beside each other: each may be hidden, and has its share of the width back when shown.
 *
 * Where there is not room enough for all that are wanted, some step aside until there is: the canvas never, and never
 * the one that was asked for last. While there is nothing to do with a pane it stands aside of itself (`setAside`),
 * until somebody asks for it.
 */
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { Widget } from '@lumino/widgets';
import { SplitPanel } from '@lumino/widgets';

import type { PaneName, Remembered } from './settings';
import { PANES } from './settings';

/** How wide a pane is among the others until the user has drawn it, and whether it is shown at first. */
const FIRST: Readonly<Record<PaneName, { isShown: boolean; share: number }>> = {
  palette: { isShown: true, share: 0.16 },
  outline: { isShown: false, share: 0.18 },
  canvas: { isShown: true, share: 0.56 },
  yaml: { isShown: true, share: 0.3 },
  dock: { isShown: false, share: 0.34 }
};

/** What a pane needs to be of use, in pixels. */
const LEAST: Readonly<Record<PaneName, number>> = {
  palette: 150,
  outline: 170,
  canvas: 320,
  yaml: 240,
  dock: 290
};

/** Who steps aside, first the first. */
const YIELDING: readonly PaneName[] = ['palette', 'outline', 'yaml', 'dock'];

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
      this.want(name, FIRST[name].isShown);
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
    this.want(name, isShown);
    if (other && !isShown && !this.isShown(other)) {
      this.want(other, true);
    }
    this.latest = isShown ? name : this.latest === name ? null : this.latest;
    this.aside.delete(name);
    this.makeRoom();
  }

  /** Let a pane stand aside, though it is wanted, until it is asked for; or let it come back. */
  setAside(name: PaneName, isAside: boolean): void {
    if (isAside !== this.aside.has(name)) {
      this.latest = this.latest === name ? null : this.latest;
      if (isAside) {
        this.aside.add(name);
      } else {
        this.aside.delete(name);
      }
      this.makeRoom();
    }
  }

  /** What is to be remembered. */
  state(): Remembered['panes'] {
    const state: Remembered['panes'] = {};
    for (const name of this.names) {
      state[name] = { isShown: this.wanted.has(name), share: this.shares[name] };
    }
    return state;
  }

  /** Take what was remembered. */
  restore(state: Remembered['panes']): void {
    for (const name of this.names) {
      const pane = state[name];
      if (pane) {
        this.shares[name] = pane.share;
        this.want(name, pane.isShown);
      }
    }
    if (!this.wanted.has('canvas') && !this.wanted.has('yaml')) {
      this.want('canvas', true);
    }
    this.makeRoom();
    this.share();
  }

  protected onResize(message: Widget.ResizeMessage): void {
    super.onResize(message);
    this.makeRoom();
  }

  private want(name: PaneName, isWanted: boolean): void {
    if (isWanted) {
      this.wanted.add(name);
    } else {
      this.wanted.delete(name);
    }
  }

  /** Show those that are wanted and have room. */
  private makeRoom(): void {
    const shown = this.fitting();
    const changed = this.names.filter(name => this.isShown(name) !== shown.has(name));
    if (changed.length > 0) {
      changed.forEach(name => this.pane(name).setHidden(!shown.has(name)));
      this.share();
      this._arranged.emit();
    }
  }

  private fitting(): ReadonlySet<PaneName> {
    const room = this.node.clientWidth;
    const shown = new Set([...this.wanted].filter(name => !this.aside.has(name)));
    const keeps = (name: PaneName) => name === this.latest || (name === 'yaml' && !shown.has('canvas'));
    for (const name of room > 0 ? YIELDING.filter(each => !keeps(each)) : []) {
      const needed = [...shown].reduce((sum, each) => sum + LEAST[each], 0);
      if (needed > room) {
        shown.delete(name);
      }
    }
    return shown;
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
  private readonly wanted = new Set<PaneName>();
  private readonly aside = new Set<PaneName>();
  private latest: PaneName | null = null;
  private readonly shares = Object.fromEntries(PANES.map(name => [name, FIRST[name].share])) as Record<
    PaneName,
    number
  >;
  private readonly _arranged = new Signal<this, void>(this);
}
