import { expect, it } from 'vitest';

import { mountEdits } from './commands_cluster';
import type { Json } from './edits';

it('a vfolder is mounted once, beside what is mounted already', () => {
  const tasks: Record<string, Json> = {
    a: { name: 'a' },
    b: { name: 'b', mounts: ['x'] },
    c: { mounts: ['data:d'] }
  };
  const model = { taskData: (name: string) => tasks[name] };
  expect(mountEdits({ model }, ['a', 'b', 'c'], 'data')).toEqual([
    { kind: 'set-task', names: ['a'], path: ['mounts'], value: ['data'] },
    { kind: 'set-task', names: ['b'], path: ['mounts'], value: ['x', 'data'] }
  ]);
});
