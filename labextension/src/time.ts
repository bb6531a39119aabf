/**
 * Times as people say them: relative, with the exact one in the reader's own zone for those who hover; and numbers.
 * The language is JupyterLab's; of its regions, the browser's (15/01 or 1/15).
 */
import type { TranslationBundle } from '@jupyterlab/translation';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Seconds between two RFC 3339 times; up to `now` (milliseconds) where the second is missing; null without the first. */
export function secondsBetween(from: string | null, to: string | null, now: number): number | null {
  if (from === null) {
    return null;
  }
  return Math.max(0, ((to === null ? now : Date.parse(to)) - Date.parse(from)) / 1000);
}

/** A duration in at most two units: `0.4 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function duration(seconds: number, trans: TranslationBundle): string {
  if (seconds > 0 && seconds < 0.1) {
    return trans.__('%1 ms', Math.ceil(seconds * 1000));
  }
  if (seconds < 10) {
    return trans.__('%1 s', seconds === 0 ? '0' : seconds.toFixed(1));
  }
  const whole = Math.round(seconds);
  if (whole < MINUTE) {
    return trans.__('%1 s', whole);
  }
  if (whole < HOUR) {
    return two(trans.__('%1 min', Math.floor(whole / MINUTE)), whole % MINUTE, rest =>
      trans.__('%1 s', rest)
    );
  }
  if (whole < DAY) {
    const minutes = Math.floor((whole % HOUR) / MINUTE);
    return two(trans.__('%1 h', Math.floor(whole / HOUR)), minutes, rest => trans.__('%1 min', rest));
  }
  const hours = Math.floor((whole % DAY) / HOUR);
  return two(trans.__('%1 d', Math.floor(whole / DAY)), hours, rest => trans.__('%1 h', rest));
}

/** How long ago, in one unit; a date once it is more than four weeks. */
export function ago(time: string, now: number, trans: TranslationBundle): string {
  const seconds = Math.max(0, (now - Date.parse(time)) / 1000);
  if (seconds < 10) {
    return trans.__('just now');
  }
  if (seconds < MINUTE) {
    return trans.__('%1 s ago', Math.floor(seconds));
  }
  if (seconds < HOUR) {
    return trans.__('%1 min ago', Math.floor(seconds / MINUTE));
  }
  if (seconds < DAY) {
    return trans.__('%1 h ago', Math.floor(seconds / HOUR));
  }
  if (seconds < 28 * DAY) {
    return trans.__('%1 d ago', Math.floor(seconds / DAY));
  }
  return formats(trans).date.format(Date.parse(time));
}

/** How often `ago` has something new to say of the newest of `times`, in milliseconds: seconds at first, then minutes. */
export function paceOf(times: readonly (string | undefined)[]): number {
  const recent = Date.now() - MINUTE * 1000;
  return times.some(time => time !== undefined && Date.parse(time) > recent) ? 1000 : 15_000;
}

/** The exact time, in the browser's zone and in the language of JupyterLab. */
export function exact(time: string, trans: TranslationBundle): string {
  return formats(trans).exact.format(Date.parse(time));
}

/** The hour of a time (milliseconds), to the second. */
export function clock(time: number, trans: TranslationBundle): string {
  return formats(trans).clock.format(time);
}

/** A number as it is read beside an axis: four digits, large ones shortened. */
export function shortNumber(value: number, trans: TranslationBundle): string {
  const { large, number } = formats(trans);
  return (Math.abs(value) >= 1e5 ? large : number).format(value);
}

interface Formats {
  exact: Intl.DateTimeFormat;
  date: Intl.DateTimeFormat;
  clock: Intl.DateTimeFormat;
  number: Intl.NumberFormat;
  large: Intl.NumberFormat;
}

function two(first: string, rest: number, words: (rest: number) => string): string {
  return rest === 0 ? first : `${first} ${words(rest)}`;
}

/** By language, because to make them takes milliseconds, to use them none. */
const FORMATS = new Map<string, Formats>();

function formats(trans: TranslationBundle): Formats {
  const language = languageOf(trans);
  let found = FORMATS.get(language);
  if (!found) {
    found = {
      exact: new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'long' }),
      date: new Intl.DateTimeFormat(language),
      clock: new Intl.DateTimeFormat(language, { hour: '2-digit', minute: '2-digit', second: '2-digit' }),
      number: new Intl.NumberFormat(language, { maximumSignificantDigits: 4 }),
      large: new Intl.NumberFormat(language, { notation: 'compact', maximumSignificantDigits: 4 })
    };
    FORMATS.set(language, found);
  }
  return found;
}

/** The language of `trans` as BCP 47 writes it; the browser's own form of it where it has one. */
export function languageOf(trans: TranslationBundle): string {
  const locale = 'getLocale' in trans ? (trans as { getLocale(): unknown }).getLocale() : null;
  const tag = typeof locale === 'string' ? locale.replace(/_/g, '-') : '';
  const isSame = (other: string): boolean => other.split('-')[0] === tag.split('-')[0];
  const found = tag === '' ? navigator.language : (navigator.languages.find(isSame) ?? tag);
  return Intl.DateTimeFormat.supportedLocalesOf([found]).length > 0 ? found : navigator.language;
}
