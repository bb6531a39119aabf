import { describe, expect, it, vi } from 'vitest';

import { EngineOffers } from './offers';

const ANSWERS: Record<string, { name: string }[]> = {
  local: [{ name: 'py:3.12' }],
  'backend.ai': [{ name: 'cr.example.org/python:3.13' }]
};

describe('what the engine has to choose from', () => {
  it('is asked once for each backend', async () => {
    const get = vi.fn(async (_: string, query?: { backend?: string }) => ANSWERS[query?.backend ?? '']);
    const offers = new EngineOffers({ get } as never);
    const heard = vi.fn();
    offers.changed.connect(heard);
    expect(offers.images('backend.ai')).toEqual([]);
    await vi.waitFor(() => expect(heard).toHaveBeenCalledOnce());
    expect(offers.images('backend.ai')).toEqual(['cr.example.org/python:3.13']);
    expect(offers.images('local')).toEqual([]);
    await vi.waitFor(() => expect(offers.images('local')).toEqual(['py:3.12']));
    expect(get).toHaveBeenCalledTimes(2);
  });

  it('is nothing while there is no answer, and asked for again when the form is shown again', async () => {
    const get = vi
      .fn()
      .mockRejectedValueOnce(new Error('gone'))
      .mockResolvedValue([{ name: 'local' }]);
    const offers = new EngineOffers({ get } as never);
    expect(offers.backends).toEqual([]);
    await vi.waitFor(() => expect(get).toHaveBeenCalledOnce());
    await Promise.resolve();
    expect(offers.backends).toEqual([]);
    expect(get).toHaveBeenCalledOnce();
    offers.retry();
    void offers.backends;
    await vi.waitFor(() => expect(offers.backends).toEqual(['local']));
  });
});
