/** The apps of a running session on a cluster (a terminal, Jupyter, TensorBoard …), each opened in a tab of its own. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { word, type Api } from './api';
import type { AppAddress, ClusterApp } from './generated';
import { sentence, troubleHere } from './words';

/** Those that people look for first. */
const FIRST: readonly string[] = ['ttyd', 'jupyterlab', 'jupyter', 'tensorboard'];

/** What the buttons are told. */
export interface SessionAppsProps {
  api: Pick<Api, 'send'>;
  trans: TranslationBundle;
  /** Of the cluster. */
  backend: string;
  /** The session's id or name. */
  session: string;
  apps: readonly ClusterApp[];
}

/** See the head of this file. */
export function SessionApps({ api, trans, backend, session, apps }: SessionAppsProps): JSX.Element {
  const [said, setSaid] = React.useState<Said | null>(null);
  const [busy, setBusy] = React.useState('');
  const { shown, others } = sorted(apps);
  const open = async (app: string): Promise<void> => {
    setBusy(app);
    setSaid({ words: trans.__('Starting %1 …', appLabel(app, trans)) });
    setSaid(await openApp(api, backend, session, app, trans));
    setBusy('');
  };
  return (
    <div className="ft-Apps">
      {apps.length === 0 && (
        <span className="ft-Profiles-place">{trans.__('This session has no apps.')}</span>
      )}
      {shown.map(({ name }) => (
        <button
          key={name}
          type="button"
          className="ft-Button"
          disabled={busy !== ''}
          title={trans.__('Open %1 in a new tab of the browser', appLabel(name, trans))}
          onClick={() => void open(name)}
        >
          {appLabel(name, trans)} <span aria-hidden="true">↗</span>
        </button>
      ))}
      {others.length > 0 && (
        <span className="ft-Profiles-place">
          {trans.__('Not for a browser: %1', others.map(each => each.name).join(', '))}
        </span>
      )}
      {said && (
        <span role={said.isTrouble ? 'alert' : 'status'} className={said.isTrouble ? 'ft-Login-problem' : ''}>
          {said.words}{' '}
          {said.url && (
            <a href={said.url} target="_blank" rel="noreferrer">
              {trans.__('Open it')}
            </a>
          )}
        </span>
      )}
    </div>
  );
}

/** What came of it: words, and the address where the browser let no tab be opened. */
interface Said {
  words: string;
  isTrouble?: boolean;
  url?: string;
}

/**
 * Start an app, and show it in a tab. The tab is opened at once, as browsers allow one only in answer to a click,
 * and is led to the app when it is there; the page in it knows nothing of this one.
 */
async function openApp(
  api: Pick<Api, 'send'>,
  backend: string,
  session: string,
  app: string,
  trans: TranslationBundle
): Promise<Said | null> {
  const tab = window.open('', '_blank');
  if (tab) {
    tab.document.title = appLabel(app, trans);
    tab.document.body.textContent = trans.__('Starting %1 …', appLabel(app, trans));
    tab.opener = null;
  }
  try {
    const path = `clusters/${word(backend)}/sessions/${word(session)}/apps/${word(app)}`;
    const { url } = await api.send<AppAddress>('POST', path, {});
    if (!/^https?:/i.test(url)) {
      tab?.close();
      return { words: trans.__('It is at %1', url) };
    }
    if (tab === null || tab.closed) {
      return { words: trans.__('%1 is ready.', appLabel(app, trans)), url };
    }
    tab.location.replace(url);
    return null;
  } catch (error) {
    tab?.close();
    return { words: sentence(troubleHere(error, trans)), isTrouble: true };
  }
}

/** An app as people call it; others keep their names. */
export function appLabel(app: string, trans: TranslationBundle): string {
  switch (app) {
    case 'ttyd':
      return trans.__('Terminal');
    case 'jupyterlab':
      return 'JupyterLab';
    case 'jupyter':
      return 'Jupyter Notebook';
    case 'tensorboard':
      return 'TensorBoard';
    case 'vscode':
      return 'Visual Studio Code';
    default:
      return app;
  }
}

/** Those for a browser, the usual ones first; and the others. */
function sorted(apps: readonly ClusterApp[]): { shown: ClusterApp[]; others: ClusterApp[] } {
  const rank = ({ name }: ClusterApp): number =>
    (FIRST.indexOf(name) + FIRST.length + 1) % (FIRST.length + 1);
  const shown = apps.filter(each => each.protocol !== 'tcp' && each.protocol !== 'udp');
  return {
    shown: shown.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name)),
    others: apps.filter(each => !shown.includes(each))
  };
}
