import { expect, it } from 'vitest';

import { TaskClipboard } from './clipboard';

it('pastes what is on the system’s clipboard, whoever put it there', async () => {
  let held = '';
  const system = { readText: async () => held, writeText: async (text: string) => void (held = text) };
  const clipboard = new TaskClipboard(system);
  await clipboard.write('- name: a\n');
  expect(held).toBe('- name: a\n');
  held = '- name: b\n';
  expect(await clipboard.read()).toBe('- name: b\n');
});

it('pastes what was copied here where the system’s clipboard may not be read', async () => {
  const system = { readText: () => Promise.reject(new Error('denied')), writeText: async () => {} };
  const clipboard = new TaskClipboard(system);
  await clipboard.write('- name: a\n');
  expect(await clipboard.read()).toBe('- name: a\n');
});
