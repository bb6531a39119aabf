/** What a cluster has free, group by group, its presets, and what its user may have; of each project he is in. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ClusterGroup, ClusterLimits, ClusterPreset, ClusterSlot, ClusterView } from '../generated';
import { duration } from '../time';
import { bytes, numberOf, slotLabel } from '../words';
import { useAnswer, Waiting } from '../asking';
import type { ClusterContext } from './context';
import { Bar, Name, Nothing } from '../parts';
import { amount, amounts, slotsOf } from './words';

const EVERY = 30_000;

/** See the head of this file. */
export function ResourcesView({ context }: { context: ClusterContext }): JSX.Element {
  const { api, place, trans, fresh } = context;
  const [project, setProject] = React.useState<string | undefined>();
  const asked = useAnswer(
    signal => api.get<ClusterView>(place, { project, fresh: fresh.round > 0 || undefined }, signal),
    `${place} ${project ?? ''}`,
    { ...fresh, every: EVERY }
  );
  const known = React.useRef<ClusterView | null>(null);
  known.current = asked.value ?? known.current;
  const view = known.current;
  if (!view) {
    return <Waiting asked={asked} trans={trans} />;
  }
  return (
    <>
      <Head view={view} trans={trans} onProject={setProject} />
      <Waiting asked={asked} trans={trans} />
      {asked.value && <Offered view={asked.value} trans={trans} />}
    </>
  );
}

function Head(props: {
  view: ClusterView;
  trans: TranslationBundle;
  onProject(name: string): void;
}): JSX.Element {
  const { view, trans } = props;
  const { release, user, domain, project, projects } = view;
  return (
    <div className="ft-Cluster-head">
      <p className="ft-Profiles-place" title={view.endpoint}>
        {trans.__('Backend.AI %1 · %2 · domain %3', release, user, domain)}
      </p>
      <label className="ft-Cluster-field">
        <span>{trans.__('Project')}</span>
        {projects.length > 1 ? (
          <select value={project} onChange={event => props.onProject(event.target.value)}>
            {projects.map(({ name, is_active }) => (
              <option key={name} value={name}>
                {is_active ? name : trans.__('%1 (not active)', name)}
              </option>
            ))}
          </select>
        ) : (
          <b>{project}</b>
        )}
      </label>
    </div>
  );
}

function Offered({ view, trans }: { view: ClusterView; trans: TranslationBundle }): JSX.Element {
  const { groups, presets, limits, slots } = view;
  return (
    <div className="ft-Cluster-columns">
      {groups.length === 0 && (
        <Nothing title={trans.__('No resource group may be used in this project.')}>
          {trans.__('Ask an administrator for one, or choose another project.')}
        </Nothing>
      )}
      {groups.map(group => (
        <Group key={group.name} group={group} kinds={slots} trans={trans} />
      ))}
      <Limits limits={limits} trans={trans} />
      {presets.length > 0 && <Presets presets={presets} trans={trans} />}
    </div>
  );
}

function Group(props: {
  group: ClusterGroup;
  kinds: readonly ClusterSlot[];
  trans: TranslationBundle;
}): JSX.Element {
  const { group, kinds, trans } = props;
  const nodes = group.nodes === null ? '' : trans._n('%1 node', '%1 nodes', group.nodes);
  const largest = group.largest && amounts(group.largest, slot => slotLabel(slot, trans));
  return (
    <section className="ft-Cluster-group" aria-label={trans.__('Resource group %1', group.name)}>
      <h4>{group.name}</h4>
      {!group.is_active && <p>{trans.__('It takes no sessions now.')}</p>}
      {slotsOf(group).map(slot => (
        <Slot
          key={slot}
          slot={slot}
          group={group}
          kind={kinds.find(each => each.name === slot)}
          trans={trans}
        />
      ))}
      <p className="ft-Profiles-place">
        {[nodes, largest && trans.__('in one node at most %1', largest)].filter(Boolean).join(' · ')}
      </p>
    </section>
  );
}

function Slot(props: {
  slot: string;
  group: ClusterGroup;
  kind?: ClusterSlot;
  trans: TranslationBundle;
}): JSX.Element {
  const { slot, group, kind, trans } = props;
  const free = amount(slot, group.free[slot]);
  const words = group.total
    ? trans.__('%1 free of %2', free, amount(slot, group.total[slot]))
    : trans.__('%1 free', free);
  const mine = numberOf(group.mine[slot]) ? trans.__('%1 yours', amount(slot, group.mine[slot])) : '';
  const held = numberOf((group.used ?? group.mine)[slot]) ?? 0; // of what others hold, not every user is told
  const all = group.total ? (numberOf(group.total[slot]) ?? 0) : held + (numberOf(group.free[slot]) ?? 0);
  const label = slotLabel(slot, trans);
  return (
    <div className="ft-Cluster-slot">
      <span title={[slot, kind?.title, kind?.unit].filter(Boolean).join(' · ')}>{label}</span>
      <span>{[mine, words].filter(Boolean).join(' · ')}</span>
      {all > 0 && <Bar label={trans.__('%1 in use', label)} value={held} most={all} />}
    </div>
  );
}

function Limits({ limits, trans }: { limits: ClusterLimits; trans: TranslationBundle }): JSX.Element {
  const bounds = { ...limits.domain, ...limits.slots };
  const sessions =
    limits.max_sessions === null
      ? trans.__('%1 live', limits.sessions)
      : trans.__('%1 of %2', limits.sessions, limits.max_sessions);
  const facts: [string, string | null][] = [
    [trans.__('Sessions'), sessions],
    [trans.__('Sessions that wait, at most'), numbered(limits.max_pending_sessions)],
    [trans.__('Containers in a session, at most'), numbered(limits.max_containers)],
    [trans.__('A session lasts at most'), limits.max_lifetime && duration(limits.max_lifetime, trans)],
    [trans.__('An idle one ends after'), limits.idle_timeout && duration(limits.idle_timeout, trans)],
    [trans.__('Vfolders, at most'), numbered(limits.max_folders)]
  ].map(([name, value]) => [String(name), value ? String(value) : null]);
  return (
    <section className="ft-Cluster-group" aria-label={trans.__('My limits')}>
      <h4>{trans.__('My limits')}</h4>
      {Object.keys(bounds).map(slot => (
        <div key={slot} className="ft-Cluster-slot">
          <span title={slot}>{slotLabel(slot, trans)}</span>
          <span>{trans.__('%1 of %2', amount(slot, limits.used[slot]), amount(slot, bounds[slot]))}</span>
          <Bar
            label={trans.__('%1 that you use', slotLabel(slot, trans))}
            value={numberOf(limits.used[slot]) ?? 0}
            most={numberOf(bounds[slot]) ?? 0}
          />
        </div>
      ))}
      {facts.map(
        ([name, value]) =>
          value !== null && (
            <div key={name} className="ft-Cluster-slot">
              <span>{name}</span>
              <span>{value}</span>
            </div>
          )
      )}
      <p className="ft-Profiles-place">{trans.__('By the resource policy “%1”.', limits.policy)}</p>
    </section>
  );
}

function numbered(count: number | null): string | null {
  return count === null ? null : String(count);
}

function Presets(props: { presets: readonly ClusterPreset[]; trans: TranslationBundle }): JSX.Element {
  const { presets, trans } = props;
  return (
    <section className="ft-Cluster-group" aria-label={trans.__('Presets')}>
      <h4>{trans.__('Presets')}</h4>
      <ul className="ft-Cluster-list">
        {presets.map(({ name, resources, shmem, is_free }) => (
          <li key={name}>
            <div className="ft-Cluster-line">
              <Name badges={!is_free && <span className="ft-Badge">{trans.__('not free now')}</span>}>
                {name}
              </Name>
              <span className="ft-Profiles-place">
                {[
                  amounts(resources, slot => slotLabel(slot, trans)),
                  shmem && trans.__('%1 of shared memory', bytes(numberOf(shmem) ?? 0))
                ]
                  .filter(Boolean)
                  .join(' · ')}
              </span>
            </div>
          </li>
        ))}
      </ul>
    </section>
  );
}
