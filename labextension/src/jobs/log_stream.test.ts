import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { ApiError } from '../api';
import type { LogView } from '../generated';
import { followLog, TAIL, type LogNews } from './log_stream';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Answer = Partial<LogView> | ApiError;

/** A server that gives these answers, and what it was asked. */
function server(...answers: Answer[]) {
  const asked: number[] = [];
  const get = vi.fn(async (_: string, query: { after: number }) => {
    asked.push(query.after);
    const answer = answers.shift() ?? { data: '', ended: true };
    if (answer instanceof ApiError) {
      throw answer;
    }
    return { attempt: 'a1', data: 'x', start: 0, next: 0, size: 0, ended: false, ...answer };
  });
  return { api: { get } as never, asked };
}

/** All news until the log ends, with time flying. */
async function newsOf(api: never, isSeen = () => true): Promise<LogNews[]> {
  const found: LogNews[] = [];
  const aborter = new AbortController();
  const reading = (async () => {
    for await (const news of followLog(api, { job: 'j', path: 't' }, aborter.signal, isSeen)) {
      found.push(news);
    }
  })();
  await vi.advanceTimersByTimeAsync(20_000);
  aborter.abort();
  await reading;
  return found;
}

it('goes on where it ended, to the end of the log', async () => {
  const { api, asked } = server({ next: 5, size: 5 }, { start: 5, next: 9, size: 9, ended: true });
  expect(await newsOf(api)).toHaveLength(2);
  expect(asked).toEqual([-TAIL, 5]);
});

it('asks again after the server was away, and after the person was signed out', async () => {
  const away = new ApiError(0, 'unreachable', 'away');
  const out = new ApiError(403, 'forbidden', 'signed out');
  const { api, asked } = server({ next: 5, size: 5 }, away, out, { start: 5, next: 5, size: 5, ended: true });
  const news = await newsOf(api);
  expect(news.map(each => ('trouble' in each ? each.trouble : ''))).toEqual(['', 'away', 'signed out', '']);
  expect(asked).toEqual([-TAIL, 5, 5, 5]);
});

it('ends where there is no such job any more', async () => {
  const { api, asked } = server(new ApiError(404, 'not_found', 'gone'));
  expect(await newsOf(api)).toEqual([{ trouble: 'gone' }]);
  expect(asked).toHaveLength(1);
});

it('asks nothing after the first page while nobody looks', async () => {
  const { api, asked } = server({ next: 5, size: 5 });
  await newsOf(api, () => false);
  expect(asked).toHaveLength(1);
});

it('leaps to the tail of a log that grows faster than it is read', async () => {
  const { api, asked } = server({ next: 5, size: 5 }, { start: 5, next: TAIL, size: 100 * TAIL });
  await newsOf(api);
  expect(asked).toEqual([-TAIL, 5, -TAIL]);
});

it('begins anew with a new attempt', async () => {
  const { api, asked } = server({ next: 50, size: 50 }, { attempt: 'a2', start: 50, next: 50, size: 7 });
  await newsOf(api);
  expect(asked).toEqual([-TAIL, 50, -TAIL]);
});
