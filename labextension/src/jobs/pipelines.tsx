/** The section of pipelines: what there is, how its last job came out, and a button to run it. */
import { ReactWidget, runIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { stateOf, stateWord } from '../status';
import { Empty, StateIcon, TextButton, TroubleNote, useNow, useSignals } from './panel_parts';
import type { PipelineItem, Pipelines } from './pipelines_model';
import { ago, exact, paceOf } from '../time';

/** What the section's gestures do. */
export interface PipelinesActions {
  open(item: PipelineItem): void;
  run(item: PipelineItem): void;
  create(): void;
  example(): void;
  import(): void;
}

interface ViewProps {
  model: Pipelines;
  actions: PipelinesActions;
  trans: TranslationBundle;
}

/** The section of pipelines. */
export class PipelinesWidget extends ReactWidget {
  constructor(
    readonly model: Pipelines,
    private readonly actions: PipelinesActions,
    private readonly trans: TranslationBundle
  ) {
    super();
    this.addClass('jp-ft-pipelines');
  }

  protected onAfterShow(): void {
    void this.model.reload();
  }

  protected render(): JSX.Element {
    return <PipelinesView model={this.model} actions={this.actions} trans={this.trans} />;
  }
}

function PipelinesView(props: ViewProps): JSX.Element {
  const { model, trans } = props;
  useSignals(model.changed);
  const now = useNow(paceOf(model.items.map(item => item.last?.created_at)));
  if (model.items.length === 0) {
    return model.trouble ? (
      <TroubleNote
        trouble={model.trouble}
        label={trans.__('Try again')}
        onClick={() => void model.reload()}
      />
    ) : model.isLoaded ? (
      <NoPipelines {...props} />
    ) : (
      <p className="jp-ft-dim jp-ft-quiet">{trans.__('Looking for pipelines…')}</p>
    );
  }
  const active = model.active ?? model.items[0];
  return (
    <div className="jp-ft-scroll">
      <div role="grid" aria-label={trans.__('Pipelines')} onKeyDown={event => onKey(event, props)}>
        {model.items.map(item => (
          <PipelineRow key={item.id} {...props} item={item} isActive={item === active} now={now} />
        ))}
      </div>
      {model.isComplete ? null : (
        <p className="jp-ft-dim jp-ft-quiet">
          {trans.__('There are too many files here to look at all; open others in the file browser.')}
        </p>
      )}
    </div>
  );
}

function NoPipelines(props: ViewProps): JSX.Element {
  const { actions, trans } = props;
  return (
    <Empty title={trans.__('No pipeline in this folder yet')}>
      <p>{trans.__('A pipeline is one YAML file: tasks, and which task needs which.')}</p>
      <TextButton label={trans.__('New pipeline')} kind="primary" onClick={() => actions.create()} />
      <TextButton label={trans.__('Open the example')} onClick={() => actions.example()} />
      <TextButton label={trans.__('Import…')} onClick={() => actions.import()} />
    </Empty>
  );
}

function PipelineRow(props: ViewProps & { item: PipelineItem; isActive: boolean; now: number }): JSX.Element {
  const { item, model, actions, trans, now } = props;
  const state = item.last ? stateOf({ ...item.last, reason: '' }) : null;
  const when = item.last ? ago(item.last.created_at, now, trans) : '';
  const last =
    state && item.last ? trans.__('last job #%1 %2', item.last.index, stateWord(state, trans)) : '';
  const choose = (): void => {
    model.selection.select(item.id, 'one');
    model.changedNow();
  };
  return (
    <div
      role="row"
      aria-selected={model.selection.has(item.id)}
      aria-label={[item.name, item.problem ?? '', last, when].filter(Boolean).join(', ')}
      tabIndex={props.isActive ? 0 : -1}
      className="jp-ft-row jp-ft-pipeline"
      data-id={item.id}
      title={titleOf(item, trans)}
      onMouseDown={choose}
      onClick={() => actions.open(item)}
    >
      <div role="gridcell" className="jp-ft-row-cell">
        {item.problem ? (
          <span className="jp-ft-state" data-state="problem" aria-hidden>
            !
          </span>
        ) : state ? (
          <StateIcon state={state} trans={trans} isSilent />
        ) : (
          <span className="jp-ft-state" aria-hidden />
        )}
        <div className="jp-ft-row-text">
          <div className="jp-ft-row-first">
            <span className="jp-ft-name">{item.name}</span>
            <span className="jp-ft-dim">{placeOf(item)}</span>
          </div>
          <div className="jp-ft-row-second">
            {item.problem ? <span className="jp-ft-reason">{item.problem}</span> : null}
            {item.last ? (
              <span title={exact(item.last.created_at, trans)}>{`#${item.last.index} · ${when}`}</span>
            ) : null}
            {!item.last && !item.problem ? <span>{trans.__('no job yet')}</span> : null}
          </div>
        </div>
        {item.path !== null && !item.problem ? <RunButton {...props} /> : null}
      </div>
    </div>
  );
}

function RunButton(props: ViewProps & { item: PipelineItem; isActive: boolean }): JSX.Element {
  const label = props.trans.__('Run %1', props.item.name);
  return (
    <button
      type="button"
      className="jp-ft-icon-button"
      aria-label={label}
      title={label}
      tabIndex={props.isActive ? 0 : -1}
      onClick={event => {
        event.stopPropagation();
        props.actions.run(props.item);
      }}
    >
      <runIcon.react tag="span" width="14px" />
    </button>
  );
}

/** Where its file is, as far as its name does not tell. */
function placeOf(item: PipelineItem): string {
  const path = item.path ?? item.source ?? '';
  const file = `${item.name}.fasttrack.yaml`;
  return path.endsWith(`/${file}`) ? path.slice(0, -file.length - 1) : path === file ? '' : path;
}

function titleOf(item: PipelineItem, trans: TranslationBundle): string {
  const jobs = item.isKnown ? trans._n('%1 job', '%1 jobs', item.jobs) : '';
  const place = item.path === null ? trans.__('its file is not in this folder') : '';
  return [item.name, item.path ?? item.source ?? '', place, item.problem ?? '', jobs]
    .filter(Boolean)
    .join('\n');
}

/** Arrows move, Enter opens; what a button of the row does with its keys is its own affair. */
function onKey(event: React.KeyboardEvent<HTMLElement>, props: ViewProps): void {
  const { model, actions } = props;
  const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
  const isOnRow = (event.target as HTMLElement).getAttribute('role') === 'row';
  if (event.key in steps) {
    const id = model.selection.step(
      model.selection.active === null ? Math.max(0, steps[event.key]) : steps[event.key]
    );
    if (id !== null) {
      model.selection.select(id, 'one');
      model.changedNow();
      event.currentTarget.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)?.focus();
    }
  } else if (event.key === 'Enter' && isOnRow) {
    const item = model.active ?? model.items[0];
    actions.open(item);
  } else {
    return;
  }
  event.preventDefault();
  event.stopPropagation();
}
