/** How a service is called: its address, a line for a terminal, and a token where it asks for one. */
import { Clipboard } from '@jupyterlab/apputils';
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { IconButton, SaidLine, type Said } from '../parts';
import type { ServiceToken, ServiceView } from '../generated';
import { sentence, troubleHere } from '../words';
import type { ServingContext } from './context';
import { curlOf, placeOf } from './states';

const HOUR = 3_600;

/** See the head of this file. */
export function ServiceCall({
  service,
  context
}: {
  service: ServiceView;
  context: ServingContext;
}): JSX.Element {
  const { api, trans } = context;
  const [said, setSaid] = React.useState<Said | null>(null);
  const copy = async (what: string | Promise<string>, words: string): Promise<void> => {
    try {
      Clipboard.copyToSystem(await what);
      setSaid({ words });
    } catch (error) {
      setSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true });
    }
  };
  const token = async (): Promise<string> =>
    (await api.send<ServiceToken>('POST', `${placeOf(service)}/token`, { seconds: HOUR })).token;
  const endpoint = service.endpoint ?? '';
  const line = curlOf(service);
  return (
    <div className="ft-Cluster-inset">
      <div className="ft-Serving-copied">
        <a href={endpoint} target="_blank" rel="noreferrer">
          {endpoint}
        </a>
        <IconButton
          icon={copyIcon}
          label={trans.__('Copy the address of %1', service.name)}
          onClick={() => void copy(endpoint, trans.__('The address is copied.'))}
        />
      </div>
      <div className="ft-Serving-copied">
        <code>{line}</code>
        <IconButton
          icon={copyIcon}
          label={trans.__('Copy the line for a terminal')}
          onClick={() => void copy(line, trans.__('The line is copied.'))}
        />
      </div>
      {!service.is_public && (
        <div className="ft-Cluster-row">
          <button
            type="button"
            className="ft-Button"
            onClick={() => void copy(token(), trans.__('A token is copied; it is good for an hour.'))}
          >
            {trans.__('Copy a token')}
          </button>
          <span className="ft-Profiles-place">{trans.__('Without one, this service answers nobody.')}</span>
        </div>
      )}
      <SaidLine said={said} />
    </div>
  );
}
