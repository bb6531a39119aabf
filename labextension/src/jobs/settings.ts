/**
 * The extension's settings. What the settings editor shows of them is translated here: JupyterLab's server translates
 * schemas from language packs alone, not from the catalogue that an extension brings.
 */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import type { TranslationBundle } from '@jupyterlab/translation';

/** What a person has set. */
export interface PanelSettings {
  /** Seconds between two questions when no hint comes. */
  pollSeconds: number;
  /** Jobs that the list fetches at once. */
  pageSize: number;
  /** Days that the chart of resources shows. */
  historyDays: number;
  confirmDelete: boolean;
  confirmCancel: boolean;
}

/** As the schema has them. */
export const DEFAULTS: Readonly<PanelSettings> = {
  pollSeconds: 5,
  pageSize: 100,
  historyDays: 7,
  confirmDelete: true,
  confirmCancel: true
};

/** Settings as they are stored, over the defaults. */
export function settingsOf(stored: Readonly<Record<string, unknown>>): PanelSettings {
  const known = Object.entries(DEFAULTS).map(([name, value]) => {
    const found = stored[name];
    return [name, typeof found === typeof value ? found : value];
  });
  return Object.fromEntries(known) as PanelSettings;
}

/** A plugin whose titles and descriptions are in the language of `trans`; the given one is left as it is. */
export function translatedPlugin(
  plugin: ISettingRegistry.IPlugin,
  trans: TranslationBundle
): ISettingRegistry.IPlugin {
  const { title, description, properties = {} } = plugin.schema;
  const translated = Object.entries(properties).map(([name, property]) => [
    name,
    { ...property, ...spoken(property, text => trans._p('settings', text)) }
  ]);
  const schema = {
    ...plugin.schema,
    ...spoken({ title, description }, text => trans._p('schema', text)),
    properties: Object.fromEntries(translated)
  };
  return { ...plugin, schema };
}

function spoken(
  { title, description }: { title?: string; description?: string },
  words: (text: string) => string
): { title?: string; description?: string } {
  return { ...(title && { title: words(title) }), ...(description && { description: words(description) }) };
}
