import { describe, expect, it } from 'vitest';

import type { ModelVersion } from '../generated';
import {
  changeWord,
  deploymentTask,
  givenAliases,
  metricsLine,
  placeOfModel,
  valueWord
} from './model_words';

const version = { model: 'digits', version: 3, lineage: { image: null } } as unknown as ModelVersion;

describe('model versions', () => {
  it('have their operations where backend and name say', () => {
    expect(placeOfModel({ backend: 'backend.ai:w', name: 'a b' })).toBe('models/backend.ai%3Aw/a%20b');
  });

  it('show the aliases that somebody gave', () => {
    expect(givenAliases({ aliases: ['latest', 'production'] })).toEqual(['production']);
  });

  it('tell values so that they fit a cell', () => {
    expect(valueWord(0.97222222)).toBe('0.9722');
    expect(valueWord(30)).toBe('30');
    expect(valueWord(null)).toBe('–');
    expect(valueWord([1, 2])).toBe('[1,2]');
    expect(metricsLine({ accuracy: 0.97222222, kind: 'forest' })).toBe('accuracy 0.9722 · kind forest');
  });

  it('tell a change with its sign, and none where there is none', () => {
    expect(changeWord({ change: 0.0123456 })).toBe('+0.01235');
    expect(changeWord({ change: -250.5 })).toBe('−251');
    expect(changeWord({ change: 0 })).toBe('');
    expect(changeWord({ change: null })).toBe('');
  });

  it('become a task that serves them', () => {
    expect(deploymentTask(version)).toBe(
      '- name: "serve digits"\n  type: deployment\n  service:\n    name: "digits"\n    model: "digits@3"\n'
    );
    const inImage = { ...version, lineage: { ...version.lineage, image: 'uv:scikit-learn' } };
    expect(deploymentTask(inImage)).toContain('\n  environment: {image: "uv:scikit-learn"}\n');
  });
});
