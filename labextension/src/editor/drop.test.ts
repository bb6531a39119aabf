import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { canBecomeTask, freeName, nameFor, shellWord, tasksFor } from './drop';

const trans = nullTranslator.load('');
const drop = (paths: string[], pipeline = 'work/p.fasttrack.yaml', taken: string[] = []) =>
  tasksFor(paths, pipeline, new Set(taken), trans);

describe('tasksFor', () => {
  it('writes the command that belongs to the kind of file, relative to the pipeline', () => {
    expect(drop(['work/train.py', 'work/sub/clean.sh', 'work/fit.R']).tasks).toEqual([
      { name: 'train', command: 'python train.py' },
      { name: 'clean', command: 'sh sub/clean.sh' },
      { name: 'fit', command: 'Rscript fit.R' }
    ]);
  });

  it('makes a task of a whole notebook, under its name as it is', () => {
    expect(drop(["work/sub/what's new.ipynb"]).tasks).toEqual([
      { name: 'what-s new', type: 'notebook', notebook: "sub/what's new.ipynb" }
    ]);
  });

  it('refuses what lies outside the folder or on another drive, and takes the rest', () => {
    const outcome = drop(['other/train.py', 'RTC:work/train.py', 'work/ok.py']);
    expect(outcome.tasks).toHaveLength(1);
    expect(outcome.refused).toHaveLength(2);
    expect(outcome.refused[0]).toContain('other/train.py');
  });

  it('takes files of a pipeline at the root of the contents', () => {
    expect(drop(['a/b.py'], 'p.fasttrack.yaml').tasks).toEqual([{ name: 'b', command: 'python a/b.py' }]);
  });

  it('refuses kinds that no command is known for', () => {
    expect(drop(['work/data.csv']).refused[0]).toContain('data.csv');
    expect(canBecomeTask('data.csv')).toBe(false);
  });

  it('gives names that are free, also among themselves', () => {
    const names = drop(['work/a/x.py', 'work/b/x.py'], undefined, ['x']).tasks;
    expect(names).toMatchObject([{ name: 'x-2' }, { name: 'x-3' }]);
  });

  it('quotes what a shell would take apart', () => {
    expect(drop(["work/my 'own' file.py"]).tasks).toMatchObject([
      { command: `python 'my '\\''own'\\'' file.py'` }
    ]);
  });

  it('refuses a name that would be read as an expression', () => {
    expect(drop(['work/${{ job.id }}.py']).refused).toHaveLength(1);
  });
});

it('makes a task name of any file name', () => {
  expect(nameFor('a/<b>x</b>.py')).toBe('b');
  expect(nameFor('데이터 준비.py')).toBe('데이터 준비');
  expect(nameFor('a/+++.py')).toBe('task');
  expect(nameFor(`${'x'.repeat(99)}.py`)).toHaveLength(64);
});

it('numbers a name that is taken, within 64 characters', () => {
  expect(freeName('x'.repeat(64), new Set(['x'.repeat(64)])).length).toBeLessThanOrEqual(64);
});

it('never lets a file pass for an option', () => {
  expect(shellWord('-c.py')).toBe('./-c.py');
});
