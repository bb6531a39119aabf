/**
 * A log as it is written, by short requests. A stream would hold one of the six connections that a browser has for one
 * server (HTTP/1.1), over all of its tabs: a handful of logs, and nothing else of JupyterLab would get through.
 */
import { ApiError, word, type Api } from '../api';
import type { LogView } from '../generated';

/** A page of the log, or words on why there is none just now. */
export type LogNews = { page: LogView } | { trouble: string };

/** How much of a long log is shown at first, in bytes from its end; also the most that one request asks for. */
export const TAIL = 512 * 1024;

/** Bytes; a reader who is further behind leaps to the tail: no person reads that fast. */
const FAR = 4 * 1024 * 1024;
/** Milliseconds between two requests: after there was something, after long silence, and after a failure or unseen. */
const QUICK = 250;
const SLOW = 1500;
const AGAIN_AFTER = 2000;
const UNSEEN = 500;
/** To show a page may take this share of the time at most, or there would be none left for the person. */
const SHARE = 0.25;

/** Which log. */
export interface LogOf {
  job: string;
  path: string;
  /** Undefined: the current attempt's, and the next one's when there is one. */
  attempt?: number;
}

/** The route of a log. */
export function logRoute(of: LogOf): string {
  return `jobs/${word(of.job)}/tasks/${word(of.path)}/logs`;
}

/**
 * Pages from the tail on, until the attempt has ended or `signal` aborts; what fails for a while (the server away,
 * signed out) is told and outlived. After the first page nothing is asked while `isSeen` says that nobody looks.
 *
 * A page that does not begin where the last one ended is a new beginning: of another attempt, or after a leap.
 */
export async function* followLog(
  api: Pick<Api, 'get'>,
  of: LogOf,
  signal: AbortSignal,
  isSeen: () => boolean
): AsyncGenerator<LogNews> {
  let after = -TAIL;
  let last: LogView | null = null;
  let rest = QUICK;
  for (; !signal.aborted; await pause(rest, signal)) {
    if (last !== null && !isSeen()) {
      rest = UNSEEN;
      continue;
    }
    try {
      const query = { after, attempt: of.attempt, limit: TAIL };
      const page: LogView = await api.get<LogView>(logRoute(of), query, signal);
      if (last?.attempt && last.attempt !== page.attempt && page.start > 0) {
        after = -TAIL;
        last = null;
        continue;
      }
      const began = performance.now();
      if (page.data || page.ended || last === null) {
        yield { page };
      }
      if (page.ended && page.next >= page.size) {
        return;
      }
      rest = restAfter(page, rest, performance.now() - began);
      after = page.size - page.next > FAR ? -TAIL : page.next;
      last = page;
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      yield { trouble: error instanceof Error ? error.message : String(error) };
      if (isFinal(error)) {
        return;
      }
      rest = AGAIN_AFTER;
    }
  }
}

function restAfter(page: LogView, before: number, took: number): number {
  return Math.max(page.data ? QUICK : Math.min(SLOW, before * 1.5), took / SHARE);
}

/** Whether asking again cannot help: there is no such job or task (any more). */
function isFinal(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500 && !error.isSignedOut;
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
