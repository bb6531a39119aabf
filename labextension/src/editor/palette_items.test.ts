import { nullTranslator } from '@jupyterlab/translation';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { EditRefused } from './edits';
import { readDocument } from './document';
import { DEFAULT_FOLDERS, foldersOf } from './palette_folders';
import { keptText, matching, taskKinds, templatePath, templatesAmong } from './palette_items';

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

  it('looks where the settings say, and where they always did if those say nothing', () => {
    expect(foldersOf(['/a/b/', ' ', 'c', 'c', 7])).toEqual(['a/b', 'c']);
    expect(foldersOf([])).toEqual(DEFAULT_FOLDERS);
    expect(foldersOf('x')).toEqual(DEFAULT_FOLDERS);
  });
});

describe('tasks kept as a template', () => {
  const kept = (text: string, names: string[], name: string) =>
    keptText({ text, graph: readDocument(text).graph! }, names, name, trans);

  const text = [
    "# the team's pipeline",
    'name: whole',
    'params: [{name: lr, type: float, default: 0.1}]',
    'resources: {cpu: 2}',
    'tasks:',
    '  - name: prepare  # first',
    '    command: echo 1',
    '  # trains',
    '  - name: 훈련 1',
    '    dependencies: [prepare]',
    '    command: |',
    '      python train.py ${{ params.lr }}',
    '  - name: report',
    '    dependencies: [훈련 1, prepare]',
    '    command: "true"',
    'x-canvas: {positions: {prepare: [1, 2]}, remarks: {r: {text: hello, at: [3, 4]}}}',
    ''
  ].join('\n');

  // tests/labextension/test_templates.py reads the same file as a pipeline
  it('are a pipeline of their own, with what the others gave them', () => {
    const fixture = readFileSync(join(import.meta.dirname, 'fixtures', 'template.yaml'), 'utf-8');
    expect(kept(text, ['훈련 1', 'report'], '010')).toBe(fixture);
  });

  it('may be all there are, of a pipeline without a name', () => {
    expect(kept('tasks:\n- name: a\n  command: x\n', ['a'], 'a')).toBe(
      'name: a\ntasks:\n- name: a\n  command: x\n'
    );
  });

  it('are none of a text that cannot be read', () => {
    const { graph } = readDocument(text);
    expect(() => keptText({ text: 'tasks: [', graph: graph! }, ['report'], 'x', trans)).toThrow(EditRefused);
  });
});
