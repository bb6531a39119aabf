import { expect, it, vi } from 'vitest';

import { ApiError } from '../api';
import { Uploads, type ToUpload } from './uploads';
import { uploadFile, type UploadApi } from './uploading';

const DONE = '{"sent": 4, "size": 4, "done": true}\n';

/** A server that takes parts, and answers uploads with these lines. */
function server(lines: string = DONE) {
  const put = vi.fn((_path: string, part: Blob, query: object) =>
    Promise.resolve({ received: part.size, ...query })
  );
  const stream = vi.fn((_path: string, _body: unknown, signal?: AbortSignal) => {
    signal?.throwIfAborted();
    return Promise.resolve(new Response(lines));
  });
  const unreachable = () => new ApiError(0, 'unreachable', 'no answer');
  return { put, stream, unreachable } as unknown as UploadApi & { put: typeof put; stream: typeof stream };
}

const file = (path: string): ToUpload => ({ path, source: () => Promise.resolve(new Blob(['text'])) });

it('a file that is here goes to the server in parts, and from there to the cluster', async () => {
  const api = server('{"sent": 2, "size": 4, "done": false}\n' + DONE);
  const heard: number[] = [];
  await uploadFile(api, 'f', 'a/b.txt', new Blob([new Uint8Array(9 * 2 ** 20)]), done => heard.push(done));
  expect(api.put.mock.calls.map(([, part, query]) => [part.size, query])).toEqual([
    [8 * 2 ** 20, { offset: 0 }],
    [2 ** 20, { offset: 8 * 2 ** 20 }]
  ]);
  const key = api.put.mock.calls[0][0].split('/').pop();
  expect(api.stream.mock.calls[0].slice(0, 2)).toEqual([
    'f/uploads',
    { path: 'a/b.txt', key, size: 9 * 2 ** 20 }
  ]);
  expect(heard).toEqual([8 / 9 / 2, 0.5, 0.75, 1]);
});

it('an empty file is a file; one of the server’s machine is named, not sent', async () => {
  const api = server('{"sent": 0, "size": 0, "done": true}\n');
  await uploadFile(api, 'f', 'empty', new Blob([]), () => undefined);
  expect(api.put).toHaveBeenCalledTimes(1);
  await uploadFile(api, 'f', 'b', '/home/me/b', () => undefined);
  expect(api.put).toHaveBeenCalledTimes(1);
  expect(api.stream.mock.calls[1][1]).toEqual({ path: 'b', source: '/home/me/b' });
});

it('an upload that breaks off, or is refused in the middle, failed', async () => {
  const cut = uploadFile(server('{"sent": 2, "size": 4, "done": false}\n'), 'f', 'a', '/a', () => undefined);
  await expect(cut).rejects.toThrow('no answer');
  const refused = uploadFile(
    server('{"code": "forbidden", "message": "no", "hint": "ask"}\n'),
    'f',
    'a',
    '/a',
    () => 0
  );
  await expect(refused).rejects.toMatchObject({ code: 'forbidden', hint: 'ask' });
});

it('one goes after the other; what fails stays to be tried again, and the next goes on', async () => {
  const api = server();
  api.stream.mockImplementationOnce(() => Promise.reject(new Error('full')));
  const uploads = new Uploads(api, folder => `folders/${folder}`);
  const arrived: string[] = [];
  uploads.changed.connect((_, folder) => folder && arrived.push(folder));
  uploads.add('data', [file('a'), file('b')]);
  expect(uploads.all.map(each => each.state)).toEqual(['going', 'waiting']);
  await vi.waitFor(() => expect(uploads.all.map(each => each.state)).toEqual(['failed', 'there']));
  expect(arrived).toEqual(['data']);
  uploads.retry(uploads.all[0]);
  await vi.waitFor(() => expect(uploads.all.map(each => [each.path, each.state])).toEqual([['a', 'there']]));
});

it('what is put away is broken off, and comes no more', async () => {
  const api = server();
  const uploads = new Uploads(api, folder => folder);
  uploads.add('data', [file('a'), file('b')]);
  const [going, waiting] = uploads.all;
  uploads.drop(waiting);
  uploads.drop(going);
  expect(uploads.all).toEqual([]);
  await vi.waitFor(() => expect(going.state).toBe('failed'));
  expect(api.stream.mock.calls.length).toBeLessThanOrEqual(1);
});
