/**
 * Status and result of a job or a task instance as one of eight states: what colour, icon and word
 * stand for, everywhere alike (canvas, panel, table, Gantt). The session's own status name stays visible
 * as text; this is what the eye sees first.
 */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { JobStatus, ProgressView, Result, Status } from './generated';

/** What a person sees of a status and a result. */
export type State =
  'waiting' | 'preparing' | 'running' | 'success' | 'failure' | 'cancelled' | 'skipped' | 'reused';

/** All states, in the order in which a legend shows them. */
export const STATES: readonly State[] = [
  'waiting',
  'preparing',
  'running',
  'success',
  'failure',
  'cancelled',
  'skipped',
  'reused'
];

/** One character each, that a black-and-white print tells apart. */
export const ICONS: Readonly<Record<State, string>> = {
  waiting: '○',
  preparing: '◔',
  running: '▶',
  success: '✓',
  failure: '✕',
  cancelled: '■',
  skipped: '⤼',
  reused: '↺'
};

const WAITING: ReadonlySet<string> = new Set([
  'WAITING',
  'PENDING',
  'DEPRIORITIZING',
  'RESERVED',
  'SCHEDULED',
  'PREEMPTED',
  'RESCHEDULING',
  'SUSPENDED'
]);
const RUNNING: ReadonlySet<string> = new Set([
  'RUNNING',
  'RESTARTING',
  'RUNNING_DEGRADED',
  'RESIZING',
  'TERMINATING'
]);
/** What is known of a task instance or a job when its state is asked for. */
export interface Facts {
  status: Status | JobStatus;
  result: Result;
  reason: string;
}

/** The state that `facts` are shown as. */
export function stateOf(facts: Facts): State {
  switch (facts.status) {
    case 'SKIPPED':
      return 'skipped';
    case 'CANCELLED':
      return 'cancelled';
    case 'ERROR':
      return 'failure';
    case 'TERMINATED':
      return endOf(facts);
  }
  if (WAITING.has(facts.status)) {
    return 'waiting';
  }
  return RUNNING.has(facts.status) ? 'running' : 'preparing';
}

/** How what is TERMINATED came out; without a result somebody destroyed its session. */
function endOf({ result, reason }: Facts): State {
  if (result === 'SUCCESS') {
    return reason.startsWith('reused') ? 'reused' : 'success';
  }
  return result === 'FAILURE' ? 'failure' : 'cancelled';
}

/** Whether nothing more will happen in this state. */
export function isEnded(state: State): boolean {
  return state !== 'waiting' && state !== 'preparing' && state !== 'running';
}

/** What a running task says of how far it is, `40 % · cell 2 of 5`; empty where it says nothing. */
export function progressWords(progress: ProgressView | null): string {
  const fraction = progress?.fraction ?? null;
  const percent = fraction === null ? '' : `${Math.floor(fraction * 100 + 1e-6)} %`;
  return [percent, progress?.text ?? ''].filter(text => text !== '').join(' · ');
}

/** The word for a state, in the reader's language. */
export function stateWord(state: State, trans: TranslationBundle): string {
  switch (state) {
    case 'waiting':
      return trans.__('waiting');
    case 'preparing':
      return trans.__('preparing');
    case 'running':
      return trans.__('running');
    case 'success':
      return trans.__('succeeded');
    case 'failure':
      return trans.__('failed');
    case 'cancelled':
      return trans.__('cancelled');
    case 'skipped':
      return trans.__('skipped');
    case 'reused':
      return trans.__('reused');
  }
}
