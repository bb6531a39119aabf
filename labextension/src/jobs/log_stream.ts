/** A log as it is written: the stream of pages that the engine sends as JSON lines, taken up again where it broke off. */
import { ApiError, word, type Api } from '../api';
import type { LogView } from '../generated';

/** A page of the log, or words on why there is none just now. */
export type LogNews = { page: LogView } | { trouble: string };

/** How much of a long log is shown at first, in bytes from its end. */
export const TAIL = 512 * 1024;

const AGAIN_AFTER = 2000;

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

/** Pages from the tail on, until the attempt has ended or `signal` aborts; breaks are told and outlived. */
export async function* followLog(api: Api, of: LogOf, signal: AbortSignal): AsyncGenerator<LogNews> {
  let after = -TAIL;
  while (!signal.aborted) {
    try {
      for await (const page of stream(api, of, after, signal)) {
        after = page.next;
        yield { page };
        if (page.ended && page.next >= page.size) {
          return;
        }
      }
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      yield { trouble: error instanceof Error ? error.message : String(error) };
      if (error instanceof ApiError && !error.isUnreachable) {
        return;
      }
    }
    await pause(AGAIN_AFTER, signal);
  }
}

async function* stream(api: Api, of: LogOf, after: number, signal: AbortSignal): AsyncGenerator<LogView> {
  const answer = await api.raw(`${logRoute(of)}/stream`, { after, attempt: of.attempt, limit: TAIL }, signal);
  for await (const line of linesOf(answer)) {
    const said = JSON.parse(line) as LogView & { error?: { message: string } };
    if (said.error) {
      throw new ApiError(503, 'stream', said.error.message);
    }
    yield said;
  }
}

/** The lines of an answer as they come; empty ones (heartbeats) are left out. */
export async function* linesOf(answer: Response): AsyncGenerator<string> {
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { done = true, value = '' } = (await reader?.read()) ?? {};
    const parts = (rest + value).split('\n');
    rest = parts.pop() ?? '';
    yield* parts.filter(Boolean);
    if (done) {
      return;
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = setTimeout(resolve, milliseconds);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });
}
