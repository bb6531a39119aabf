/** The preview of one output file: read by what it is, and shown through Jupyter's own renderers where there is one. */
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Api } from '../api';
import type { FileView } from '../generated';
import { pointsOf } from '../viewers/chart';
import { Curve } from '../viewers/curve';
import { PagedTable } from '../viewers/paged_table';
import { TablePages } from '../viewers/pages';
import { bytes } from '../words';
import { IMAGE_BYTES, imageType, imageUrl, PREVIEW_BYTES, previewOf, type Preview } from './outputs_preview';
import { Rendered } from './rendered';

/** A file with its preview; null where it is too large for one. */
export interface Shown {
  file: FileView;
  preview: Preview | null;
  /** Where an image is; to be let go of. */
  url: string;
  /** The pages of a table. */
  pages: TablePages | null;
}

/** Read what is needed to show `file`, which `route` leads to; `before` is what was shown of it until now. */
export async function readFile(
  api: Api,
  route: string,
  file: FileView,
  before: Shown | null,
  signal: AbortSignal
): Promise<Shown> {
  const type = imageType(file.path);
  const nothing = { file, url: '', preview: null, pages: null };
  if (type && file.size > IMAGE_BYTES) {
    return nothing;
  }
  if (type) {
    const blob = await (await api.raw(route, {}, signal)).blob();
    return { ...nothing, url: await imageUrl(blob, type), preview: { kind: 'image', type } };
  }
  const range = (start: number, end: number): Promise<Uint8Array> =>
    readRange(api, route, start, end, signal);
  const head = await range(0, Math.min(file.size, PREVIEW_BYTES));
  const preview = previewOf(file.path, new TextDecoder().decode(head), file.size > PREVIEW_BYTES);
  if (preview.kind !== 'table') {
    return { ...nothing, preview };
  }
  const known = before?.file.path === file.path && before.file.size < file.size ? before.pages : null;
  known?.grow(file.size);
  return { ...nothing, preview, pages: known ?? new TablePages(preview.written, file.size, range) };
}

async function readRange(
  api: Api,
  route: string,
  start: number,
  end: number,
  signal: AbortSignal
): Promise<Uint8Array> {
  if (end <= start) {
    return new Uint8Array(0);
  }
  const answer = await api.raw(route, {}, signal, { Range: `bytes=${start}-${end - 1}` });
  return new Uint8Array(await answer.arrayBuffer());
}

/** What a file holds; nothing where there is no preview of it. */
export function FilePreview(props: {
  shown: Shown;
  rendermime: IRenderMimeRegistry;
  trans: TranslationBundle;
}): JSX.Element {
  const { shown, rendermime, trans } = props;
  const { file, preview, url, pages } = shown;
  if (preview === null || preview.kind === 'none') {
    return (
      <p className="ft-TaskPanel-hint">
        {preview === null
          ? trans.__('Too large for a preview: download it to see it.')
          : trans.__('There is no preview of this kind of file.')}
      </p>
    );
  }
  return (
    <>
      {preview.kind === 'image' && <img className="ft-Outputs-image" src={url} alt={file.path} />}
      {preview.kind === 'html' && (
        <iframe className="ft-Outputs-html" sandbox="allow-scripts" srcDoc={preview.text} title={file.path} />
      )}
      {preview.kind === 'mime' && (
        <Rendered rendermime={rendermime} type={preview.type} data={preview.data} />
      )}
      {preview.kind === 'table' && preview.curves && <Curves curves={preview.curves} trans={trans} />}
      {preview.kind === 'table' && pages && (
        <PagedTable
          key={file.path}
          pages={pages}
          version={`${file.size} ${file.modified_at}`}
          label={trans.__('Table')}
          trans={trans}
        />
      )}
      {file.size > PREVIEW_BYTES && preview.kind !== 'image' && preview.kind !== 'table' && (
        <p className="ft-TaskPanel-hint">{trans.__('Only the first %1 are shown.', bytes(PREVIEW_BYTES))}</p>
      )}
    </>
  );
}

type TableCurves = NonNullable<Extract<Preview, { kind: 'table' }>['curves']>;

function Curves({ curves, trans }: { curves: TableCurves; trans: TranslationBundle }): JSX.Element {
  return (
    <div className="ft-Curves">
      {curves.y.map(name => (
        <Curve
          key={name}
          title={name}
          points={pointsOf(curves.rows, curves.x, name)}
          x={curves.x}
          trans={trans}
        />
      ))}
    </div>
  );
}
