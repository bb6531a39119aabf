import { nullTranslator } from '@jupyterlab/translation';
import { expect, it, vi } from 'vitest';

import type { JobSummary } from '../generated';
import { JobActions } from './actions';

it('pressing Rerun twice makes one job, also where the page is not served over HTTPS', async () => {
  vi.stubGlobal('crypto', { getRandomValues: crypto.getRandomValues.bind(crypto) }); // no randomUUID there
  const send = vi.fn(async (_method: string, _path: string, _body: { key: string }) => ({ id: 'new' }));
  const jobs = { refresh: vi.fn() } as never;
  const actions = new JobActions(
    { send } as never,
    jobs,
    {} as never,
    () => undefined,
    nullTranslator.load('')
  );
  const job = { id: 'old' } as JobSummary;
  await Promise.all([actions.rerun(job, false), actions.rerun(job, false)]);
  expect(send).toHaveBeenCalledTimes(1);
  expect(send.mock.calls[0][2].key).toMatch(/^[0-9a-f-]{36}$/);
  vi.unstubAllGlobals();
});
