import { describe, expect, it } from 'vitest';

import { pastePlaces } from './paste_places';

const task = (name: string, ...dependencies: string[]) => ({ name, dependencies });

describe('tasks that are added together', () => {
  it('stand behind what they need, and beside what they do not', () => {
    const tasks = [
      task('fit', 'load'),
      task('load'),
      task('clean', 'elsewhere'),
      task('report', 'fit', 'clean')
    ];
    expect(pastePlaces(tasks, { x: 10, y: 20 }, 'LR')).toEqual([
      { x: 270, y: 20 },
      { x: 10, y: 20 },
      { x: 10, y: 104 },
      { x: 530, y: 20 }
    ]);
  });

  it('go down where the canvas does', () => {
    expect(pastePlaces([task('a'), task('b', 'a')], { x: 0, y: 0 }, 'TB')).toEqual([
      { x: 0, y: 0 },
      { x: 0, y: 120 }
    ]);
  });

  it('have places also where they wait for each other', () => {
    expect(pastePlaces([task('a', 'b'), task('b', 'a')], { x: 0, y: 0 }, 'LR')).toHaveLength(2);
  });
});
