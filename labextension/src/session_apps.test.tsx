import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, expect, it, vi } from 'vitest';

import { SessionApps } from './session_apps';

const trans = nullTranslator.load('');
const APPS = [
  { name: 'sshd', protocol: 'tcp', ports: [2200] },
  { name: 'vscode', protocol: 'http', ports: [8080] },
  { name: 'ttyd', protocol: 'http', ports: [7681] }
];

let root: Root | undefined;

afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

/** The buttons over a server that answers so; its `send`. */
async function shown(answer: () => Promise<unknown>) {
  const send = vi.fn(answer);
  const node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  const api = { send } as never;
  root.render(<SessionApps api={api} trans={trans} backend="backend.ai" session="s-1" apps={APPS} />);
  await vi.waitFor(() => expect(buttons()).toHaveLength(2));
  return send;
}

const buttons = () => [...document.querySelectorAll('button')];

/** A tab as `window.open` gives it. */
function tab() {
  const made = { document: document.implementation.createHTMLDocument(), opener: {}, closed: false };
  return { ...made, close: vi.fn(), location: { replace: vi.fn() } };
}

it('the terminal comes first, and what is not for a browser is told', async () => {
  await shown(() => Promise.reject(new Error()));
  expect(buttons().map(each => each.textContent)).toEqual(['Terminal ↗', 'Visual Studio Code ↗']);
  expect(document.body.textContent).toContain('Not for a browser: sshd');
});

it('a tab is opened with the click, and led to the app; it cannot reach this page', async () => {
  const opened = tab();
  vi.spyOn(window, 'open').mockReturnValue(opened as never);
  const send = await shown(() => Promise.resolve({ app: 'ttyd', url: 'http://proxy/x' }));
  buttons()[0].click();
  expect(window.open).toHaveBeenCalledTimes(1);
  await vi.waitFor(() => expect(opened.location.replace).toHaveBeenCalledWith('http://proxy/x'));
  expect(opened.opener).toBeNull();
  expect(send).toHaveBeenCalledWith('POST', 'clusters/backend.ai/sessions/s-1/apps/ttyd', {});
});

it('where the browser lets no tab be opened there is a link', async () => {
  vi.spyOn(window, 'open').mockReturnValue(null);
  await shown(() => Promise.resolve({ app: 'ttyd', url: 'https://proxy/x' }));
  buttons()[0].click();
  await vi.waitFor(() => expect(document.querySelector('a')?.href).toBe('https://proxy/x'));
});

it('an app that does not start is told, and its tab goes; an address of another kind is not opened', async () => {
  const opened = tab();
  vi.spyOn(window, 'open').mockReturnValue(opened as never);
  const answers = [
    () => Promise.reject(new Error('the cluster has no app proxy')),
    () => Promise.resolve({ app: 'ttyd', url: 'javascript:alert(1)' })
  ];
  await shown(() => (answers.shift() ?? answers[0])());
  buttons()[0].click();
  const said = () => document.querySelector('[role=alert], [role=status]')?.textContent;
  await vi.waitFor(() => expect(said()).toContain('The cluster has no app proxy'));
  expect(opened.close).toHaveBeenCalledTimes(1);
  buttons()[0].click();
  await vi.waitFor(() => expect(said()).toContain('It is at javascript:'));
  expect(opened.location.replace).not.toHaveBeenCalled();
});
