import { expect, it, vi } from 'vitest';

import { hasApps, sessionOf } from './task_apps';

it('apps are there while a session runs on a cluster', () => {
  expect(hasApps({ backend: 'backend.ai', status: 'RUNNING' })).toBe(true);
  expect(hasApps({ backend: 'backend.ai:lab', status: 'RUNNING' })).toBe(true);
  expect(hasApps({ backend: 'backend.ai', status: 'PENDING' })).toBe(false);
  expect(hasApps({ backend: 'local', status: 'RUNNING' })).toBe(false);
  expect(hasApps(undefined)).toBe(false);
});

it('the session of an attempt is the one that says so, not one that is called alike', async () => {
  const sessions = [
    { attempt: null, name: 'ft-a-0-10' },
    { attempt: 'a-0-1', name: 'ft-a-0-1', id: 's' }
  ];
  const get = vi.fn(() => Promise.resolve({ total: 2, sessions }));
  const api = { get } as unknown as Parameters<typeof sessionOf>[0];
  expect(await sessionOf(api, 'backend.ai:lab', 'a-0-1')).toBe(sessions[1]);
  expect(get).toHaveBeenCalledWith('clusters/backend.ai%3Alab/sessions', {
    live: true,
    text: 'a-0-1',
    limit: 10
  });
  expect(await sessionOf(api, 'backend.ai', 'b-0-1')).toBeNull();
});
