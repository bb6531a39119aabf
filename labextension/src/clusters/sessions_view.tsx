/** The user's sessions on a cluster, whoever started them: apps of those that run, what each wrote, and its end. */
import * as React from 'react';

import type { ClusterSession, SessionsPage } from '../generated';
import { useAnswer, Waiting } from '../asking';
import type { ClusterContext } from './context';
import { Chips, More, Nothing, Search, useRested } from '../parts';
import { SessionLine, sessionTitle } from './session_line';

const EVERY = 5_000;
const PAGE = 25;

type Which = 'live' | 'all';

/** See the head of this file. */
export function SessionsView({ context }: { context: ClusterContext }): JSX.Element {
  const { api, place, trans } = context;
  const [which, setWhich] = React.useState<Which>('live');
  const [typed, setTyped] = React.useState('');
  const [limit, setLimit] = React.useState(PAGE);
  const text = useRested(typed.trim());
  const asked = useAnswer(
    signal => api.get<SessionsPage>(`${place}/sessions`, { live: which === 'live', text, limit }, signal),
    `${place} ${which} ${text}`,
    { ...context.fresh, every: EVERY }
  );
  const [said, setSaid] = React.useState('');
  React.useEffect(() => asked.again(), [limit]);
  const known = React.useRef<readonly ClusterSession[]>([]);
  known.current = asked.value?.sessions ?? known.current;
  const sessions = known.current; // stay until there are others: what is opened below them stays open
  return (
    <>
      <div className="ft-Cluster-bar">
        <Search label={trans.__('Search sessions by name')} value={typed} onChange={setTyped} />
        <Chips<Which>
          label={trans.__('Which sessions')}
          options={[
            { value: 'live', label: trans.__('Live') },
            { value: 'all', label: trans.__('Ended as well') }
          ]}
          value={which}
          onChange={setWhich}
        />
      </div>
      <p role="status" className="ft-Cluster-said">
        {said}
      </p>
      <Waiting asked={asked} trans={trans} />
      {asked.value && sessions.length === 0 && (
        <Nothing
          title={
            text ? trans.__('No session has that in its name.') : trans.__('No session of yours runs here.')
          }
        >
          {which === 'live' && trans.__('“Ended as well” shows those that ran lately.')}
        </Nothing>
      )}
      <ul className="ft-Cluster-list" aria-label={trans.__('Sessions')}>
        {sessions.map(session => (
          <SessionLine
            key={session.id}
            session={session}
            context={context}
            onEnded={() => {
              setSaid(trans.__('%1 is being ended.', sessionTitle(session)));
              asked.again();
            }}
          />
        ))}
      </ul>
      <More
        left={(asked.value?.total ?? 0) - sessions.length}
        trans={trans}
        onClick={() => setLimit(limit + PAGE)}
      />
    </>
  );
}
