import { ServerConnection } from '@jupyterlab/services';
import { expect, it } from 'vitest';

import { Api, toContentsPath, toSource } from './api';

function apiThat(answer: () => Response): { api: Api; codes: string[] } {
  const fetch = async (): Promise<Response> => answer();
  const api = new Api(ServerConnection.makeSettings({ baseUrl: 'http://localhost/', fetch }));
  const codes: string[] = [];
  api.cutOff.connect((_, error) => codes.push(`${error.status} ${error.code}`));
  return { api, codes };
}

it('tells at once that the server no longer knows who asks', async () => {
  const { api, codes } = apiThat(() => new Response('{"code": "forbidden"}', { status: 403 }));
  await expect(api.send('POST', 'plan', {})).rejects.toThrow();
  expect(codes).toEqual(['403 forbidden']);
});

it('tells at once that there is no answer', async () => {
  const { api, codes } = apiThat(() => {
    throw new TypeError('failed to fetch');
  });
  await expect(api.get('jobs')).rejects.toThrow('does not answer');
  expect(codes).toEqual(['0 unreachable']);
});

it('has no doubt about the connection where the server only says no', async () => {
  const { api, codes } = apiThat(() => new Response('{"code": "conflict"}', { status: 409 }));
  await expect(api.get('jobs')).rejects.toThrow();
  expect(codes).toEqual([]);
});

it('tells the place of a contents path on the server’s machine, and back', () => {
  expect(toSource('lab/a.ipynb', '/home/me')).toBe('/home/me/lab/a.ipynb');
  expect(toSource('/a.ipynb', '/')).toBe('/a.ipynb');
  expect(toSource('drive:a.ipynb', '/home/me')).toBeUndefined();
  expect(toContentsPath('/home/me/lab/a.ipynb', '/home/me')).toBe('lab/a.ipynb');
});
