/** What the banner of an editor says: a line for each thing that a person should know just now. */
import { PageConfig, URLExt } from '@jupyterlab/coreutils';

import type { JobView } from '../generated';
import type { State } from '../status';
import { ICONS, STATES, stateOf, stateWord } from '../status';
import { ago } from '../time';
import { CommandIDs } from '../tokens';
import { firstFailure, tally } from './monitor';
import type { PipelineEditor } from './widget';
import type { EditorActions } from './widget_actions';
import type { BannerLine } from './widget_banner';

/** The lines, the most pressing first. */
export function bannerLines(
  editor: PipelineEditor,
  actions: EditorActions,
  execute: (command: string, args: { job: string }) => void
): BannerLine[] {
  const lines = [connectionLine(editor), readOnlyLine(editor), jobLine(editor, actions, execute)];
  return [...lines, troubleLine(editor), busyLine(editor)].filter(each => each !== null);
}

/** Why the canvas shows no graph, or an older one, in words; null while it shows the text. */
export function unreadableWords({ model, feed, trans }: PipelineEditor): string | null {
  if (!model.isBroken || feed.isFrozen) {
    return null;
  }
  const first = model.problems.find(each => each.severity === 'error')?.message ?? '';
  return model.graph.tasks.length > 0
    ? trans.__('The text cannot be read just now; this is how it was before. %1', first)
    : trans.__('The text cannot be drawn: %1', first);
}

function connectionLine({ services: { jobs }, trans }: PipelineEditor): BannerLine | null {
  switch (jobs.connection) {
    case 'lost':
      return {
        kind: 'connection',
        text: trans.__('The server does not answer; it is asked again and again.'),
        hint: trans.__('Editing goes on; what is shown of jobs may be old.')
      };
    case 'signed-out':
      return {
        kind: 'signed-out',
        text: trans.__('Your session has expired.'),
        hint: trans.__('Nothing is lost: sign in again in another tab, then come back.'),
        actions: [{ label: trans.__('Sign in again'), run: () => undefined, href: signInUrl() }]
      };
    default:
      return engineLine(jobs.info?.engine, trans);
  }
}

function engineLine(
  engine: { state: string; message?: string; hint?: string } | undefined,
  trans: PipelineEditor['trans']
): BannerLine | null {
  return engine?.state === 'failed'
    ? {
        kind: 'connection',
        text: engine.message || trans.__('The engine that runs jobs could not be started.'),
        hint: engine.hint || trans.__('“fasttrack doctor” in a terminal tells why.')
      }
    : null;
}

function readOnlyLine({ isFileReadOnly, trans }: PipelineEditor): BannerLine | null {
  return isFileReadOnly
    ? {
        kind: 'read-only',
        text: trans.__('This file is read-only.'),
        hint: trans.__('It can be run as it is; save a copy to change it.')
      }
    : null;
}

function jobLine(
  editor: PipelineEditor,
  actions: EditorActions,
  execute: (command: string, args: { job: string }) => void
): BannerLine | null {
  const { choice, feed, trans, model } = editor;
  if (choice.id === null) {
    return null;
  }
  const back = { label: trans.__('Back to editing'), run: () => choice.show(null) };
  if (!choice.job) {
    const text = choice.error ?? trans.__('Waiting for what is known of the job …');
    return { kind: 'job', text, actions: [back] };
  }
  const { job } = choice;
  const open = { label: trans.__('Open the job'), run: () => execute(CommandIDs.openJob, { job: job.id }) };
  const copy = { label: trans.__('Copy this job’s pipeline'), run: () => void actions.copyJobText() };
  const text = feed.isFrozen
    ? trans.__('This is job #%1, as its pipeline was: %2', job.index, jobWords(editor, job))
    : trans.__('Job #%1: %2', job.index, jobWords(editor, job));
  const isEdited = !feed.isFrozen && choice.text !== null && choice.text !== model.text;
  return {
    kind: 'job',
    state: stateOf(job),
    text,
    hint: choice.error ?? job.paused ?? (isEdited ? trans.__('The pipeline was edited since.') : undefined),
    actions: [...causeAction(editor, job), back, ...(feed.isFrozen ? [copy] : []), open]
  };
}

/** The way to the first task that failed, and to its log. */
function causeAction(editor: PipelineEditor, job: JobView): NonNullable<BannerLine['actions']> {
  const task = firstFailure(job)?.task;
  const go = (name: string) => {
    editor.panes.toggle('canvas', true);
    editor.canvas.reveal(name);
    editor.openDock('log', name);
  };
  return task === undefined ? [] : [{ label: editor.trans.__('Go to the cause'), run: () => go(task) }];
}

/** `failed, 3 ✓ 1 ✕`: how a job is, and how many of its tasks are in which state. */
function jobWords({ feed, trans }: PipelineEditor, job: JobView): string {
  const counts = tally(feed.states ?? new Map());
  const parts = STATES.filter(state => counts.has(state)).map(
    state => `${counts.get(state)} ${ICONS[state]}`
  );
  return `${jobStateWord(job, trans)}${parts.length ? ` · ${parts.join('  ')}` : ''}`;
}

/** `#12 ✕ 3 min ago`: a job in a list. */
export function jobLabel(
  job: { index: number; name?: string; created_at: string } & Parameters<typeof stateOf>[0],
  trans: PipelineEditor['trans']
): string {
  const when = ago(job.created_at, Date.now(), trans);
  return `#${job.index} ${ICONS[stateOf(job)]} ${when}${job.name ? ` · ${job.name}` : ''}`;
}

function jobStateWord(job: JobView, trans: PipelineEditor['trans']): string {
  const state: State = stateOf(job);
  return job.reason && state === 'failure'
    ? `${stateWord(state, trans)} (${job.reason})`
    : stateWord(state, trans);
}

/** What the line about the connection says already is not said twice. */
function troubleLine({ runs, services: { jobs }, trans }: PipelineEditor): BannerLine | null {
  const isSaid = runs.isCutOff && (jobs.connection === 'lost' || jobs.connection === 'signed-out');
  return runs.trouble && !isSaid
    ? {
        kind: 'trouble',
        text: runs.trouble.message,
        hint: runs.trouble.message.includes(runs.trouble.hint) ? undefined : runs.trouble.hint,
        actions: [{ label: trans.__('Dismiss'), run: () => runs.forget() }]
      }
    : null;
}

function busyLine({ runs }: PipelineEditor): BannerLine | null {
  return runs.busy ? { kind: 'busy', text: runs.busy } : null;
}

function signInUrl(): string {
  const next = encodeURIComponent(PageConfig.getOption('appUrl') || '/lab');
  return `${URLExt.join(PageConfig.getBaseUrl(), 'login')}?next=${next}`;
}
