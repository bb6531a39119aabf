/** What the attempts of one task instance have noted, asked for bit by bit. */
import type { TranslationBundle } from '@jupyterlab/translation';

import type { Api } from '../api';
import type { FiguresView, MetricsView } from '../generated';
import { readOn, type Source } from '../viewers/metrics_model';
import { taskRoute } from './task_panel';

/** Metrics of the attempts that are wanted; the current one always is. */
export class TaskMetrics {
  constructor(
    private readonly api: Pick<Api, 'get'>,
    private readonly job: string,
    private readonly path: string
  ) {}

  /** Earlier attempts that are shown as well. */
  readonly also = new Set<number>();

  /** Ask for what is new. */
  async ask(signal: AbortSignal): Promise<void> {
    this.current = await readOn(after => this.page({ after }, signal), this.current);
    for (const attempt of this.also) {
      if (attempt !== this.current.attempt && !this.earlier.has(attempt)) {
        this.earlier.set(attempt, await readOn(after => this.page({ after, attempt }, signal), null));
      }
    }
  }

  /** What is known of those that noted anything, the current attempt last. */
  sources(trans: TranslationBundle): Source[] {
    const all = [...this.earlier].filter(([attempt]) => this.also.has(attempt)).sort(([a], [b]) => a - b);
    const now = this.current;
    const views = [...all.map(([, view]) => view), ...(now ? [now] : [])];
    return views
      .filter(({ series }) => Object.keys(series).length > 0)
      .map(view => ({ id: String(view.attempt), label: trans.__('attempt %1', view.attempt), view }));
  }

  private page(query: { after: number; attempt?: number }, signal: AbortSignal): Promise<MetricsView> {
    return this.api.get<MetricsView>(`${taskRoute(this.job, this.path)}/metrics`, query, signal);
  }

  private current: MetricsView | null = null;
  private readonly earlier = new Map<number, MetricsView>();
}

const TELLING = new Set(['ClassificationMetrics', 'SlicedClassificationMetrics', 'Metrics']);

/** Whether any of the declared outputs is of a type whose figures are drawn. */
export function hasFigures(outputs: Readonly<Record<string, unknown>>): boolean {
  return Object.values(outputs).some(told =>
    TELLING.has(String((told as { type?: unknown } | null)?.type ?? ''))
  );
}

/** The figures of a task instance's artifacts. */
export function figuresOf(
  api: Pick<Api, 'get'>,
  job: string,
  path: string,
  signal?: AbortSignal
): Promise<FiguresView> {
  return api.get<FiguresView>(`${taskRoute(job, path)}/figures`, {}, signal);
}
