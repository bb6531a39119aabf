/** How much one may keep in vfolders, and keeps; asked when it is opened, as a cluster takes a while to count. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ClusterQuota } from '../generated';
import { bytes } from '../words';
import { useAnswer, Waiting } from '../asking';
import type { ClusterContext } from './context';
import { Bar } from '../parts';

/** See the head of this file. */
export function Quotas({ context }: { context: ClusterContext }): JSX.Element {
  const [isOpen, setOpen] = React.useState(false);
  return (
    <details className="ft-Cluster-quotas" onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{context.trans.__('Space and quotas')}</summary>
      {isOpen && <Told context={context} />}
    </details>
  );
}

function Told({ context }: { context: ClusterContext }): JSX.Element | null {
  const { api, place, trans, fresh } = context;
  const asked = useAnswer(signal => api.get<ClusterQuota[]>(`${place}/quotas`, {}, signal), place, fresh);
  if (!asked.value) {
    return <Waiting asked={asked} trans={trans} />;
  }
  const hosts = [...new Set(asked.value.map(each => each.host))];
  return (
    <>
      {hosts.length === 0 && <p>{trans.__('You may have vfolders nowhere: ask an administrator.')}</p>}
      {hosts.map(host => (
        <Host
          key={host}
          host={host}
          quotas={asked.value?.filter(each => each.host === host) ?? []}
          trans={trans}
        />
      ))}
    </>
  );
}

function Host(props: {
  host: string;
  quotas: readonly ClusterQuota[];
  trans: TranslationBundle;
}): JSX.Element {
  const { host, quotas, trans } = props;
  const full = quotas[0]?.host_full ?? null;
  return (
    <section className="ft-Cluster-group" aria-label={trans.__('Storage host %1', host)}>
      <h4>{host}</h4>
      {full !== null && (
        <div className="ft-Cluster-slot">
          <span>{trans.__('The whole host')}</span>
          <span>{trans.__('%1 % full', Math.round(full))}</span>
          <Bar label={trans.__('How full %1 is', host)} value={full} most={100} />
        </div>
      )}
      {quotas.map(({ scope, used, limit }) => (
        <div key={scope} className="ft-Cluster-slot">
          <span>{scope === OWN ? trans.__('Yours') : trans.__('Project %1', scope)}</span>
          <span>{usedWords(used, limit, trans)}</span>
          {used !== null && limit !== null && (
            <Bar label={trans.__('Used of the quota of %1', scope)} value={used} most={limit} />
          )}
        </div>
      ))}
    </section>
  );
}

/** The scope that is the user's own. */
const OWN = 'you';

/** What is used, of what may be; a host that does not count says nothing, which is not nothing. */
export function usedWords(used: number | null, limit: number | null, trans: TranslationBundle): string {
  if (used === null) {
    return limit === null ? trans.__('not counted here') : trans.__('at most %1', bytes(limit));
  }
  return limit === null
    ? trans.__('%1, no limit', bytes(used))
    : trans.__('%1 of %2', bytes(used), bytes(limit));
}
