/**
 * Tasks in words: what the outline shows, and what a screen reader says on the canvas.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import { stateWord } from '../status';
import type { Marker } from './canvas-types';
import type { GraphTask, NodeState, Rules } from './graph';

/** What is known of a task besides itself. */
export interface TaskFacts {
  state: NodeState | null;
  marker: Marker | null;
  /** Names of those that need it. */
  neededBy: readonly string[];
}

const MANY = 6;

/** "train, running 2 minutes, depends on prepare, needed by evaluate, 1 problem". */
export function taskWords(task: GraphTask, facts: TaskFacts, now: number, trans: TranslationBundle): string {
  const { state, marker, neededBy } = facts;
  const parts = [
    task.name,
    state === null ? '' : stateWords(state, now, trans),
    state === null && task.skip ? trans.__('to be skipped') : '',
    ...rulesInWords(task.rules, trans),
    task.dependencies.length > 0 ? trans.__('depends on %1', namesWords(task.dependencies, trans)) : '',
    neededBy.length > 0 ? trans.__('needed by %1', namesWords(neededBy, trans)) : '',
    marker === null ? '' : trans._n('%1 problem', '%1 problems', marker.count)
  ];
  return parts.filter(part => part !== '').join(', ');
}

/** When a task runs: "final task", "if one failed", "only when params.quick". */
export function rulesInWords(rules: Rules | undefined, trans: TranslationBundle): string[] {
  return rules
    ? [
        rules.isFinal ? trans.__('final task') : '',
        runIfWords(rules.runIf, trans),
        rules.when ? trans.__('only when %1', rules.when) : ''
      ].filter(Boolean)
    : [];
}

/** The same in the few words that a card has room for: "◇ if", "⚐ final", "if one failed". */
export function rulesOnCard(rules: Rules | undefined, trans: TranslationBundle): string {
  return rules
    ? [
        rules.isFinal ? `⚐ ${trans.__('final')}` : '',
        rules.when ? `◇ ${trans.__('if')}` : '',
        runIfWords(rules.runIf, trans)
      ]
        .filter(Boolean)
        .join(' · ')
    : '';
}

function runIfWords(runIf: string, trans: TranslationBundle): string {
  switch (runIf) {
    case 'all_success':
      return trans.__('if all succeeded');
    case 'all_done':
      return trans.__('if all ended');
    case 'any_failed':
      return trans.__('if one failed');
    case 'one_success':
      return trans.__('if one succeeded');
    default:
      return runIf;
  }
}

/** "running 2 minutes, second attempt, the cause", "failed: exit code 1". */
export function stateWords(state: NodeState, now: number, trans: TranslationBundle): string {
  const ran = elapsed(state, now);
  const word = state.isPlanned ? '' : stateWord(state.state, trans);
  const parts = [
    ran === null ? word : `${word} ${durationWords(ran, trans)}`,
    state.doing ?? '',
    state.reason,
    state.attempts > 1 ? trans.__('attempt %1', state.attempts) : '',
    state.isCause ? trans.__('the first to fail') : ''
  ];
  return parts.filter(part => part !== '').join(', ');
}

/** How long it has run, in milliseconds; null if it has not started. */
export function elapsed(state: NodeState, now: number): number | null {
  if (state.startedAt === null) {
    return null;
  }
  const end = state.endedAt === null ? now : Date.parse(state.endedAt);
  const ran = end - Date.parse(state.startedAt);
  return Number.isFinite(ran) ? Math.max(0, ran) : null;
}

/** "2 minutes": one unit, rounded down, in whole words, for the ear. */
export function durationWords(ms: number, trans: TranslationBundle): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) {
    return trans._n('%1 second', '%1 seconds', seconds);
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return trans._n('%1 minute', '%1 minutes', minutes);
  }
  const hours = Math.floor(minutes / 60);
  return hours < 48
    ? trans._n('%1 hour', '%1 hours', hours)
    : trans._n('%1 day', '%1 days', Math.floor(hours / 24));
}

/** "2 min 5 s", "3 h 12 min", "4 d 2 h": for the eye, short. */
export function shortDuration(ms: number, trans: TranslationBundle): string {
  const seconds = Math.floor(ms / 1000);
  if (seconds < 60) {
    return trans.__('%1 s', seconds);
  }
  if (seconds < 3600) {
    return trans.__('%1 min %2 s', Math.floor(seconds / 60), seconds % 60);
  }
  const hours = Math.floor(seconds / 3600);
  return hours < 48
    ? trans.__('%1 h %2 min', hours, Math.floor((seconds % 3600) / 60))
    : trans.__('%1 d %2 h', Math.floor(hours / 24), hours % 24);
}

function namesWords(names: readonly string[], trans: TranslationBundle): string {
  const rest = names.length - MANY;
  const shown = names.slice(0, MANY).join(', ');
  return rest > 0 ? trans._n('%2 and %1 more', '%2 and %1 more', rest, shown) : shown;
}

/** Who needs each task, by name. */
export function neededBy(tasks: readonly GraphTask[]): ReadonlyMap<string, readonly string[]> {
  const users = new Map<string, string[]>(tasks.map(task => [task.name, []]));
  for (const task of tasks) {
    task.dependencies.forEach(name => users.get(name)?.push(task.name));
  }
  return users;
}
