/** The terminal and the other apps of a task instance that runs on a cluster, as its session has them. */
import * as React from 'react';

import { word, type Api } from '../api';
import type { AttemptView, ClusterSession, SessionsPage, TaskInstanceView } from '../generated';
import { SessionApps } from '../session_apps';
import { sentence, troubleHere } from '../words';
import type { PanelContext } from './task_panel';

/** What the backends of clusters are called, each with its profile behind a colon. */
const CLUSTER = 'backend.ai';

/** Whether a task instance has a session on a cluster that runs now. */
export function hasApps(instance: Pick<TaskInstanceView, 'backend' | 'status'> | undefined): boolean {
  return instance?.status === 'RUNNING' && instance.backend.split(':')[0] === CLUSTER;
}

/** See the head of this file; the session is looked for when somebody wants it. */
export function TaskApps(props: {
  context: Pick<PanelContext, 'api' | 'trans'>;
  backend: string;
  attempt: Pick<AttemptView, 'id'>;
}): JSX.Element {
  const { backend, attempt } = props;
  const { api, trans } = props.context;
  const [session, setSession] = React.useState<ClusterSession | null>(null);
  const [said, setSaid] = React.useState('');
  const look = async (): Promise<void> => {
    setSaid(trans.__('Asking the cluster…'));
    try {
      const found = await sessionOf(api, backend, attempt.id);
      setSession(found);
      setSaid(found ? '' : trans.__('The cluster has no live session of this attempt.'));
    } catch (error) {
      setSaid(sentence(troubleHere(error, trans)));
    }
  };
  return (
    <section className="ft-TaskApps" aria-label={trans.__('Apps of the session')}>
      {session ? (
        <SessionApps api={api} trans={trans} backend={backend} session={session.id} apps={session.apps} />
      ) : (
        <button type="button" className="ft-Button" onClick={() => void look()}>
          {trans.__('Open terminal or apps…')}
        </button>
      )}
      <span role="status">{said}</span>
    </section>
  );
}

/** The live session that is an attempt; null where there is none. */
export async function sessionOf(
  api: Pick<Api, 'get'>,
  backend: string,
  attempt: string
): Promise<ClusterSession | null> {
  const query = { live: true, text: attempt, limit: 10 };
  const page = await api.get<SessionsPage>(`clusters/${word(backend)}/sessions`, query);
  return page.sessions.find(each => each.attempt === attempt) ?? null;
}
