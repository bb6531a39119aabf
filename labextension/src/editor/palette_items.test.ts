import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { matching, taskKinds, templatePath, templatesAmong } from './palette_items';

const trans = nullTranslator.load('fasttrack_jupyter');
const file = (path: string, problem: string | null = null) => ({ path, name: path, tasks: 2, problem });

describe('the palette', () => {
  it('offers the pipelines of template folders alone, and no broken ones', () => {
    const files = [
      file('templates/a.fasttrack.yaml'),
      file('b.fasttrack.yaml'),
      file('templates/c.fasttrack.yaml', 'broken')
    ];
    expect(templatesAmong(files, ['templates/'], trans).map(item => item.id)).toEqual([
      'templates/a.fasttrack.yaml'
    ]);
    expect(templatesAmong([file('templates-old/a.fasttrack.yaml')], ['templates'], trans)).toEqual([]);
  });

  it('finds by all words, in the label or the description', () => {
    expect(matching(taskKinds(trans), 'IMAGE own').map(item => item.id)).toEqual(['image']);
    expect(matching(taskKinds(trans), '')).toHaveLength(taskKinds(trans).length);
  });

  it('keeps a template under a free name without what a path cannot hold', () => {
    expect(templatePath('templates', 'a/b', new Set())).toBe('templates/a-b.fasttrack.yaml');
    expect(templatePath('templates', '훈련', new Set(['templates/훈련.fasttrack.yaml']))).toBe(
      'templates/훈련-2.fasttrack.yaml'
    );
  });
});
