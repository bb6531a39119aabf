/** A service's replicas: how many there are to be, how each is, and what it wrote. */
import * as React from 'react';

import { useAnswer, Waiting } from '../asking';
import { Reason, SaidLine, type Said } from '../parts';
import type { LogView, ReplicaView, ServiceView } from '../generated';
import { ICONS } from '../status';
import { sentence, troubleHere } from '../words';
import type { ServingContext } from './context';
import { placeOf, replicaState } from './states';

const EVERY = 2_000;
const TAIL = 65_536;
const MOST = 1_000;

interface ReplicasProps {
  service: ServiceView;
  context: ServingContext;
  onDone(words: string): void;
}

/** See the head of this file. */
export function Replicas({ service, context, onDone }: ReplicasProps): JSX.Element {
  const { trans } = context;
  const [chosen, setChosen] = React.useState<string | null>(null);
  const shown = service.replicas.some(each => each.id === chosen) ? chosen : null;
  return (
    <div className="ft-Cluster-inset">
      <Scale service={service} context={context} onDone={onDone} />
      <ul className="ft-Cluster-list" aria-label={trans.__('Replicas of %1', service.name)}>
        {service.replicas.map(replica => (
          <li key={replica.id}>
            <button
              type="button"
              className="ft-Cluster-open ft-Cluster-line"
              aria-pressed={replica.id === shown}
              title={trans.__('Show what this replica wrote')}
              onClick={() => setChosen(replica.id === shown ? null : replica.id)}
            >
              <span className="ft-Cluster-name">
                <span className={`ft-State ft-mod-${replicaState(replica)}`} aria-hidden="true">
                  {ICONS[replicaState(replica)]}
                </span>
                {replica.id}
              </span>
              <span className="ft-Profiles-place">{factsOf(replica, context).join(' · ')}</span>
            </button>
            {replica.reason && (
              <Reason text={replica.reason} isTrouble={replicaState(replica) === 'failure'} />
            )}
          </li>
        ))}
      </ul>
      {service.replicas.length > 0 && <Log service={service} replica={shown} context={context} />}
    </div>
  );
}

function factsOf(replica: ReplicaView, { trans }: ServingContext): string[] {
  return [
    replica.is_healthy ? trans.__('healthy') : trans.__('not healthy'),
    replica.status,
    trans.__('revision %1', replica.revision)
  ];
}

function Scale({ service, context, onDone }: ReplicasProps): JSX.Element {
  const { api, trans } = context;
  const [typed, setTyped] = React.useState(String(service.wanted));
  const [said, setSaid] = React.useState<Said | null>(null);
  React.useEffect(() => setTyped(String(service.wanted)), [service.wanted]);
  const replicas = /^\d+$/.test(typed) ? Number(typed) : NaN;
  const isNew = replicas <= MOST && replicas !== service.wanted;
  const scale = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    if (isNew) {
      await api.send('PATCH', placeOf(service), { replicas }).then(
        () =>
          onDone(trans._n('%2 is to have %1 replica.', '%2 is to have %1 replicas.', replicas, service.name)),
        (error: unknown) => setSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true })
      );
    }
  };
  return (
    <form className="ft-Cluster-field" onSubmit={event => void scale(event)}>
      <span>{trans.__('Replicas')}</span>
      <input
        type="number"
        min={0}
        max={MOST}
        aria-label={trans.__('Replicas of %1', service.name)}
        value={typed}
        onChange={event => setTyped(event.target.value)}
      />
      <button type="submit" className="ft-Button" disabled={!isNew}>
        {trans.__('Scale')}
      </button>
      <SaidLine said={said} />
    </form>
  );
}

function Log(props: { service: ServiceView; replica: string | null; context: ServingContext }): JSX.Element {
  const { service, replica, context } = props;
  const { api, trans } = context;
  const path = `${placeOf(service)}/logs`;
  const query = { after: -TAIL, limit: TAIL, replica: replica ?? undefined };
  const fresh = { ...context.fresh, every: EVERY };
  const asked = useAnswer(signal => api.get<LogView>(path, query, signal), `${path} ${replica}`, fresh);
  const end = React.useRef<HTMLPreElement>(null);
  React.useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight }); // returns a promise in new browsers
  }, [asked.value === null]);
  return (
    <>
      <p className="ft-Profiles-place">
        {replica === null ? trans.__('What the newest replica wrote') : trans.__('What %1 wrote', replica)}
      </p>
      <Waiting asked={asked} trans={trans} />
      {asked.value && (
        <pre ref={end} tabIndex={0} aria-label={trans.__('Log of %1', service.name)}>
          {asked.value.data || trans.__('It has written nothing yet.')}
        </pre>
      )}
    </>
  );
}
