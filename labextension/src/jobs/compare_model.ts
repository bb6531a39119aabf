/** Jobs side by side, as rows of a table, axes of a plot, and CSV as `fasttrack compare --csv` writes it. Pure. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { csvFormatRows } from 'd3-dsv';

import type { ComparedCell, ComparedMetric, JobComparison, JobSummary } from '../generated';
import { ICONS, stateOf, stateWord } from '../status';
import { duration } from '../time';
import { cellWords } from '../viewers/numbers';
import { bytes } from '../words';
import { jobTitle } from './words';

/** Whether more or less of a metric is better. */
export type Goal = 'max' | 'min' | null;

/** One name, job by job. */
export interface Row {
  id: string;
  name: string;
  /** The task that it is of; empty where it is the job's. */
  task: string;
  cells: readonly string[];
  /** As they came; of a task, its seconds. */
  values: readonly unknown[];
  differs: boolean;
  goal: Goal;
  /** Places of the best ones. */
  best: readonly number[];
  /** Whether a person may say what is better. */
  isMetric: boolean;
}

/** Rows of one kind. */
export interface Section {
  id: 'jobs' | 'parameters' | 'metrics' | 'tasks';
  title: string;
  rows: readonly Row[];
}

/** How a job is called among those of a comparison: `#12` where all are of one pipeline. */
export function namesOf(jobs: readonly JobSummary[]): string[] {
  const isOne = new Set(jobs.map(({ pipeline }) => pipeline)).size === 1;
  return jobs.map(job => {
    const short = isOne ? `#${job.index}` : `${job.pipeline}#${job.index}`;
    return job.name ? `${short} ${job.name}` : short;
  });
}

/** All sections; `goals` are what a person said is better, by the row's id. */
export function sectionsOf(
  found: JobComparison,
  goals: ReadonlyMap<string, Goal>,
  trans: TranslationBundle
): Section[] {
  return [
    { id: 'jobs', title: trans.__('Jobs'), rows: jobRows(found, trans) },
    { id: 'parameters', title: trans.__('Parameters'), rows: parameterRows(found, trans) },
    {
      id: 'metrics',
      title: trans.__('Metrics'),
      rows: found.metrics.map(metric => metricRow(metric, found, goals, trans))
    },
    { id: 'tasks', title: trans.__('Tasks'), rows: taskRows(found, trans) }
  ];
}

function jobRows({ jobs, seconds }: JobComparison, trans: TranslationBundle): Row[] {
  const took = seconds.map(each => (each === null ? '–' : duration(each, trans)));
  return [
    plain(
      'job result',
      trans.__('Result'),
      jobs.map(job => stateCell(job, trans))
    ),
    { ...plain('job seconds', trans.__('Took'), took), values: seconds },
    plain(
      'job pipeline',
      trans.__('Pipeline'),
      jobs.map(({ pipeline }) => pipeline)
    ),
    plain(
      'job tags',
      trans.__('Tags'),
      jobs.map(({ tags }) => tags.join(', '))
    ),
    plain(
      'job note',
      trans.__('Note'),
      jobs.map(({ note }) => note)
    )
  ].filter(row => row.cells.some(cell => cell !== ''));
}

function stateCell(job: JobSummary, trans: TranslationBundle): string {
  return `${ICONS[stateOf(job)]} ${stateWord(stateOf(job), trans)}`;
}

function plain(id: string, name: string, cells: readonly string[]): Row {
  return {
    id,
    name,
    task: '',
    cells,
    values: cells,
    differs: new Set(cells).size > 1,
    goal: null,
    best: [],
    isMetric: false
  };
}

function parameterRows({ parameters }: JobComparison, trans: TranslationBundle): Row[] {
  return parameters.map(({ name, values, differs }) => ({
    ...plain(
      `parameter ${name}`,
      name,
      values.map(value => cellWords(value, trans))
    ),
    values,
    differs
  }));
}

/** The id of a metric's row. */
export function metricId({ task, name, source }: ComparedMetric): string {
  return `${source} ${task} ${name}`;
}

/** A value that a task handed on, and a series that it noted, may be of one name. */
function metricName(
  metric: ComparedMetric,
  all: readonly ComparedMetric[],
  trans: TranslationBundle
): string {
  const { task, name, source } = metric;
  const isTwice = all.some(other => other !== metric && other.task === task && other.name === name);
  return isTwice && source === 'output' ? trans.__('%1 (output)', name) : name;
}

function metricRow(
  metric: ComparedMetric,
  found: JobComparison,
  goals: ReadonlyMap<string, Goal>,
  trans: TranslationBundle
): Row {
  const id = metricId(metric);
  const goal = goals.has(id) ? (goals.get(id) ?? null) : metric.goal;
  const cells = metric.values.map(value => cellWords(value, trans));
  return {
    ...plain(id, metricName(metric, found.metrics, trans), cells),
    task: metric.task,
    values: metric.values,
    differs: metric.differs,
    goal,
    best: bestOf(metric.values, goal),
    isMetric: metric.values.some(isNumber)
  };
}

function taskRows({ tasks }: JobComparison, trans: TranslationBundle): Row[] {
  return tasks.map(({ path, cells }) => ({
    ...plain(
      `task ${path}`,
      path,
      cells.map(cell => taskCell(cell, trans))
    ),
    values: cells.map(cell => cell?.seconds ?? null)
  }));
}

function taskCell(cell: ComparedCell | null, trans: TranslationBundle): string {
  if (cell === null) {
    return '–';
  }
  const state = stateOf(cell);
  const parts = [
    `${ICONS[state]} ${cell.seconds === null ? stateWord(state, trans) : duration(cell.seconds, trans)}`,
    cell.attempts > 1 ? `×${cell.attempts}` : '',
    cell.peak_mem ? bytes(cell.peak_mem) : ''
  ];
  return parts.filter(Boolean).join(' · ');
}

/** The places of the best numbers; none where they cannot be told from the rest. */
export function bestOf(values: readonly unknown[], goal: Goal): number[] {
  const numbers = values.filter(isNumber);
  if (goal === null || new Set(numbers).size < 2) {
    return [];
  }
  const best = goal === 'max' ? Math.max(...numbers) : Math.min(...numbers);
  return values.flatMap((value, at) => (value === best ? [at] : []));
}

/** What comes after a goal when its button is pressed. */
export function nextGoal(goal: Goal): Goal {
  return goal === null ? 'max' : goal === 'max' ? 'min' : null;
}

/** The rows to be shown: those that differ, or all; of which a word is in the name or the task. */
export function shownRows(section: Section, isAll: boolean, query: string): readonly Row[] {
  const wanted = query.trim().toLowerCase();
  return section.rows.filter(
    row => (isAll || row.differs) && `${row.task} ${row.name}`.toLowerCase().includes(wanted)
  );
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** Every row, as `fasttrack compare --csv` writes it. */
export function csvOf(found: JobComparison): string {
  const rows: string[][] = [
    ['kind', 'task', 'name', ...found.jobs.map(job => `${job.pipeline}#${job.index}`)],
    ['job', '', 'result', ...found.jobs.map(({ result }) => result)],
    ['job', '', 'seconds', ...found.seconds.map(raw)],
    ...found.parameters.map(({ name, values }) => ['parameter', '', name, ...values.map(raw)]),
    ...found.metrics.map(({ source, task, name, values }) => [source, task, name, ...values.map(raw)]),
    ...found.tasks.flatMap(({ path, cells }) =>
      (['result', 'seconds', 'attempts', 'peak_mem'] as const).map(key => [
        'task',
        path,
        key,
        ...cells.map(cell => raw(cell?.[key] ?? null))
      ])
    ),
    ...found.classifications.map(({ task, output, slice, curves }) => [
      'roc area',
      task,
      slice ? `${output} ${slice}` : output,
      ...curves.map(curve => raw(curve?.area ?? null))
    ])
  ];
  return `${csvFormatRows(rows)}\n`;
}

function raw(value: unknown): string {
  return value === null || value === undefined
    ? ''
    : typeof value === 'string'
      ? value
      : JSON.stringify(value);
}

/** The tab's title. */
export function titleOf(jobs: readonly JobSummary[], trans: TranslationBundle): string {
  return jobs.length === 2
    ? trans.__('%1 and %2', jobTitle(jobs[0]), jobTitle(jobs[1]))
    : trans.__('Comparison of %1 jobs', jobs.length);
}
