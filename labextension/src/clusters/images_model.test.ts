import { expect, it } from 'vitest';

import type { ClusterImage } from '../generated';
import { chosen, familiesOf, nameParts } from './images_model';
import { sessionState, sessionTitle } from './session_line';

const image = (name: string, more: Partial<ClusterImage> = {}): ClusterImage => ({
  name,
  architectures: ['x86_64'],
  aliases: [],
  accelerators: [],
  is_installed: true,
  size: 0,
  apps: [],
  ...more
});
const TORCH = image('cr.example.org/stable/ngc-pytorch:24.05', { accelerators: ['cuda'], apps: ['jupyter'] });
const ROCM = image('cr.example.org/stable/rocm-torch:6', { accelerators: ['rocm', '*'], aliases: ['amd'] });
const PLAIN = image('python:3.11', { labels: { 'ai.backend.base-distro': 'debian12' } });
const ALL = [TORCH, ROCM, PLAIN];

it('images have every word, in name, alias, app, accelerator or distribution', () => {
  const found = (text: string, family: string | null = null) =>
    chosen(ALL, text, family).map(each => each.name);
  expect(found('')).toHaveLength(3);
  expect([found('TORCH stable'), found('Debian12'), found('amd'), found('jupyter cuda')]).toEqual([
    [TORCH.name, ROCM.name],
    [PLAIN.name],
    [ROCM.name],
    [TORCH.name]
  ]);
  expect([found('torch', 'rocm'), found('torch python')]).toEqual([[ROCM.name], []]);
  expect(familiesOf(ALL)).toEqual(['cuda', 'rocm']);
});

it('a name’s end tells most', () => {
  expect(nameParts('host:5000/p/python:3')).toEqual({ short: 'python:3', from: 'host:5000/p' });
  expect(nameParts('python:3')).toEqual({ short: 'python:3', from: '' });
});

it('a session is shown as a task instance is, and knows its job', () => {
  const states = [
    ['RUNNING', 'UNDEFINED'],
    ['PULLING', 'UNDEFINED'],
    ['TERMINATED', 'FAILURE'],
    ['TERMINATED', 'UNDEFINED']
  ].map(([status, result]) => sessionState({ status, result }));
  expect(states).toEqual(['running', 'preparing', 'failure', 'cancelled']);
  const task = { job: '1m82-x', pipeline: 'digits', index: 12, path: 'train', attempt: 2 };
  expect(sessionTitle({ name: 'ft-1m82-x-0-2', task })).toBe('digits #12 / train');
  expect(sessionTitle({ name: 'my-notebook', task: null })).toBe('my-notebook');
});
