/** The panel's part of the extension's settings. */

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
