/**
 * A job's timeline: per task instance when it waited and when it ran. Pure: job and moment in, shares of the whole out.
 */
import type { JobView, TaskInstanceView } from '../generated';
import { isEnded, stateOf, type State } from '../status';

/** One row; `from` and `to` are shares (0 … 1) of the timeline's length, null where it has not begun. */
export interface GanttRow {
  path: string;
  state: State;
  /** Since when it waits for its turn, all that it depends on being over; null where it does not, or did not. */
  ready: number | null;
  from: number | null;
  to: number | null;
  seconds: number | null;
}

/** The timeline. */
export interface Gantt {
  rows: readonly GanttRow[];
  /** Its length, in seconds. */
  seconds: number;
  /** Marks along it: share and seconds since its begin. */
  ticks: readonly { at: number; seconds: number }[];
}

/** The timeline of `job` at `now` (milliseconds); rows by their begin, those that have none at the end. */
export function ganttOf(job: JobView, now: number): Gantt {
  const begin = Date.parse(job.started_at ?? job.created_at);
  const isOver = job.ended_at !== null;
  const ends = job.tasks.map(task => endOf(task, now)).filter(end => end !== null);
  const end = Math.max(begin + 1000, isOver ? Date.parse(job.ended_at ?? '') : now, ...ends);
  const share = (moment: number): number => Math.min(1, Math.max(0, (moment - begin) / (end - begin)));
  const byPath = new Map(job.tasks.map(task => [task.path, task]));
  const rows = job.tasks.map((task): GanttRow => {
    const from = task.started_at === null ? null : Date.parse(task.started_at);
    const to = endOf(task, now);
    return {
      path: task.path,
      state: stateOf(task),
      ready: waited(readyOf(task, byPath, begin), from ?? (isEnded(stateOf(task)) ? null : now), share),
      from: from === null ? null : share(from),
      to: from === null || to === null ? null : share(to),
      seconds: from === null || to === null ? null : Math.max(0, to - from) / 1000
    };
  });
  rows.sort((a, b) => (a.from ?? 2) - (b.from ?? 2));
  const seconds = (end - begin) / 1000;
  return { rows, seconds, ticks: ticksOf(seconds) };
}

/** When the last of what a task depends on was over; null while something is not. */
function readyOf(
  task: TaskInstanceView,
  byPath: ReadonlyMap<string, TaskInstanceView>,
  begin: number
): number | null {
  const around = task.parent ? byPath.get(task.parent)?.started_at : null; // nothing inside waits before that begins
  let ready = around ? Date.parse(around) : begin;
  for (const path of task.dependencies) {
    const ended = byPath.get(path)?.ended_at;
    if (!ended) {
      return null;
    }
    ready = Math.max(ready, Date.parse(ended));
  }
  return ready;
}

function waited(
  ready: number | null,
  until: number | null,
  share: (moment: number) => number
): number | null {
  return ready !== null && until !== null && until > ready ? share(ready) : null;
}

function endOf(task: TaskInstanceView, now: number): number | null {
  if (task.ended_at !== null) {
    return Date.parse(task.ended_at);
  }
  return task.started_at === null || isEnded(stateOf(task)) ? null : now;
}

/** Round marks, five to ten of them. */
function ticksOf(seconds: number): { at: number; seconds: number }[] {
  const steps = [
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400
  ];
  const step = steps.find(each => seconds / each <= 8) ?? Math.ceil(seconds / 8 / 86400) * 86400;
  const count = Math.floor(seconds / step);
  return Array.from({ length: count + 1 }, (_, index) => ({
    at: (index * step) / seconds,
    seconds: index * step
  }));
}
