/** The metrics of all task instances of a job: one chart for each kind, a curve for each instance; live while it runs. */
import * as React from 'react';

import type { Api } from '../api';
import type { FiguresView, JobView, MetricsView, TaskInstanceView } from '../generated';
import { isEnded, stateOf } from '../status';
import { Figures } from '../viewers/figures';
import { Metrics } from '../viewers/metrics';
import { readOn, type Source } from '../viewers/metrics_model';
import { sentence, troubleOf } from '../words';
import type { TabProps } from './job_view_tabs';
import { figuresOf, hasFigures } from './task_metrics';
import { taskRoute } from './task_panel';

/** Task instances that are asked at most. */
const MOST = 40;
const PAUSE = 2000;

/** What was found of the instances of a job. */
interface Found {
  metrics: ReadonlyMap<string, MetricsView>;
  figures: ReadonlyMap<string, FiguresView>;
  trouble: string | null;
  isKnown: boolean;
}

const NOTHING: Found = { metrics: new Map(), figures: new Map(), trouble: null, isKnown: false };

/** See the head of this file. */
export function JobMetrics({ job, context, states }: TabProps): JSX.Element {
  const { trans, api } = context;
  const tasks = job.tasks.filter(
    task => (task.attempts > 0 || task.outputs_dir) && (states.size === 0 || states.has(stateOf(task)))
  );
  const found = useFound(api, job, tasks.slice(0, MOST));
  const sources = React.useMemo(
    () =>
      tasks.flatMap(({ path }): Source[] => {
        const view = found.metrics.get(path);
        return view && Object.keys(view.series).length > 0 ? [{ id: path, label: path, view }] : [];
      }),
    [found, tasks.map(({ path }) => path).join('\n')]
  );
  const figures = tasks.flatMap(({ path }) => {
    const view = found.figures.get(path);
    return view ? [{ path, view }] : [];
  });
  const isRunning = !isEnded(stateOf(job));
  return (
    <div className="ft-JobMetrics">
      {found.trouble && (
        <p className="ft-TaskPanel-trouble" role="alert">
          {found.trouble}
        </p>
      )}
      {tasks.length > MOST && (
        <p className="ft-TaskPanel-hint">
          {trans.__(
            'The first %1 of %2 task instances; choose states above to see others.',
            MOST,
            tasks.length
          )}
        </p>
      )}
      {sources.length > 0 && <Metrics sources={sources} trans={trans} />}
      {figures.map(({ path, view }) => (
        <section key={path} aria-label={path}>
          <h3>{path}</h3>
          <Figures found={view} trans={trans} />
        </section>
      ))}
      {sources.length === 0 && figures.length === 0 && (
        <p className="ft-TaskPanel-hint" role="status">
          {!found.isKnown
            ? trans.__('Loading …')
            : isRunning
              ? trans.__('No metrics yet. What tasks note with fasttrack_task.metric(…) appears here.')
              : trans.__('No task of this job noted a metric.')}
        </p>
      )}
    </div>
  );
}

/** Ask for what is new of each instance, again while any of them runs. */
function useFound(api: Api, job: JobView, tasks: readonly TaskInstanceView[]): Found {
  const [found, setFound] = React.useState(NOTHING);
  const about = tasks.map(task => `${task.path} ${task.attempts} ${task.ended_at ?? ''}`).join('\n');
  const known = React.useRef(NOTHING);
  React.useEffect(() => {
    const aborter = new AbortController();
    let timer: number | undefined;
    const round = async (): Promise<void> => {
      const next = document.hidden
        ? known.current
        : await gathered(api, job.id, tasks, known.current, aborter.signal);
      if (!aborter.signal.aborted) {
        if (next !== known.current) {
          known.current = next;
          setFound(next);
        }
        const isLive = tasks.some(task => !isEnded(stateOf(task)));
        timer = isLive || next.trouble ? window.setTimeout(() => void round(), PAUSE) : undefined;
      }
    };
    void round();
    return () => {
      aborter.abort();
      window.clearTimeout(timer);
    };
  }, [api, job.id, about]);
  return found;
}

async function gathered(
  api: Api,
  job: string,
  tasks: readonly TaskInstanceView[],
  before: Found,
  signal: AbortSignal
): Promise<Found> {
  const metrics = new Map(before.metrics);
  const figures = new Map(before.figures);
  try {
    for (const task of tasks) {
      const { path } = task;
      const known = metrics.get(path) ?? null;
      if (!known?.ended || known.attempt !== task.attempts) {
        const ask = (after: number): Promise<MetricsView> =>
          api.get<MetricsView>(`${taskRoute(job, path)}/metrics`, { after }, signal);
        metrics.set(path, await readOn(ask, known));
      }
      if (task.ended_at !== null && hasFigures(task.outputs) && !figures.has(path)) {
        figures.set(path, await figuresOf(api, job, path, signal));
      }
    }
    return { metrics, figures, trouble: null, isKnown: true };
  } catch (error) {
    return { ...before, metrics, figures, trouble: sentence(troubleOf(error)) };
  }
}
