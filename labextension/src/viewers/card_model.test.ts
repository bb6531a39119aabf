import { expect, it } from 'vitest';

import type { FileView, LineageNode, LineageView } from '../generated';
import { cardsIn, sizeOf, storyOf } from './card_model';

const node = (id: string, kind: 'task' | 'model' | 'service', job: string | null = null): LineageNode =>
  ({ id, kind, name: id, job }) as LineageNode;
const file = (path: string, size: number): FileView =>
  ({ path, size, is_dir: false, modified_at: '2026-01-01T00:00:00Z' }) as FileView;

it('models and datasets have cards, values and other artifacts have none', () => {
  const outputs = {
    model: { type: 'Model', path: '/home/p/jobs/1/train/model', metadata: { framework: 'torch' } },
    plot: { type: 'Plot', path: 'plot.png' },
    accuracy: 0.9,
    odd: null
  };
  expect(cardsIn(outputs).map(({ name, metadata }) => [name, metadata])).toEqual([
    ['model', { framework: 'torch' }]
  ]);
});

it('an artifact is as large as its files are, wherever its folder is', () => {
  const [folder] = cardsIn({ m: { type: 'Model', path: '/home/p/jobs/1/train/model' } });
  const files = [file('model/a', 3), file('model/b/c', 4), file('models', 100)];
  expect(sizeOf(folder, 'jobs/1/train', files)).toEqual({ files: 2, bytes: 7 });
  const [relative] = cardsIn({ m: { type: 'Model', path: 'models' } });
  expect(sizeOf(relative, 'jobs/1/train', files)).toEqual({ files: 1, bytes: 100 });
  expect(sizeOf(folder, null, files)).toBeNull();
});

it('its story is who made it of what, and what used that output or a version of it', () => {
  const lineage = {
    subject: 'train',
    nodes: [
      node('prepare', 'task', '1'),
      node('train', 'task', '1'),
      node('report', 'task', '1'),
      node('other', 'task', '2'),
      node('digits@3', 'model'),
      node('digits', 'service')
    ],
    edges: [
      { from: 'prepare', to: 'train', output: 'data', input: 'data' },
      { from: 'train', to: 'report', output: 'accuracy', input: null },
      { from: 'train', to: 'other', output: 'model', input: 'model' },
      { from: 'train', to: 'digits@3', output: 'model', input: null },
      { from: 'digits@3', to: 'digits', output: null, input: null }
    ]
  } as unknown as LineageView;
  const story = storyOf(lineage, 'model');
  expect(story.madeBy?.id).toBe('train');
  expect(story.madeOf).toEqual(['prepare.data']);
  expect(story.usedBy.map(({ id }) => id)).toEqual(['other']);
  expect(story.versions.map(({ id }) => id)).toEqual(['digits@3']);
  expect(story.services.map(({ id }) => id)).toEqual(['digits']);
});
