/**
 * The right dock: what there is to see of the selected task. One tab at a time is alive; a panel of a task instance
 * follows its job by itself and is disposed of as soon as something else is looked at.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import { TabBarSvg } from '@jupyterlab/ui-components';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';
import type { TabBar } from '@lumino/widgets';
import { PanelLayout, Title, Widget } from '@lumino/widgets';

import type { ITaskPanels, TaskPanelKind } from '../tokens';

/** A tab of the dock. */
export type DockTab = 'properties' | TaskPanelKind;

/** The tabs, from left to right. */
export const DOCK_TABS: readonly DockTab[] = ['properties', 'log', 'outputs', 'resources', 'attempts'];

/** What the dock is about: a task instance of a job, a task that no job is shown of, or nothing. */
export interface DockTarget {
  task: string | null;
  job: string | null;
  /** Path of the task instance; null where the job has none of that task. */
  path: string | null;
}

/** See the head of this file. */
export class Dock extends Widget {
  constructor(
    private readonly properties: Widget,
    private readonly panels: ITaskPanels,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('ft-Editor-dock');
    this.bar = new TabBarSvg<Widget>({ name: trans.__('About the selected task') });
    this.bar.addClass('ft-Editor-dock-tabs');
    const words = tabWords(trans);
    DOCK_TABS.forEach(tab => this.bar.addTab(new Title<Widget>({ owner: this, label: words[tab] })));
    this.bar.currentChanged.connect(this.onTab, this);
    const layout = (this.layout = new PanelLayout());
    layout.addWidget(this.bar);
    properties.addClass('ft-Editor-dock-body');
    layout.addWidget(properties);
    this.bar.currentIndex = 0;
  }

  /** After the user turned to another tab. */
  get tabChanged(): ISignal<this, DockTab> {
    return this._tabChanged;
  }

  /** The tab in front. */
  get tab(): DockTab {
    return DOCK_TABS[Math.max(0, this.bar.currentIndex)];
  }

  set tab(tab: DockTab) {
    this.isChosen = true;
    this.bar.currentIndex = DOCK_TABS.indexOf(tab);
  }

  /** Turn to `tab`, unless somebody has chosen one. */
  suggest(tab: DockTab): void {
    if (!this.isChosen) {
      this.bar.currentIndex = DOCK_TABS.indexOf(tab);
      this.isChosen = false;
    }
  }

  /** Follow suggestions again. */
  forgetChoice(): void {
    this.isChosen = false;
  }

  /** Show what there is of `target`; the tab in front stays. */
  showTarget(target: DockTarget): void {
    const isSame = JSON.stringify(target) === JSON.stringify(this.target);
    this.target = target;
    if (!isSame && this.tab !== 'properties') {
      this.fill();
    }
  }

  /** Put the keyboard's focus into the panel in front. */
  focusBody(): void {
    if (this.body === null) {
      this.properties.activate();
      return;
    }
    const first = this.body.node.querySelector<HTMLElement>(
      ':is(input, select, textarea, button, [tabindex="0"]):not([hidden])'
    );
    (first ?? this.body.node).focus();
  }

  dispose(): void {
    Signal.clearData(this);
    super.dispose();
  }

  private onTab(): void {
    this.isChosen = true;
    this.fill();
    this._tabChanged.emit(this.tab);
  }

  private fill(): void {
    const hadFocus = this.body?.node.contains(document.activeElement) === true;
    this.body?.dispose();
    this.body = null;
    const isProperties = this.tab === 'properties';
    this.properties.setHidden(!isProperties);
    if (!isProperties) {
      this.body = this.make(this.tab as TaskPanelKind);
      this.body.addClass('ft-Editor-dock-body');
      (this.layout as PanelLayout).addWidget(this.body);
    }
    if (hadFocus) {
      this.focusBody(); // what had it is gone: the keyboard would be nowhere
    }
  }

  private make(kind: TaskPanelKind): Widget {
    const { task, job, path } = this.target;
    if (job && path) {
      return this.panels.create(kind, job, path);
    }
    const hint = new Widget();
    hint.addClass('ft-Editor-dock-hint');
    hint.node.tabIndex = -1;
    hint.node.textContent = !task
      ? this.trans.__('Select one task on the canvas to see this of it.')
      : job
        ? this.trans.__('The job that is shown has no task “%1”.', task)
        : this.trans.__(
            'Run the pipeline, or choose one of its jobs in the toolbar, to see this of “%1”.',
            task
          );
    return hint;
  }

  private readonly bar: TabBar<Widget>;
  private readonly _tabChanged = new Signal<this, DockTab>(this);
  private target: DockTarget = { task: null, job: null, path: null };
  private body: Widget | null = null;
  private isChosen = false;
}

/** The tabs' names, in the reader's language. */
export function tabWords(trans: TranslationBundle): Readonly<Record<DockTab, string>> {
  return {
    properties: trans.__('Properties'),
    log: trans.__('Log'),
    outputs: trans.__('Outputs'),
    resources: trans.__('Resources'),
    attempts: trans.__('Attempts')
  };
}
