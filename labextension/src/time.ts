/** Times as people say them: relative, with the exact one in the reader's own zone for those who hover. */
import type { TranslationBundle } from '@jupyterlab/translation';

/** To make one takes milliseconds, to use it none. */
const EXACT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'long' });
const DATE = new Intl.DateTimeFormat();

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
  return DATE.format(Date.parse(time));
}

/** The exact time, in the browser's zone and language. */
export function exact(time: string): string {
  return EXACT.format(Date.parse(time));
}

function two(first: string, rest: number, words: (rest: number) => string): string {
  return rest === 0 ? first : `${first} ${words(rest)}`;
}
