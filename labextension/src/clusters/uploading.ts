/** Bring a file of the reader's computer into a vfolder: to our server part by part, and from there to the cluster. */
import { UUID } from '@lumino/coreutils';

import { ApiError, word, type Api } from '../api';
import type { Received, UploadProgress } from '../generated';

/** Bytes sent at once: below what a server takes in one request. */
const PART = 8 * 1024 * 1024;

/**
 * See the head of this file. `place` is the vfolder's, `path` is within it; `hear` is told bytes sent and all bytes.
 *
 * @throws ApiError what the server answered, also in the middle
 */
export async function uploadFile(
  api: Pick<Api, 'put' | 'stream' | 'unreachable'>,
  place: string,
  path: string,
  file: Blob,
  hear: (sent: number, size: number) => void
): Promise<void> {
  const key = UUID.uuid4();
  let offset = 0;
  do {
    const part = file.slice(offset, offset + PART);
    await api.put<Received>(`${place}/parts/${word(key)}`, part, { offset });
    offset += part.size;
  } while (offset < file.size);
  const answer = await api.stream(`${place}/uploads`, { path, key });
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
      hear(told.sent, told.size);
      isDone = isDone || told.done;
    }
  }
  if (!isDone) {
    throw api.unreachable();
  }
}
