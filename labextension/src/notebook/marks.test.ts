import { describe, expect, it } from 'vitest';

import { chipsOf, freeName, isTask, markOf, metadataOf, withoutMagic } from './marks';
import { optionsOf, quoted, splitWords, textOf, valueOf } from './options';

describe('a magic', () => {
  const source =
    "%%fasttrack_task 'my task' --after a,b --cpu 2 --mem=4g --env A=1 --env 'B=x y' --no-run --no-cache --when 'params.n > 1'\nx = 1";

  it('is read with its options, as metadata have them', () => {
    expect(markOf(source, {})).toEqual({
      kind: 'task',
      task: 'my task',
      options: {
        after: ['a', 'b'],
        cpu: 2,
        mem: '4g',
        env: { A: '1', B: 'x y' },
        run: false,
        cache: false,
        when: 'params.n > 1'
      },
      origin: 'magic'
    });
  });

  it('makes a shell task by its option', () => {
    expect(markOf('%%fasttrack_task s --shell\nls', {})).toMatchObject({ kind: 'shell', options: {} });
  });

  it('is found below empty lines, and nowhere else', () => {
    expect(markOf('\n\n%%fasttrack_common\nimport os', {})?.kind).toBe('common');
    expect(markOf('x = 1\n%%fasttrack_task late', {})).toBeNull();
    expect(markOf('%%time\nx', {})).toBeNull();
  });

  it('wins over metadata, field by field, and these win over tags', () => {
    const metadata = {
      fasttrack: { kind: 'task', task: 'form', mem: '1g', cpu: 1 },
      tags: ['step:kale', 'prev:a']
    };
    expect(markOf('%%fasttrack_task magic --cpu 2', metadata)).toEqual({
      kind: 'task',
      task: 'magic',
      options: { mem: '1g', cpu: 2 },
      origin: 'magic'
    });
    expect(markOf('x', metadata)).toMatchObject({ task: 'form', origin: 'form' });
    expect(markOf('x', { tags: metadata.tags })).toEqual({
      kind: 'task',
      task: 'kale',
      options: { after: ['a'] },
      origin: 'tags'
    });
    expect(markOf('%%fasttrack_common', metadata)).toMatchObject({ kind: 'common', options: {} });
  });

  it('is taken away with the lines before it', () => {
    expect(withoutMagic('\n%%fasttrack_task a\nx = 1\n')).toBe('x = 1\n');
    expect(withoutMagic('x = 1')).toBe('x = 1');
  });
});

describe('metadata', () => {
  it('come back as they were written', () => {
    const written = { kind: 'task', task: 'train', cpu: 2, after: ['a'], env: { A: '1' } };
    const mark = markOf('', { fasttrack: written });
    expect(mark && metadataOf(mark)).toEqual(written);
  });

  it('leave out what is not said, and names of what has none', () => {
    expect(
      metadataOf({ kind: 'common', task: '', options: { cpu: undefined, mem: '' }, origin: 'form' })
    ).toEqual({ kind: 'common' });
  });

  it.each([null, 3, 'task', [], {}, { kind: 'odd' }, { kind: null, task: 3 }])(
    'that make no sense mark nothing: %j',
    fasttrack => expect(markOf('', { fasttrack })).toBeNull()
  );

  it('name a task even without a kind, and no task without a name', () => {
    expect(markOf('', { fasttrack: { task: 'a' } })?.kind).toBe('task');
    expect(isTask(markOf('', { fasttrack: { kind: 'task' } }))).toBe(false);
  });
});

describe('tags', () => {
  it.each([
    [['parameters'], 'params'],
    [['pipeline-parameters'], 'params'],
    [['imports'], 'common'],
    [['functions'], 'common'],
    [['skip'], 'skip'],
    [['block:a'], 'task']
  ])('%j are %s', (tags, kind) => expect(markOf('', { tags })?.kind).toBe(kind));

  it('of other tools mark nothing', () => expect(markOf('', { tags: ['hide-input'] })).toBeNull());
});

describe('words of a line', () => {
  it('are split as a shell does', () => {
    expect(splitWords(`a 'b c' "d \\" e" f\\ g --x='1 2'`)).toEqual(['a', 'b c', 'd " e', 'f g', '--x=1 2']);
  });

  it.each(['plain', 'pandas>=2', 'two words', "it's", ''])('%j comes back quoted', each => {
    expect(splitWords(`x ${quoted(each)}`)).toEqual(each ? ['x', each] : ['x', ...splitWords("''")]);
  });

  it('that nobody knows are left out', () => {
    expect(optionsOf(['name', '--what', '--cpu', '1'])).toEqual({ names: ['name'], options: { cpu: 1 } });
  });
});

describe('a field', () => {
  it.each([
    ['cpu', '0.5', 0.5],
    ['mem', ' 4g ', '4g'],
    ['env', 'A=1\n\nB=x=y', { A: '1', B: 'x=y' }],
    ['in', 'X, y', ['X', 'y']],
    ['requirements', "pandas>=2 'a b'", ['pandas>=2', 'a b']],
    ['mount', 'data:/data\nmore', ['data:/data', 'more']],
    ['image', '  ', undefined]
  ])('%s: %j is %j', (key, text, value) => expect(valueOf(key, text)).toEqual(value));

  it.each([
    ['env', { A: '1', B: 'x=y' }, 'A=1\nB=x=y'],
    ['in', ['X', 'y'], 'X, y'],
    ['cpu', 2, '2'],
    ['requirements', ['pandas>=2', 'a b'], "pandas>=2 'a b'"],
    ['mem', undefined, '']
  ])('%s shows %j as %j', (key, value, text) => expect(textOf(key, value)).toBe(text));
});

it('says in few words what a cell asks for', () => {
  const mark = markOf('%%fasttrack_task a --image py:3.12 --cpu 4 --mem 16g --gpu 1 --after b', {});
  expect(mark && chipsOf(mark).map(each => each.text)).toEqual(['py:3.12', '4 cpu · 16g · 1 gpu', 'b']);
});

it('finds a name that nobody has', () => expect(freeName(['task-1', 'task-3'])).toBe('task-2'));
