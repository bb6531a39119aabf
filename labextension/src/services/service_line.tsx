/** One service: how it is and what it serves; how to call it, its replicas and its log are opened below it. */
import { codeIcon, deleteIcon, launchIcon, listIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { IconButton, Name, Reason, SaidLine, type Said } from '../parts';
import { isMeant } from '../questions';
import type { ServiceView } from '../generated';
import { ICONS } from '../status';
import { ago, exact } from '../time';
import { CommandIDs } from '../tokens';
import { sentence, troubleHere } from '../words';
import type { ServingContext } from './context';
import { ServiceCall } from './service_call';
import { Replicas } from './service_replicas';
import { placeOf, serviceState, serviceWord } from './states';

/** See the head of this file. */
export function ServiceLine(props: {
  service: ServiceView;
  context: ServingContext;
  onDone(words: string): void;
}): JSX.Element {
  const { service, context } = props;
  const { api, trans, commands } = context;
  const [opened, setOpened] = React.useState<'call' | 'replicas' | null>(null);
  const [said, setSaid] = React.useState<Said | null>(null);
  const toggle = (what: 'call' | 'replicas'): void => setOpened(opened === what ? null : what);
  const remove = async (): Promise<void> => {
    const body = trans.__('Its endpoint answers no more. The model and its versions stay.');
    if (await isMeant(trans.__('Remove the service %1?', service.name), body, trans.__('Remove'))) {
      await api.send('DELETE', placeOf(service)).then(
        () => props.onDone(trans.__('%1 is being removed.', service.name)),
        (error: unknown) => setSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true })
      );
    }
  };
  const { job } = service;
  return (
    <li>
      <ServiceWords service={service} context={context} />
      <div className="ft-Cluster-acts">
        {job && (
          <IconButton
            icon={launchIcon}
            label={trans.__('Open the job that made %1', service.name)}
            onClick={() => void commands.execute(CommandIDs.openJob, { job })}
          />
        )}
        <IconButton
          icon={codeIcon}
          label={trans.__('How to call %1', service.name)}
          isOpen={opened === 'call'}
          isDisabled={service.endpoint === null}
          onClick={() => toggle('call')}
        />
        <IconButton
          icon={listIcon}
          label={trans.__('Replicas and log of %1', service.name)}
          isOpen={opened === 'replicas'}
          onClick={() => toggle('replicas')}
        />
        <IconButton
          icon={deleteIcon}
          label={trans.__('Remove the service %1', service.name)}
          onClick={() => void remove()}
        />
      </div>
      {service.reason && <Reason text={service.reason} isTrouble={serviceState(service) === 'failure'} />}
      <SaidLine said={said} />
      {opened === 'call' && <ServiceCall service={service} context={context} />}
      {opened === 'replicas' && <Replicas service={service} context={context} onDone={props.onDone} />}
    </li>
  );
}

function ServiceWords({ service, context }: { service: ServiceView; context: ServingContext }): JSX.Element {
  const { trans } = context;
  const state = serviceState(service);
  const facts = [
    serviceWord(service.status, trans),
    trans._n('%2 of %1 replica', '%2 of %1 replicas', service.wanted, service.healthy),
    service.model,
    trans.__('revision %1', service.revision),
    service.backend,
    ago(service.updated_at, Date.now(), trans)
  ];
  return (
    <div className="ft-Cluster-line">
      <Name
        title={service.name}
        badges={
          <>
            {service.is_public && <span className="ft-Badge">{trans.__('public')}</span>}
            {service.is_ephemeral && <span className="ft-Badge">{trans.__('ends with its job')}</span>}
          </>
        }
      >
        <span className={`ft-State ft-mod-${state}`} aria-hidden="true">
          {ICONS[state]}
        </span>
        {service.name}
      </Name>
      <span
        className="ft-Profiles-place"
        title={[exact(service.updated_at, trans), service.image].filter(Boolean).join('\n')}
      >
        {facts.join(' · ')}
      </span>
    </div>
  );
}
