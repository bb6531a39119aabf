import { describe, expect, it } from 'vitest';

import { curvesIn } from '../viewers/chart';
import { imageType, imageUrl, previewOf } from './outputs_preview';

describe('the preview of a file', () => {
  it.each([
    ['a.html', '<p>x</p>', 'html'],
    ['a.md', '# x', 'mime'],
    ['a.json', '{"a": 1}', 'mime'],
    ['a.csv', 'a,b\n1,2\n', 'table'],
    ['a.tsv', 'a\tb\n1\t2\n', 'table'],
    ['a.jsonl', '{"a": 1}\n{"a": 2}\n', 'table'],
    ['a.log', 'x', 'mime'],
    ['a.weights', 'plain words', 'mime'],
    ['a.bin', '\x00\x01', 'none']
  ])('%s is shown by its kind', (path, text, kind) => expect(previewOf(path, text, false).kind).toBe(kind));

  it('of broken JSON is its text', () => {
    expect(previewOf('a.json', '{', false)).toMatchObject({ kind: 'mime', type: 'text/plain' });
  });

  it('of a table has the curves of its beginning, without a half line', () => {
    const text = 'step,loss\n1,0.5\n2,0.4\n3,0.';
    expect(previewOf('a.csv', text, true)).toMatchObject({ written: 'csv', curves: { y: ['loss'] } });
    expect(previewOf('a.csv', text, true)).not.toMatchObject({ curves: { rows: { length: 3 } } });
  });

  it('knows images by their names', () => {
    expect(imageType('x/Confusion.PNG')).toBe('image/png');
    expect(imageType('png')).toBeUndefined();
  });
});

describe('curves', () => {
  it('are the columns of numbers over the step', () => {
    expect(
      curvesIn([
        { epoch: 1, loss: 0.5 },
        { epoch: 2, loss: 0.4 }
      ])
    ).toMatchObject({ x: 'epoch', y: ['loss'] });
  });

  it('are over the row where there is no step', () => {
    expect(
      curvesIn([
        { loss: 0.5, at: '2026-01-01T00:00:00Z' },
        { loss: 0.4, at: '2026-01-01T00:00:05Z' }
      ])
    ).toMatchObject({ x: 'row', y: ['loss'] });
  });

  it('are none where rows have names, unless there is a step', () => {
    const rows = [
      { model: 'forest 1', accuracy: 0.9 },
      { model: 'svm', accuracy: 0.8 }
    ];
    expect(curvesIn(rows)).toBeNull();
    expect(curvesIn(rows.map((row, step) => ({ step, ...row })))).toMatchObject({
      x: 'step',
      y: ['accuracy']
    });
  });

  it('need two rows and a column of numbers', () => {
    expect(curvesIn([{ loss: 0.5 }])).toBeNull();
    expect(curvesIn([{ a: 'x' }, { a: 'y' }])).toBeNull();
  });
});

it('JSON that is nested deeper than renderers can follow is shown as text', () => {
  const text = '['.repeat(100_000) + ']'.repeat(100_000);
  expect(previewOf('a.json', text, false)).toMatchObject({ kind: 'mime', type: 'text/plain' });
});

it('an SVG is never at an address of JupyterLab, where its scripts would run as part of it', async () => {
  const image = { text: () => Promise.resolve('<svg/>') } as Blob;
  expect(await imageUrl(image, 'image/svg+xml')).toBe('data:image/svg+xml;charset=utf-8,%3Csvg%2F%3E');
});
