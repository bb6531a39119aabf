/** The registered models of all backends; each opens to its versions. */
import * as React from 'react';

import { useAnswer, Waiting } from '../asking';
import { Name, Nothing, Search } from '../parts';
import type { ModelsView as Answer, ModelSummary } from '../generated';
import { ago, exact } from '../time';
import type { ServingContext } from './context';
import { metricsLine } from './model_words';
import { Versions } from './model_versions';

/** From so many models on they are searched. */
const MANY = 8;

/** See the head of this file. */
export function ModelsView({ context }: { context: ServingContext }): JSX.Element {
  const { api, trans } = context;
  const asked = useAnswer(signal => api.get<Answer>('models', {}, signal), 'models', context.fresh);
  const [typed, setTyped] = React.useState('');
  const { models = [], silent = {} } = asked.value ?? {};
  const shown = models.filter(each => each.name.toLowerCase().includes(typed.trim().toLowerCase()));
  return (
    <>
      {models.length >= MANY && (
        <div className="ft-Cluster-bar">
          <Search label={trans.__('Search models by name')} value={typed} onChange={setTyped} />
        </div>
      )}
      <Waiting asked={asked} trans={trans} />
      {Object.entries(silent).map(([backend, why]) => (
        <p key={backend} className="ft-Login-problem">
          {trans.__('%1 does not tell: %2', backend, why)}
        </p>
      ))}
      {asked.value && models.length === 0 && (
        <Nothing title={trans.__('No model is registered.')}>
          {trans.__('An output of type Model is, when its task succeeds, if it says “register: name”.')}
        </Nothing>
      )}
      {models.length > 0 && shown.length === 0 && (
        <Nothing title={trans.__('No model has that in its name.')} />
      )}
      <ul className="ft-Cluster-list" aria-label={trans.__('Models')}>
        {shown.map(model => (
          <ModelLine
            key={`${model.backend} ${model.name}`}
            model={model}
            context={context}
            onChanged={asked.again}
          />
        ))}
      </ul>
    </>
  );
}

function ModelLine(props: { model: ModelSummary; context: ServingContext; onChanged(): void }): JSX.Element {
  const { model, context } = props;
  const { trans } = context;
  const [isOpen, setOpen] = React.useState(false);
  const { latest } = model;
  const facts = [
    trans._n('%1 version', '%1 versions', model.versions),
    metricsLine(latest.metrics ?? {}),
    model.backend,
    ago(latest.created_at, Date.now(), trans)
  ];
  return (
    <li>
      <button
        type="button"
        className="ft-Cluster-open ft-Cluster-line"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <Name
          title={model.name}
          badges={Object.entries(model.aliases ?? {}).map(([alias, version]) => (
            <span key={alias} className="ft-Badge">
              {trans.__('%1: version %2', alias, version)}
            </span>
          ))}
        >
          <span aria-hidden="true">{isOpen ? '▾ ' : '▸ '}</span>
          {model.name}
        </Name>
        <span className="ft-Profiles-place" title={exact(latest.created_at, trans)}>
          {facts.filter(Boolean).join(' · ')}
        </span>
      </button>
      {isOpen && <Versions of={model} context={context} onChanged={props.onChanged} />}
    </li>
  );
}
