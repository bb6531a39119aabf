/** The item of the status bar: how many jobs run; a click shows the panel. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Signal, type ISignal } from '@lumino/signaling';
import * as React from 'react';

import { ICONS } from '../status';
import type { IJobs } from '../tokens';
import { useSignals } from './panel_parts';
import { jobTitle } from './words';

/** Running jobs, counted. */
export class RunningItem extends ReactWidget {
  constructor(
    private readonly jobs: IJobs,
    private readonly onClick: () => void,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-mod-highlighted');
    jobs.jobsChanged.connect(this._onJobs, this);
  }

  /** When it may have to be shown or hidden. */
  get activeChanged(): ISignal<this, void> {
    return this._activeChanged;
  }

  /** Count no more. */
  dispose(): void {
    this.jobs.jobsChanged.disconnect(this._onJobs, this);
    super.dispose();
  }

  protected render(): JSX.Element {
    return <Running jobs={this.jobs} onClick={this.onClick} trans={this.trans} />;
  }

  private _onJobs(): void {
    this._activeChanged.emit();
  }

  private readonly _activeChanged = new Signal<this, void>(this);
}

function Running(props: { jobs: IJobs; onClick: () => void; trans: TranslationBundle }): JSX.Element {
  const { jobs, trans } = props;
  useSignals(jobs.jobsChanged);
  const count = jobs.running.length;
  const words = trans._n('%1 pipeline job is running', '%1 pipeline jobs are running', count);
  const names = jobs.running.slice(0, 10).map(jobTitle).join('\n');
  return (
    <button
      type="button"
      className="jp-ft-status-item"
      title={`${words}\n${names}`}
      aria-label={words}
      onClick={props.onClick}
    >
      <span aria-hidden>{`${ICONS.running} ${count}`}</span>
    </button>
  );
}
