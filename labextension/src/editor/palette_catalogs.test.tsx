import { nullTranslator } from '@jupyterlab/translation';
import * as React from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../api';
import { CatalogSection, type CatalogProps } from './palette_catalogs';

const trans = nullTranslator.load('');
const FOLDERS = ['templates'];
const TEAM = {
  path: 'templates/team',
  url: 'https://host/team.git',
  branch: 'main',
  commit: '0123456789',
  is_dirty: false,
  problem: null
};

let root: Root | undefined;

afterEach(() => {
  root?.unmount();
  document.body.replaceChildren();
});

/** The section over a server that has `catalogs` and answers sends with `answer`. */
function shown(catalogs: unknown[], answer: () => Promise<unknown>) {
  const get = vi.fn(() => Promise.resolve({ catalogs }));
  const send = vi.fn(answer);
  const onChanged = vi.fn();
  const api = { get, send } as unknown as CatalogProps['api'];
  const node = document.body.appendChild(document.createElement('div'));
  root = createRoot(node);
  root.render(<CatalogSection api={api} trans={trans} folders={FOLDERS} onChanged={onChanged} />);
  return { get, send, onChanged };
}

/** The element of `selector` whose words are `words` (any, without), as soon as there is one. */
function found<T extends HTMLElement>(selector: string, words?: string): Promise<T> {
  return vi.waitFor(() => {
    const all = [...document.querySelectorAll<T>(selector)];
    const one = all.find(each => words === undefined || each.textContent === words);
    if (!one) {
      throw new Error(`${selector} “${words}” is not in ${document.body.innerHTML}`);
    }
    return one;
  });
}

async function addRepository(url: string): Promise<void> {
  (await found('button', 'Add Git repository…')).click();
  const field = await found<HTMLInputElement>('form input');
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, 'value')?.set?.call(field, url);
  field.dispatchEvent(new Event('input', { bubbles: true }));
  await found('form button[type=submit]:not([disabled])');
  (await found('form button[type=submit]')).click();
}

describe('Git repositories of the palette', () => {
  it('are listed with what is checked out, and updated one by one', async () => {
    const { send, onChanged } = shown([TEAM], () => Promise.resolve({ ...TEAM, commit: 'abcdefghi' }));
    await found('small', 'main · 0123456');
    (await found('[aria-label="Update templates/team"]')).click();
    await found('[role=status]', 'templates/team is up to date (abcdefg)');
    expect(send).toHaveBeenCalledWith('POST', 'catalogs/update', { path: 'templates/team' });
    expect(onChanged).toHaveBeenCalledTimes(1);
  });

  it('are added by a form, which shows that it works and closes when it is done', async () => {
    let finish: (made: unknown) => void = () => undefined;
    const { send, onChanged } = shown([], () => new Promise(resolve => (finish = resolve)));
    await addRepository(' https://host/team.git ');
    await found('progress');
    expect(send).toHaveBeenCalledWith('POST', 'catalogs', {
      url: 'https://host/team.git',
      folder: 'templates'
    });
    finish(TEAM);
    await found('[role=status]', 'Cloned into templates/team');
    const opener = await found('button', 'Add Git repository…');
    expect(document.querySelector('form')).toBeNull();
    await vi.waitFor(() => expect(document.activeElement).toBe(opener));
    expect(onChanged).toHaveBeenCalledTimes(1);
  });

  it('are not added where the server says no: its words stand there, and what was written stays', async () => {
    const error = new ApiError(409, 'conflict', 'there is one already', 'Give another name.');
    shown([], () => Promise.reject(error));
    await addRepository('https://me:secret@host/team.git');
    await found('[role=alert]', 'there is one already. Give another name.');
    expect((await found<HTMLInputElement>('form input')).value).toContain('host/team.git');
    expect(document.body.textContent).not.toContain('secret');
  });

  it('say what is wrong with a clone instead of what is checked out', async () => {
    shown([{ ...TEAM, problem: 'git failed' }], () => Promise.resolve(TEAM));
    await found('small', 'git failed');
    expect((await found<HTMLButtonElement>('[aria-label="Update templates/team"]')).disabled).toBe(true);
  });
});
