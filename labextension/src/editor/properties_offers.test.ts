import { describe, expect, it } from 'vitest';

import { choicesOf, Offers } from './properties_offers';

const ANSWERS: Record<string, unknown> = {
  images: [{ name: 'python', kind: 'venv', description: '', ready: true }],
  slots: { slots: { cpu: { total: '4', used: '0' } } },
  folders: [{ name: 'mine' }],
  secrets: [{ name: 'token' }],
  'clusters/backend.ai/images': [
    { name: 'cr/pytorch', accelerators: ['cuda'], architectures: ['x86_64'], is_installed: false }
  ],
  'clusters/backend.ai/folders': [{ name: 'shared' }],
  'clusters/backend.ai': {
    groups: [
      { name: 'gpu', is_active: true },
      { name: 'old', is_active: false }
    ],
    projects: [{ name: 'team' }]
  }
};

/** A server that has `answers`, for a form whose backend is what `chosen` holds. */
function offersOf(answers: Record<string, unknown>, chosen: { backend: string }): Offers {
  const get = <T>(path: string): Promise<T> =>
    path in answers ? Promise.resolve(answers[path] as T) : Promise.reject(new Error('away'));
  return new Offers(
    { get },
    () => chosen.backend,
    () => ['local', 'backend.ai']
  );
}

describe('what a form offers', () => {
  it('is of the chosen backend: a cluster has groups, projects and images for accelerators', async () => {
    const chosen = { backend: 'local' };
    const offers = offersOf(ANSWERS, chosen);
    await offers.refresh();
    expect([
      offers.now.images[0].name,
      offers.now.folders,
      choicesOf(offers.now, 'environment.project')
    ]).toEqual(['python', ['mine'], []]);
    chosen.backend = 'backend.ai';
    await offers.refresh();
    expect(offers.now.images).toEqual([
      { name: 'cr/pytorch', kind: 'image', description: 'CUDA · x86_64', ready: false }
    ]);
    expect(offers.now.folders).toEqual(['shared']);
    expect(choicesOf(offers.now, 'environment.scaling-group')).toEqual(['gpu']);
    expect(choicesOf(offers.now, 'environment.project')).toEqual(['team']);
    expect(choicesOf(offers.now, 'backend')).toEqual(['local', 'backend.ai']);
  });

  it('is another value once an answer is there, so that a form that is open shows it', async () => {
    const offers = offersOf(ANSWERS, { backend: 'local' });
    const before = offers.now;
    await offers.refresh();
    expect(before.images).toEqual([]);
    expect(offers.now.images).not.toEqual([]);
  });

  it('is nothing of another backend while the chosen one does not answer', async () => {
    const chosen = { backend: 'local' };
    const { images, slots, folders, secrets } = ANSWERS;
    const offers = offersOf({ images, slots, folders, secrets }, chosen);
    await offers.refresh();
    chosen.backend = 'backend.ai:work';
    await offers.refresh();
    expect([offers.now.images, offers.now.folders]).toEqual([[], []]);
  });
});
