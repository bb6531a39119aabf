/**
 * Metrics as a task notes them, gathered page by page while it runs, and which of them stand in one chart. Pure.
 *
 * The server gives at most 2,000 points of a series, its peaks among them, and of what was written after a byte that
 * much again: so what is gathered here is thinned in the same way, by the lowest and the highest of each four.
 */
import type { MetricsView, SeriesView } from '../generated';
import type { Point } from './chart';
import { lookOf, type Look } from './looks';
import { numberFrom } from './numbers';

/** Points that are kept of one series. */
export const MOST_POINTS = 4000;

/** Whose metrics they are: a task instance, an attempt of it, a job. */
export interface Source {
  id: string;
  label: string;
  view: MetricsView;
  /** Which look its curves have; its place among the sources by default. */
  place?: number;
}

/** One curve of a chart. */
export interface Track {
  id: string;
  label: string;
  look: Look;
  source: string;
  series: SeriesView;
}

/** Curves that are of one kind, so that they stand in one chart. */
export interface Chart {
  name: string;
  tracks: Track[];
  /** Names of what is drawn, and how, where one source has several. */
  members: readonly { name: string; look: Look }[];
}

/** Over what curves are drawn. */
export type Over = 'step' | 'time';

/** Ask on from what is known until there is no more; `ask(after)` asks for what comes after a byte. */
export async function readOn(
  ask: (after: number) => Promise<MetricsView>,
  known: MetricsView | null
): Promise<MetricsView> {
  let now = known;
  for (;;) {
    const news = await ask(now?.next ?? 0);
    if (now && news.attempt !== now.attempt) {
      now = null; // another attempt: its file begins anew
      if (news.attempt > 0) {
        continue;
      }
    }
    const isSame = now !== null && Object.keys(news.series).length === 0;
    now = isSame && now ? { ...news, ...gathered(now, news), series: now.series } : grown(now, news);
    if (!news.more) {
      return now;
    }
  }
}

/** What is known after `news`, which were asked for after `known.next`. */
export function grown(known: MetricsView | null, news: MetricsView): MetricsView {
  if (known === null) {
    return news;
  }
  const series = { ...known.series };
  for (const [name, added] of Object.entries(news.series)) {
    series[name] = name in series ? joined(series[name], added) : added;
  }
  return { ...news, ...gathered(known, news), series };
}

function gathered(known: MetricsView, news: MetricsView): Pick<MetricsView, 'params' | 'tags' | 'left_out'> {
  return {
    params: { ...known.params, ...news.params },
    tags: { ...known.tags, ...news.tags },
    left_out: known.left_out + news.left_out
  };
}

function joined(one: SeriesView, other: SeriesView): SeriesView {
  const lows = [one.min, other.min].filter(value => value !== null);
  const highs = [one.max, other.max].filter(value => value !== null);
  return thinned({
    steps: [...one.steps, ...other.steps],
    values: [...one.values, ...other.values],
    times: [...one.times, ...other.times],
    count: one.count + other.count,
    last: other.last,
    min: lows.length > 0 ? Math.min(...lows) : null,
    max: highs.length > 0 ? Math.max(...highs) : null
  });
}

/** Of each four points the lowest and the highest, where there are too many; the last one stays. */
function thinned(series: SeriesView): SeriesView {
  if (series.steps.length <= MOST_POINTS) {
    return series;
  }
  const kept: number[] = [];
  for (let at = 0; at < series.steps.length; at += 4) {
    const four = [at, at + 1, at + 2, at + 3].filter(each => each < series.steps.length);
    const byValue = [...four].sort(
      (one, other) => numberFrom(series.values[one]) - numberFrom(series.values[other])
    );
    kept.push(...new Set([byValue[0], byValue[byValue.length - 1]].sort((one, other) => one - other)));
  }
  const last = series.steps.length - 1;
  kept.push(...(kept[kept.length - 1] === last ? [] : [last]));
  return {
    ...series,
    steps: kept.map(at => series.steps[at]),
    values: kept.map(at => series.values[at]),
    times: kept.map(at => series.times[at])
  };
}

const PART =
  /^(train|training|val|valid|validation|test|eval|dev)[\W_]+(.+)$|^(.+?)[\W_]+(train|training|val|valid|validation|test|eval|dev)$/i;

/** What a metric is called without the part of the data that it is of: `loss` of `val_loss` and of `train/loss`. */
export function kindOf(name: string): string {
  const found = PART.exec(name);
  return found ? (found[2] ?? found[3]) : name;
}

/** The charts of all sources, by the names of what they noted; numbers noted once make no curve. */
export function chartsOf(sources: readonly Source[]): Chart[] {
  const names = [...new Set(sources.flatMap(({ view }) => Object.keys(view.series)))];
  const kinds = new Map<string, string[]>();
  for (const name of names) {
    kinds.set(kindOf(name), [...(kinds.get(kindOf(name)) ?? []), name]);
  }
  return [...kinds].flatMap(([kind, members]): Chart[] => {
    const tracks = sources.flatMap((source, at) =>
      members.flatMap((name, member): Track[] => {
        const series = source.view.series[name];
        return series && series.count > 1 ? [trackOf(sources, source, at, members, name, member)] : [];
      })
    );
    const looks =
      members.length > 1 ? members.map((name, at) => ({ name, look: memberLook(sources, at) })) : [];
    return tracks.length > 0
      ? [{ name: members.length > 1 ? kind : members[0], tracks, members: looks }]
      : [];
  });
}

function trackOf(
  sources: readonly Source[],
  source: Source,
  at: number,
  members: readonly string[],
  name: string,
  member: number
): Track {
  const words = [sources.length > 1 ? source.label : '', members.length > 1 ? name : ''].filter(Boolean);
  return {
    id: `${source.id} ${name}`,
    label: words.join(' ') || name,
    look: lookFor(sources, source, at, members, member),
    source: source.id,
    series: source.view.series[name]
  };
}

/** Of several sources, whose curves have colours, only dashes tell what is drawn. */
function memberLook(sources: readonly Source[], at: number): Look {
  const isOne = sources.length < 2 && sources[0]?.place === undefined;
  return isOne ? lookOf(at) : { ...lookOf(0, at), colour: 'currentcolor' };
}

/** Curves of one source are of one colour; where there is only one source its curves are told apart as well. */
function lookFor(
  sources: readonly Source[],
  { place }: Source,
  at: number,
  members: readonly string[],
  member: number
): Look {
  if (sources.length < 2 && place === undefined) {
    return lookOf(member);
  }
  return lookOf(place ?? at, members.length > 1 ? member : (place ?? at));
}

/** A series' points, in the order of x; over time: seconds since its own first point. */
export function pointsIn(series: SeriesView, over: Over): Point[] {
  const begun = series.times.find(time => time > 0) ?? 0;
  const at = over === 'time' ? series.times.map(time => time - begun) : series.steps;
  const points = series.values.map((value, index): Point => [at[index], numberFrom(value)]);
  const isOrdered = points.every(([x], index) => index === 0 || points[index - 1][0] <= x);
  return isOrdered ? points : points.sort(([one], [other]) => one - other);
}

/** Whether all series tell when their points were written. */
export function haveTimes(sources: readonly Source[]): boolean {
  return sources.every(({ view }) =>
    Object.values(view.series).every(({ times }) => times.every(time => time > 0))
  );
}

/** How many values of a series have no place in a chart: those that are no numbers, on a log scale all below zero. */
export function unplaced(points: readonly Point[], isLog: boolean): { odd: number; low: number } {
  return {
    odd: points.filter(([, value]) => !Number.isFinite(value)).length,
    low: isLog ? points.filter(([, value]) => Number.isFinite(value) && value <= 0).length : 0
  };
}
