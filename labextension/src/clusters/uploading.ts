/** Bring a file into a vfolder: of the reader's computer, part by part, or of the server's own machine. */
import { UUID } from '@lumino/coreutils';

import { ApiError, word, type Api } from '../api';
import type { Received, UploadProgress } from '../generated';

/** Bytes sent at once: below what a server takes in one request. */
const PART = 8 * 1024 * 1024;

/** What is asked of the server. */
export type UploadApi = Pick<Api, 'put' | 'stream' | 'unreachable'>;

/** Bytes that are here, or the absolute path of a file of the server's machine. */
export type UploadSource = Blob | string;

/**
 * See the head of this file. `place` is the vfolder's, `path` is within it; `hear` is told which part is done, from
 * 0 to 1: of a file that is here, the way to the server is the first half.
 *
 * @throws ApiError what the server answered, also in the middle
 */
export async function uploadFile(
  api: UploadApi,
  place: string,
  path: string,
  source: UploadSource,
  hear: (done: number) => void,
  signal?: AbortSignal
): Promise<void> {
  if (typeof source === 'string') {
    await bring(api, place, { path, source }, hear, signal);
    return;
  }
  const key = await send(api, place, source, done => hear(done / 2), signal);
  await bring(api, place, { path, key, size: source.size }, done => hear(0.5 + done / 2), signal);
}

/** To our server; the key of what is there. */
async function send(
  api: UploadApi,
  place: string,
  file: Blob,
  hear: (done: number) => void,
  signal?: AbortSignal
): Promise<string> {
  const key = UUID.uuid4();
  let offset = 0;
  do {
    const part = file.slice(offset, offset + PART);
    await api.put<Received>(`${place}/parts/${word(key)}`, part, { offset }, signal);
    offset += part.size;
    hear(file.size ? offset / file.size : 1);
  } while (offset < file.size);
  return key;
}

/** From our server to the cluster. */
async function bring(
  api: UploadApi,
  place: string,
  request: { path: string; key?: string; size?: number; source?: string },
  hear: (done: number) => void,
  signal?: AbortSignal
): Promise<void> {
  const answer = await api.stream(`${place}/uploads`, request, signal);
  const lines = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let isDone = false;
  for (let read = await lines?.read(); read && !read.done; read = await lines?.read()) {
    const all = (rest + read.value).split('\n');
    rest = all.pop() ?? '';
    for (const line of all.filter(Boolean)) {
      const told = JSON.parse(line) as UploadProgress & { code?: string; message?: string; hint?: string };
      if (told.code) {
        throw new ApiError(500, told.code, told.message ?? told.code, told.hint);
      }
      hear(told.size ? told.sent / told.size : 1);
      isDone = isDone || told.done;
    }
  }
  if (!isDone) {
    throw api.unreachable();
  }
}
