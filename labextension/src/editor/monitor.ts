/**
 * A job as the canvas shows it: which card is in which state, who is to blame, how far it is.
 *
 * Pure: a {@link JobView} in, values out. A job's task instances are grouped by the task that they are
 * instances of, because a card stands for a task; a card shows the instance that most needs to be seen.
 * The cause of a cascade is a failed task none of whose dependencies failed and for whose sake others were
 * cancelled; the cancelled ones are victims and stay grey.
 */
import type { JobSummary, JobView, PlanView, TaskInstanceView } from '../generated';
import type { State } from '../status';
import { ICONS, isEnded, progressWords, stateOf } from '../status';
import type { NodeState } from './graph';

/** States in the order in which they outshine each other where one card stands for several instances. */
const LOUDEST: readonly State[] = [
  'failure',
  'running',
  'preparing',
  'waiting',
  'cancelled',
  'success',
  'reused',
  'skipped'
];

/** The states of a job's cards by task name; `now` in milliseconds since 1970. */
export function nodeStates(job: JobView, now: number): Map<string, NodeState> {
  const shown = new Map<string, TaskInstanceView>();
  for (const instance of job.tasks) {
    const before = shown.get(instance.task);
    if (!instance.parent && (!before || rank(instance) < rank(before))) {
      shown.set(instance.task, instance);
    }
  }
  const inside = countInside(job);
  const causes = causesOf(job);
  const states = new Map<string, NodeState>();
  for (const [task, instance] of shown) {
    const own = nodeState(instance, causes.has(instance.path), now);
    const counted = inside.get(instance.path);
    states.set(task, counted ? { ...own, ...insideWords(counted, own.state) } : own);
  }
  return states;
}

/** How many of what is directly inside of loops and groups are in which state, by the path of these. */
function countInside(job: JobView): Map<string, Map<State, number>> {
  const counts = new Map<string, Map<State, number>>();
  for (const instance of job.tasks) {
    if (instance.parent) {
      const own = counts.get(instance.parent) ?? new Map<State, number>();
      const state = stateOf(instance);
      counts.set(instance.parent, own.set(state, (own.get(state) ?? 0) + 1));
    }
  }
  return counts;
}

/** How far a loop or a group is: `3/5 · 1 ✕`. */
function insideWords(counts: ReadonlyMap<State, number>, state: State): Partial<NodeState> {
  const all = [...counts.values()].reduce((sum, count) => sum + count, 0);
  const ended = [...counts].reduce((sum, [each, count]) => sum + (isEnded(each) ? count : 0), 0);
  const failed = counts.get('failure') ?? 0;
  const doing = `${ended}/${all}` + (failed ? ` · ${failed} ${ICONS.failure}` : '');
  return isEnded(state) ? { doing } : { doing, progress: Math.min(0.99, ended / all) };
}

const PLANNED: Readonly<Record<PlanView['tasks'][number]['decision'], State>> = {
  'will run': 'waiting',
  reused: 'reused',
  skipped: 'skipped',
  refused: 'failure'
};

/** What a plan says of each task, as its card shows it; `words` says each decision in the reader's language. */
export function plannedStates(
  plan: PlanView,
  words: Readonly<Record<PlanView['tasks'][number]['decision'], string>>
): Map<string, NodeState> {
  return new Map(
    plan.tasks.map(({ task, decision, reason }) => [
      task,
      {
        state: PLANNED[decision],
        status: '',
        reason: reason.startsWith(words[decision])
          ? reason
          : [words[decision], reason].filter(Boolean).join(' · '),
        attempts: 0,
        startedAt: null,
        endedAt: null,
        isCause: false,
        isPlanned: true
      }
    ])
  );
}

/** The instance of `task` that its card shows: the loudest, or undefined where the job has none. */
export function instanceOf(job: JobView, task: string): TaskInstanceView | undefined {
  let found: TaskInstanceView | undefined;
  for (const instance of job.tasks) {
    if (instance.task === task && (!found || rank(instance) < rank(found))) {
      found = instance;
    }
  }
  return found;
}

/** Paths of the failed task instances that other tasks were cancelled for, and that nobody failed before. */
export function causesOf(job: JobView): Set<string> {
  const failed = new Set(job.tasks.filter(each => stateOf(each) === 'failure').map(each => each.path));
  const blamed = new Set<string>();
  for (const instance of job.tasks) {
    if (stateOf(instance) === 'cancelled') {
      instance.dependencies.filter(each => failed.has(each)).forEach(each => blamed.add(each));
    }
  }
  const first = job.tasks.filter(
    each => blamed.has(each.path) && !each.dependencies.some(d => failed.has(d))
  );
  return new Set(first.map(each => each.path));
}

/**
 * How far a running task is: what it says itself, else elapsed over expected; at most 0.99 until it has ended, undefined
 * if unknown.
 */
export function progressOf(instance: TaskInstanceView, now: number): number | undefined {
  const { expected_seconds: expected, progress } = instance;
  if (progress && progress.fraction !== null) {
    return Math.min(0.99, progress.fraction);
  }
  if (!expected || !instance.started_at || isEnded(stateOf(instance))) {
    return undefined;
  }
  const elapsed = Math.max(0, now - Date.parse(instance.started_at)) / 1000;
  return Math.min(0.99, elapsed / expected);
}

/** How many cards are in each state. */
export function tally(states: ReadonlyMap<string, NodeState>): Map<State, number> {
  const counts = new Map<State, number>();
  for (const { state } of states.values()) {
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return counts;
}

/** Whether something of the job can still happen. */
export function isUnfinished(job: Pick<JobSummary, 'status'>): boolean {
  return job.status === 'PENDING' || job.status === 'RUNNING';
}

/** The first failing task of a job that ended badly, for the eye to be led to; undefined if none failed. */
export function firstFailure(job: JobView): TaskInstanceView | undefined {
  const causes = causesOf(job);
  const failed = job.tasks.filter(each => !each.parent && stateOf(each) === 'failure');
  return failed.find(each => causes.has(each.path)) ?? failed[0];
}

function rank(instance: TaskInstanceView): number {
  return LOUDEST.indexOf(stateOf(instance));
}

function nodeState(instance: TaskInstanceView, isCause: boolean, now: number): NodeState {
  return {
    state: stateOf(instance),
    status: instance.status,
    reason: instance.reason,
    attempts: instance.attempts,
    startedAt: instance.started_at,
    endedAt: instance.ended_at,
    progress: progressOf(instance, now),
    doing: progressWords(instance.progress),
    isCause
  };
}
