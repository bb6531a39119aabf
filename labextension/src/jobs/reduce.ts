/**
 * Events folded into what is shown of a job. Pure, and by the rules that the engine states at EventView: a view and the
 * events after its `seq`, in order, give the view that the engine would answer now, but for what it tells by JobView
 * alone (why an instance without a session waits; absolute places of artifacts).
 *
 * What cannot be folded is said to be `stale`, and fetched instead: an event about a task instance that the view does
 * not have, one that says that others came to be inside of one, or one about the making of the job itself.
 */
import type { EventView, JobSummary, JobView, ProgressView, Result, TaskInstanceView } from '../generated';

/** A job after some events; `isStale` where events say more than can be folded, so that it must be fetched. */
export interface Folded {
  job: JobView;
  isStale: boolean;
}

/** The type of the event that makes a job. */
export const JOB_CREATED = 'JobCreated';

/** The type of the event that says that task instances came to be: iterations of a loop, tasks of a group. */
export const INSTANCES_ADDED = 'TaskInstancesAdded';

/** The type of the event that tells a job's new name, tags or note: what a search finds may be another. */
export const JOB_ANNOTATED = 'JobAnnotated';

/** The type of the event that says that a job is no more; the last about it. */
export const JOB_DELETED = 'JobDeleted';

/** `job` after `events`, of which those about other jobs and those that it shows already are passed over. */
export function foldJob(job: JobView, events: readonly EventView[]): Folded {
  const news = events.filter(event => event.job_id === job.id && event.seq > job.seq);
  if (news.length === 0) {
    return { job, isStale: false };
  }
  const tasks = [...job.tasks];
  const places = new Map(tasks.map((task, place) => [task.path, place]));
  let summary: JobView = job;
  let isStale = false;
  for (const event of news) {
    const place = event.path === null ? undefined : places.get(event.path);
    if (event.path === null) {
      summary = foldSummary(summary, event);
      isStale ||= event.type === JOB_CREATED;
    } else if (place === undefined) {
      isStale = true;
    } else {
      tasks[place] = foldTask(tasks[place], event);
      isStale ||= event.type === INSTANCES_ADDED;
    }
  }
  const seq = news[news.length - 1].seq;
  return { job: { ...summary, tasks, outputs: outputsOf(job, tasks), seq }, isStale };
}

/** A job's own fields after an event about the job itself; events with a path change none of them. */
export function foldSummary<T extends JobSummary>(job: T, event: EventView): T {
  if (event.path !== null || event.job_id !== job.id) {
    return job;
  }
  return {
    ...job,
    ...annotated(event.data),
    status: event.status as T['status'],
    result: (event.result ?? job.result) as Result,
    reason: event.reason ?? job.reason,
    started_at: job.started_at ?? event.started_at,
    ended_at: job.ended_at ?? event.ended_at
  };
}

/** What a person changed on a job. */
function annotated(data: EventView['data']): Partial<JobSummary> {
  const news: Partial<JobSummary> = {};
  if (typeof data.priority === 'number') {
    news.priority = data.priority;
  }
  if (typeof data.name === 'string') {
    news.name = data.name;
  }
  if (Array.isArray(data.tags)) {
    news.tags = data.tags.map(String);
  }
  if (typeof data.note === 'string') {
    news.note = data.note;
  }
  return news;
}

function foldTask(task: TaskInstanceView, event: EventView): TaskInstanceView {
  const isNewAttempt = event.attempt > task.attempts;
  return {
    ...task,
    status: event.status as TaskInstanceView['status'],
    result: (event.result ?? task.result) as Result,
    reason: event.reason ?? (isNewAttempt ? '' : task.reason),
    exit_code: event.exit_code ?? (isNewAttempt ? null : task.exit_code),
    attempts: Math.max(task.attempts, event.attempt),
    started_at: task.started_at ?? event.started_at,
    ended_at: task.ended_at ?? event.ended_at,
    progress: event.status === 'RUNNING' ? said(event.data.progress, task.progress) : null,
    ...told(task, event.data)
  };
}

/** How far a running task says that it is, where it says something new. */
function said(news: unknown, before: ProgressView | null): ProgressView | null {
  return isObject(news) ? (news as ProgressView) : before;
}

/** What an event's data replaces, and the notes that it adds. */
function told(task: TaskInstanceView, data: EventView['data']): Partial<TaskInstanceView> {
  const news: Partial<TaskInstanceView> = {};
  if (isObject(data.outputs)) {
    news.outputs = data.outputs;
  }
  if (typeof data.outputs_dir === 'string') {
    news.outputs_dir = data.outputs_dir;
  }
  if (typeof data.mode === 'string') {
    news.mode = data.mode;
  }
  if (isObject(data.usage)) {
    news.usage = data.usage;
  }
  if (isObject(data.resources)) {
    news.resources = data.resources as TaskInstanceView['resources'];
  }
  if (Array.isArray(data.notes)) {
    news.notes = [...new Set([...task.notes, ...data.notes.map(String)])];
  }
  return news;
}

/** The declared outputs of all tasks, kept as they are where no task's changed. */
function outputsOf(before: JobView, tasks: readonly TaskInstanceView[]): JobView['outputs'] {
  const changed = tasks.filter((task, place) => task.outputs !== before.tasks[place].outputs);
  if (changed.length === 0) {
    return before.outputs;
  }
  return { ...before.outputs, ...Object.fromEntries(changed.map(task => [task.path, task.outputs])) };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
