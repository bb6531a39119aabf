/** Vfolders that others offer: accepted, or turned down. Nothing is shown where there is none. */
import * as React from 'react';

import { word } from '../api';
import type { FolderInvitation } from '../generated';
import { sentence, troubleHere } from '../words';
import { useAnswer } from '../asking';
import type { ClusterContext } from './context';
import { SaidLine } from '../parts';
import { permissionWords } from './words';

/** See the head of this file. */
export function Invitations(props: {
  context: ClusterContext;
  onAnswered(words: string): void;
}): JSX.Element | null {
  const { api, place, trans, fresh } = props.context;
  const [trouble, setTrouble] = React.useState('');
  const [busy, setBusy] = React.useState('');
  const asked = useAnswer(signal => api.get<FolderInvitation[]>(`${place}/invitations`, {}, signal), place, {
    ...fresh,
    every: EVERY
  });
  if (!asked.value?.length && !trouble) {
    return null;
  }
  const answer = async ({ id, folder }: FolderInvitation, accept: boolean): Promise<void> => {
    setBusy(id);
    try {
      await api.send('POST', `${place}/invitations/${word(id)}`, { accept });
      setTrouble('');
      props.onAnswered(
        accept ? trans.__('%1 is yours to use.', folder) : trans.__('%1 is turned down.', folder)
      );
    } catch (error) {
      setTrouble(sentence(troubleHere(error, trans)));
    }
    setBusy('');
    asked.again();
  };
  return (
    <section className="ft-Cluster-offers" aria-label={trans.__('Vfolders that others offer you')}>
      <ul className="ft-Cluster-list">
        {asked.value?.map(each => (
          <li key={each.id}>
            <div className="ft-Cluster-line">
              <span className="ft-Cluster-name">
                {trans.__('%1 offers you %2', each.inviter, each.folder)}
              </span>
              <span className="ft-Profiles-place">
                {trans.__('You %1.', permissionWords(each.permission, trans))}
              </span>
            </div>
            <div className="ft-Cluster-buttons">
              {[true, false].map(accept => (
                <button
                  key={String(accept)}
                  type="button"
                  className={accept ? 'ft-Button ft-mod-main' : 'ft-Button'}
                  disabled={busy === each.id}
                  aria-label={
                    accept ? trans.__('Accept %1', each.folder) : trans.__('Turn %1 down', each.folder)
                  }
                  onClick={() => void answer(each, accept)}
                >
                  {accept ? trans.__('Accept') : trans.__('Turn down')}
                </button>
              ))}
            </div>
          </li>
        ))}
      </ul>
      <SaidLine said={trouble ? { words: trouble, isTrouble: true } : null} />
    </section>
  );
}

const EVERY = 60_000;
