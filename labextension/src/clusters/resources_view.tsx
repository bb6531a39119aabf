/** What a cluster has free, group by group, and what its user may have. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ClusterGroup, ClusterLimits, ClusterView } from '../generated';
import { useAnswer, Waiting } from './asking';
import type { ClusterContext } from './cluster_view';
import { numberOf } from '../words';
import { amount } from './words';

/** See the head of this file. */
export function ResourcesView({ context }: { context: ClusterContext }): JSX.Element {
  const { api, place, trans } = context;
  const asked = useAnswer(() => api.get<ClusterView>(place), place);
  if (!asked.value) {
    return <Waiting asked={asked} trans={trans} />;
  }
  const { release, user, project, groups, limits } = asked.value;
  return (
    <>
      <p className="ft-Profiles-place">
        {trans.__('Backend.AI %1 · %2 · project %3', release, user, project)}
      </p>
      {groups.map(group => (
        <Group key={group.name} group={group} trans={trans} />
      ))}
      <Limits limits={limits} trans={trans} />
    </>
  );
}

function Group({ group, trans }: { group: ClusterGroup; trans: TranslationBundle }): JSX.Element {
  const slots = Object.keys(group.total ?? group.free);
  return (
    <section aria-label={trans.__('Resource group %1', group.name)}>
      <h4>{group.name}</h4>
      {!group.is_active && <p>{trans.__('It takes no sessions now.')}</p>}
      {slots.map(slot => (
        <Slot key={slot} slot={slot} group={group} trans={trans} />
      ))}
    </section>
  );
}

function Slot(props: { slot: string; group: ClusterGroup; trans: TranslationBundle }): JSX.Element {
  const { slot, group, trans } = props;
  const [free, total] = [amount(slot, group.free[slot]), group.total && amount(slot, group.total[slot])];
  const words = total === null ? trans.__('%1 free', free) : trans.__('%1 free of %2', free, total);
  const held = numberOf((group.used ?? group.mine)[slot]) ?? 0; // of what others hold, not every user is told
  const all = group.total ? (numberOf(group.total[slot]) ?? 0) : held + (numberOf(group.free[slot]) ?? 0);
  return (
    <div className="ft-Cluster-slot">
      <span>{slot}</span>
      <span>{words}</span>
      {all > 0 && <meter min={0} max={all} value={held} aria-label={trans.__('%1 in use', slot)} />}
    </div>
  );
}

function Limits({ limits, trans }: { limits: ClusterLimits; trans: TranslationBundle }): JSX.Element {
  const most = limits.max_sessions;
  return (
    <section aria-label={trans.__('My limits')}>
      <h4>{trans.__('My limits')}</h4>
      <div className="ft-Cluster-slot">
        <span>{trans.__('Sessions')}</span>
        <span>{most === null ? String(limits.sessions) : trans.__('%1 of %2', limits.sessions, most)}</span>
      </div>
      {Object.keys(limits.slots).map(slot => (
        <div key={slot} className="ft-Cluster-slot">
          <span>{slot}</span>
          <span>
            {trans.__('%1 of %2', amount(slot, limits.used[slot]), amount(slot, limits.slots[slot]))}
          </span>
        </div>
      ))}
    </section>
  );
}
