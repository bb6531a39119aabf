/** The user's live sessions on a cluster: what each wrote, and its end. */
import { Dialog, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { word } from '../api';
import type { ClusterSession, SessionLog, SessionsPage } from '../generated';
import { useAnswer, Waiting } from './asking';
import type { ClusterContext } from './cluster_view';
import { sentence, troubleOf } from '../words';
import { amount } from './words';

/** See the head of this file. */
export function SessionsView({ context }: { context: ClusterContext }): JSX.Element {
  const { api, place, trans } = context;
  const asked = useAnswer(() => api.get<SessionsPage>(`${place}/sessions`, { live: true }), place);
  const [said, setSaid] = React.useState({ id: '', words: '' });
  if (!asked.value) {
    return <Waiting asked={asked} trans={trans} />;
  }
  const act = async (id: string, work: () => Promise<string>): Promise<void> => {
    const words = await work().catch((error: unknown) => sentence(troubleOf(error)));
    setSaid({ id, words });
  };
  const { sessions, total } = asked.value;
  return (
    <>
      {sessions.length === 0 && <p>{trans.__('No session of yours runs here.')}</p>}
      <ul className="ft-Cluster-list">
        {sessions.map(session => (
          <li key={session.id}>
            <SessionLine
              session={session}
              trans={trans}
              onLog={() =>
                void act(session.id, async () => {
                  const path = `${place}/sessions/${word(session.id)}/log`;
                  return (await api.get<SessionLog>(path)).text || trans.__('It has written nothing yet.');
                })
              }
              onEnd={() =>
                void act(session.id, async () => {
                  if (!(await isMeant(session.name, trans))) {
                    return '';
                  }
                  await api.send('DELETE', `${place}/sessions/${word(session.id)}`);
                  asked.again();
                  return trans.__('It is being ended.');
                })
              }
            />
            {said.id === session.id && said.words && (
              <pre role="status" tabIndex={0} aria-label={trans.__('Log of %1', session.name)}>
                {said.words}
              </pre>
            )}
          </li>
        ))}
      </ul>
      {total > sessions.length && <p>{trans.__('%1 more are not shown', total - sessions.length)}</p>}
    </>
  );
}

async function isMeant(name: string, trans: TranslationBundle): Promise<boolean> {
  const answer = await showDialog({
    title: trans.__('Terminate %1?', name),
    body: trans.__('What it has not kept in a vfolder is lost.'),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Terminate') })]
  });
  return answer.button.accept;
}

function SessionLine(props: {
  session: ClusterSession;
  trans: TranslationBundle;
  onLog(): void;
  onEnd(): void;
}): JSX.Element {
  const { session, trans } = props;
  const held = Object.entries(session.resources).map(([slot, each]) => `${slot} ${amount(slot, each)}`);
  return (
    <>
      <b>{session.name}</b>
      <span className="ft-Profiles-place">{[session.status, session.group, ...held].join(' · ')}</span>
      <div className="ft-Profiles-buttons">
        <button
          type="button"
          className="ft-Button"
          aria-label={trans.__('Log of %1', session.name)}
          onClick={props.onLog}
        >
          {trans.__('Log')}
        </button>
        <button
          type="button"
          className="ft-Button"
          aria-label={trans.__('Terminate %1', session.name)}
          onClick={props.onEnd}
        >
          {trans.__('Terminate')}
        </button>
      </div>
    </>
  );
}
