/** Matrices of jobs side by side, their ROC curves in one square, and their metric curves in one chart. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Api } from '../api';
import type { ComparedClassification, JobComparison, MetricsView } from '../generated';
import { isEnded, stateOf } from '../status';
import { Confusion, WholeChoice } from '../viewers/confusion';
import { nameOf, type NamedCurve, type Whole } from '../viewers/figures_model';
import { lookOf } from '../viewers/looks';
import { Metrics } from '../viewers/metrics';
import { readOn, type Source } from '../viewers/metrics_model';
import { Roc } from '../viewers/roc';
import { sentence, troubleOf } from '../words';
import { taskRoute } from './task_panel';

interface CurvesProps {
  found: JobComparison;
  names: readonly string[];
  isShown: readonly boolean[];
  trans: TranslationBundle;
}

/** Confusion matrices and ROC curves. */
export function CompareFigures(props: CurvesProps): JSX.Element | null {
  const { found, trans } = props;
  const [whole, setWhole] = React.useState<Whole>('row');
  const hasMatrices = found.classifications.some(({ matrices }) => matrices.some(Boolean));
  return found.classifications.length === 0 ? null : (
    <section className="ft-Compare-part" aria-label={trans.__('Classification')}>
      <h3>{trans.__('Classification')}</h3>
      {hasMatrices && <WholeChoice whole={whole} onChange={setWhole} trans={trans} />}
      {found.classifications.map(each => (
        <OneClassification key={`${each.task} ${nameOf(each)}`} each={each} whole={whole} {...props} />
      ))}
    </section>
  );
}

function OneClassification(props: CurvesProps & { each: ComparedClassification; whole: Whole }): JSX.Element {
  const { each, names, isShown, trans } = props;
  const curves = each.curves.flatMap((curve, at): NamedCurve[] =>
    curve && isShown[at] ? [{ id: String(at), label: names[at], look: lookOf(at), curve }] : []
  );
  return (
    <>
      <h4>{`${each.task} · ${nameOf(each)}`}</h4>
      <div className="ft-Figures-all">
        {curves.length > 0 && <Roc title={trans.__('ROC')} curves={curves} trans={trans} />}
        {each.matrices.map(
          (matrix, at) =>
            matrix &&
            isShown[at] && (
              <Confusion key={at} title={names[at]} matrix={matrix} whole={props.whole} trans={trans} />
            )
        )}
      </div>
    </>
  );
}

/** Curves of what the jobs' tasks noted, a chart for each task and kind. */
export function CompareCurves(props: CurvesProps & { api: Api }): JSX.Element | null {
  const { found, names, isShown, api, trans } = props;
  const tasks = React.useMemo(
    () => [...new Set(found.tasks.map(({ path }) => path))].filter(path => mayHave(found, path)),
    [found]
  );
  const { views, trouble } = useViews(api, found, tasks);
  const shown = tasks.flatMap(path => {
    const sources = found.jobs.flatMap((job, at): Source[] => {
      const view = views.get(`${job.id} ${path}`);
      const isThere = view && isShown[at] && Object.values(view.series).some(({ count }) => count > 1);
      return isThere ? [{ id: job.id, label: names[at], view, place: at }] : [];
    });
    return sources.length > 0 ? [{ path, sources }] : [];
  });
  if (shown.length === 0 && trouble === null) {
    return null;
  }
  return (
    <section className="ft-Compare-part" aria-label={trans.__('Curves')}>
      <h3>{trans.__('Curves')}</h3>
      {trouble && (
        <p className="ft-TaskPanel-trouble" role="alert">
          {trouble}
        </p>
      )}
      {shown.map(({ path, sources }) => (
        <React.Fragment key={path}>
          {shown.length > 1 && <h4>{path}</h4>}
          <Metrics sources={sources} trans={trans} isBare />
        </React.Fragment>
      ))}
    </section>
  );
}

/** Whether a task noted a series in any job, or may still do so. */
function mayHave(found: JobComparison, path: string): boolean {
  const isNoted = found.metrics.some(metric => metric.source === 'metric' && metric.task === path);
  const cells = found.tasks.find(task => task.path === path)?.cells ?? [];
  return isNoted || cells.some(cell => cell !== null && cell.attempts > 0 && !isEnded(stateOf(cell)));
}

interface Views {
  views: ReadonlyMap<string, MetricsView>;
  trouble: string | null;
}

/** The metrics of these tasks in each job, read on whenever the comparison was asked anew. */
function useViews(api: Api, found: JobComparison, tasks: readonly string[]): Views {
  const [state, setState] = React.useState<Views>({ views: new Map(), trouble: null });
  const known = React.useRef<ReadonlyMap<string, MetricsView>>(state.views);
  React.useEffect(() => {
    const aborter = new AbortController();
    void gathered(api, found, tasks, known.current, aborter.signal).then(next => {
      if (!aborter.signal.aborted) {
        known.current = next.views;
        setState(next);
      }
    });
    return () => aborter.abort();
  }, [api, found, tasks]);
  return state;
}

async function gathered(
  api: Api,
  found: JobComparison,
  tasks: readonly string[],
  before: ReadonlyMap<string, MetricsView>,
  signal: AbortSignal
): Promise<Views> {
  const views = new Map(before);
  try {
    for (const path of tasks) {
      const cells = found.tasks.find(task => task.path === path)?.cells ?? [];
      await Promise.all(
        found.jobs.map(async (job, at) => {
          const id = `${job.id} ${path}`;
          const old = views.get(id) ?? null;
          const route = `${taskRoute(job.id, path)}/metrics`;
          if (cells[at] && !old?.ended) {
            views.set(id, await readOn(after => api.get<MetricsView>(route, { after }, signal), old));
          }
        })
      );
    }
    return { views, trouble: null };
  } catch (error) {
    return { views, trouble: sentence(troubleOf(error)) };
  }
}
