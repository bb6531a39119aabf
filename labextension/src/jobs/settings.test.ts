import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { nullTranslator, type TranslationBundle } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import schema from '../../schema/plugin.json';
import { translatedPlugin } from './settings';

/** Says in which context it was asked. */
const marking: TranslationBundle = Object.assign(
  Object.create(nullTranslator.load('')) as TranslationBundle,
  {
    _p: (context: string, text: string) => `${context}: ${text}`
  }
);

function plugin(): ISettingRegistry.IPlugin {
  const copy = structuredClone(schema) as unknown as ISettingRegistry.ISchema;
  return { id: 'a', version: '1', raw: '{}', schema: copy, data: { composite: {}, user: {} } };
}

describe('the settings that are shown', () => {
  it('are translated in the contexts of the catalogue, and otherwise as they were', () => {
    const { title, properties = {} } = translatedPlugin(plugin(), marking).schema;
    expect(title).toBe('schema: FastTrack');
    expect(properties.pageSize).toMatchObject({
      title: 'settings: Jobs fetched at once',
      type: 'integer',
      default: 100
    });
    expect(properties.confirmDelete).not.toHaveProperty('description');
  });

  it('leave what was given alone', () => {
    const given = plugin();
    translatedPlugin(given, marking);
    expect(given).toEqual(plugin());
  });
});
