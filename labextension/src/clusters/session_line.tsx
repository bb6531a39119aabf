/** One session of the user's: how it is, what it holds; its apps and its log are opened below it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { launchIcon, listIcon, stopIcon, terminalIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { word } from '../api';
import type { ClusterSession, JobStatus, Result, SessionLog } from '../generated';
import { SessionApps } from '../session_apps';
import { ICONS, isEnded, stateOf, stateWord, type State } from '../status';
import { ago, duration, exact, secondsBetween } from '../time';
import { CommandIDs } from '../tokens';
import { sentence, slotLabel, troubleHere } from '../words';
import { useAnswer, Waiting } from '../asking';
import type { ClusterContext } from './context';
import { nameParts } from './images_model';
import { IconButton, SaidLine } from '../parts';
import { isMeant } from '../questions';
import { amounts } from './words';

/** See the head of this file. */
export function SessionLine(props: {
  session: ClusterSession;
  context: ClusterContext;
  onEnded(): void;
}): JSX.Element {
  const { session, context } = props;
  const { api, place, trans, commands } = context;
  const [opened, setOpened] = React.useState<'log' | 'apps' | null>(null);
  const [trouble, setTrouble] = React.useState('');
  const title = sessionTitle(session);
  const state = sessionState(session);
  const isRunning = session.status === 'RUNNING';
  const toggle = (what: 'log' | 'apps'): void => setOpened(opened === what ? null : what);
  const end = async (): Promise<void> => {
    const body = trans.__('What it has not kept in a vfolder is lost.');
    if (await isMeant(trans.__('Terminate %1?', title), body, trans.__('Terminate'))) {
      const path = `${place}/sessions/${word(session.id)}`;
      await api
        .send('DELETE', path)
        .then(props.onEnded, (error: unknown) => setTrouble(sentence(troubleHere(error, trans))));
    }
  };
  return (
    <li>
      <SessionWords session={session} state={state} trans={trans} />
      <div className="ft-Cluster-acts">
        {session.task && (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open the job of %1', title)}
            onClick={() => void commands.execute(CommandIDs.openJob, { job: session.task?.job })}
          />
        )}
        {isRunning && (
          <IconButton
            icon={terminalIcon}
            label={trans.__('Terminal and apps of %1', title)}
            isOpen={opened === 'apps'}
            onClick={() => toggle('apps')}
          />
        )}
        <IconButton
          icon={listIcon}
          label={trans.__('Log of %1', title)}
          isOpen={opened === 'log'}
          onClick={() => toggle('log')}
        />
        {!isEnded(state) && (
          <IconButton icon={stopIcon} label={trans.__('Terminate %1', title)} onClick={() => void end()} />
        )}
      </div>
      {trouble && <SaidLine said={{ words: trouble, isTrouble: true }} />}
      {opened === 'apps' && isRunning && (
        <div className="ft-Cluster-inset">
          <SessionApps {...context} session={session.id} apps={session.apps} />
        </div>
      )}
      {opened === 'log' && <Log session={session} context={context} isGoing={!isEnded(state)} />}
    </li>
  );
}

function SessionWords(props: {
  session: ClusterSession;
  state: State;
  trans: TranslationBundle;
}): JSX.Element {
  const { session, state, trans } = props;
  const { name, task, created_at, ended_at } = session;
  const seconds = secondsBetween(created_at, ended_at, Date.now());
  const facts = [
    session.status,
    task && task.attempt > 1 && trans.__('attempt %1', task.attempt),
    created_at && ago(created_at, Date.now(), trans),
    seconds !== null && ended_at && trans.__('lasted %1', duration(seconds, trans)),
    amounts(session.resources, slot => slotLabel(slot, trans)),
    session.cluster_size > 1 && trans._n('%1 container', '%1 containers', session.cluster_size),
    session.group,
    nameParts(session.image).short
  ];
  return (
    <div className="ft-Cluster-line">
      <span className="ft-Cluster-name" title={name}>
        <span className={`ft-State ft-mod-${state}`} role="img" aria-label={stateWord(state, trans)}>
          {ICONS[state]}
        </span>
        {sessionTitle(session)}
      </span>
      <span
        className="ft-Profiles-place"
        title={[created_at && exact(created_at, trans), session.image, session.id].filter(Boolean).join('\n')}
      >
        {facts.filter(Boolean).join(' · ')}
      </span>
    </div>
  );
}

/** A session's state, as a task instance's: statuses are the same words. */
export function sessionState({ status, result }: Pick<ClusterSession, 'status' | 'result'>): State {
  return stateOf({ status: status as JobStatus, result: result as Result, reason: '' });
}

/** What it is called: the task that it is an attempt of, where this home has its job; else its name. */
export function sessionTitle({ name, task }: Pick<ClusterSession, 'name' | 'task'>): string {
  return task ? `${task.pipeline} #${task.index} / ${task.path}` : name;
}

const EVERY = 3_000;
// Colours and movements of the cursor, of which a container's log is full.
// eslint-disable-next-line no-control-regex
const ESCAPES = /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])|\r(?=\n)/g;

function Log(props: { session: ClusterSession; context: ClusterContext; isGoing: boolean }): JSX.Element {
  const { session, context } = props;
  const { api, trans } = context;
  const path = `${context.place}/sessions/${word(session.id)}/log`;
  const fresh = { ...context.fresh, every: props.isGoing ? EVERY : undefined };
  const asked = useAnswer(signal => api.get<SessionLog>(path, {}, signal), path, fresh);
  const end = React.useRef<HTMLPreElement>(null);
  React.useEffect(() => {
    end.current?.scrollTo({ top: end.current.scrollHeight }); // returns a promise in new browsers
  }, [asked.value === null]);
  const text = asked.value?.text.replace(ESCAPES, '');
  return (
    <div className="ft-Cluster-inset">
      <Waiting asked={asked} trans={trans} />
      {text !== undefined && (
        <pre ref={end} tabIndex={0} aria-label={trans.__('Log of %1', sessionTitle(session))}>
          {text || trans.__('It has written nothing yet.')}
        </pre>
      )}
    </div>
  );
}
