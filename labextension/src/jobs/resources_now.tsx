/** The section of resources: a bar per slot for now, a small chart beneath it for the last days, the disk. */
import { ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { TroubleNote, useSignals } from './panel_parts';
import type { ResourcesNow, SlotShown } from './resources_now_model';
import { slotLabel, writtenSpace } from '../words';
import { slotAmount, slotUse } from './words';

/** The section of resources. */
export class ResourcesNowWidget extends ReactWidget {
  constructor(
    private readonly model: ResourcesNow,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-ft-resources');
  }

  protected onAfterShow(): void {
    this.model.setShown(true);
  }

  protected onAfterHide(): void {
    this.model.setShown(false);
  }

  protected onAfterAttach(...message: Parameters<ReactWidget['onAfterAttach']>): void {
    super.onAfterAttach(...message);
    this.model.setShown(this.isVisible);
  }

  protected render(): JSX.Element {
    return <ResourcesView model={this.model} trans={this.trans} />;
  }
}

function ResourcesView(props: { model: ResourcesNow; trans: TranslationBundle }): JSX.Element {
  const { model, trans } = props;
  useSignals(model.changed);
  if (model.trouble && !model.isLoaded) {
    return (
      <TroubleNote
        trouble={model.trouble}
        label={trans.__('Try again')}
        onClick={() => model.setShown(true)}
      />
    );
  }
  const isQuiet = model.isLoaded && model.slots.length === 0;
  return (
    <div className="jp-ft-slots">
      {model.slots.map(each => (
        <SlotView key={each.slot} shown={each} days={model.settings.historyDays} trans={trans} />
      ))}
      {isQuiet ? <p className="jp-ft-dim">{trans.__('This backend counts its resources itself.')}</p> : null}
      {model.freeSpace ? (
        <div className="jp-ft-slot-words">
          <span>{trans.__('Disk')}</span>
          <span className="jp-ft-amount">{trans.__('%1 free', writtenSpace(model.freeSpace))}</span>
        </div>
      ) : null}
    </div>
  );
}

function SlotView(props: { shown: SlotShown; days: number; trans: TranslationBundle }): JSX.Element {
  const { shown, days, trans } = props;
  const { slot, used, total, history } = shown;
  const label = slotLabel(slot, trans);
  const words = total ? slotUse(slot, used, total, trans) : slotAmount(slot, used, trans);
  const most = Math.max(0, ...history);
  const past = trans._n(
    'Over the last day: at most %2',
    'Over the last %1 days: at most %2',
    days,
    slotAmount(slot, most, trans)
  );
  return (
    <div className="jp-ft-slot">
      <div className="jp-ft-slot-words">
        <span>{label}</span>
        <span className="jp-ft-amount">{words}</span>
      </div>
      {total ? (
        <div
          className="ft-Meter"
          role="meter"
          aria-label={trans.__('%1 in use', label)}
          aria-valuemin={0}
          aria-valuemax={total}
          aria-valuenow={Math.min(used, total)}
          aria-valuetext={words}
        >
          <div style={{ width: `${Math.min(100, (100 * used) / total)}%` }} />
        </div>
      ) : null}
      {most > LEAST * total ? <Chart history={history} top={Math.max(total, most)} words={past} /> : null}
    </div>
  );
}

const HEIGHT = 24;
/** Less of what there is cannot be seen in so small a chart. */
const LEAST = 0.01;

/** Amounts over time as an area; the whole height is all there is. */
function Chart(props: { history: readonly number[]; top: number; words: string }): JSX.Element {
  const { history, top, words } = props;
  const points = history.flatMap((amount, at) => {
    const y = (HEIGHT * (1 - amount / top)).toFixed(2);
    return [`${at},${y}`, `${at + 1},${y}`];
  });
  return (
    <svg
      className="jp-ft-chart"
      role="img"
      aria-label={words}
      viewBox={`0 0 ${history.length} ${HEIGHT}`}
      preserveAspectRatio="none"
    >
      <title>{words}</title>
      <polygon points={`0,${HEIGHT} ${points.join(' ')} ${history.length},${HEIGHT}`} />
      <polyline points={points.join(' ')} />
    </svg>
  );
}
