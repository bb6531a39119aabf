/** What is on its way to a cluster's vfolders, and what did not arrive. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon, refreshIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { sentence, troubleHere } from '../words';
import { IconButton, useSignal } from '../parts';
import type { Upload, Uploads } from './uploads';

/** See the head of this file. */
export function UploadList({
  uploads,
  trans
}: {
  uploads: Uploads;
  trans: TranslationBundle;
}): JSX.Element | null {
  useSignal(uploads.changed);
  const shown = uploads.all.filter(each => each.state !== 'there');
  const there = uploads.all.filter(each => each.state === 'there');
  const last = there[there.length - 1];
  return (
    <>
      {shown.length > 0 && (
        <ul className="ft-Cluster-list ft-Cluster-uploads" aria-label={trans.__('Uploads')}>
          {shown.map(each => (
            <UploadLine key={`${each.folder} ${each.path}`} upload={each} uploads={uploads} trans={trans} />
          ))}
        </ul>
      )}
      <p role="status" className="ft-Cluster-said">
        {shown.length === 0 &&
          last &&
          (there.length === 1
            ? trans.__('%1 is there.', last.path)
            : trans._n('%1 file is there.', '%1 files are there.', there.length))}
      </p>
    </>
  );
}

function UploadLine(props: { upload: Upload; uploads: Uploads; trans: TranslationBundle }): JSX.Element {
  const { upload, uploads, trans } = props;
  const { path, folder, state, done, trouble } = upload;
  const target = `${folder}/${path}`;
  return (
    <li>
      <div className="ft-Cluster-line" title={target}>
        <span className="ft-Cluster-name">{target}</span>
        {state === 'failed' ? (
          <span className="ft-Login-problem" role="alert">
            {sentence(troubleHere(trouble, trans))}
          </span>
        ) : (
          <progress max={1} value={done} aria-label={trans.__('How far the upload of %1 is', path)} />
        )}
      </div>
      <div className="ft-Cluster-acts">
        {state === 'failed' && (
          <IconButton
            icon={refreshIcon}
            label={trans.__('Upload %1 again', path)}
            onClick={() => uploads.retry(upload)}
          />
        )}
        <IconButton
          icon={closeIcon}
          label={state === 'failed' ? trans.__('Put %1 away', path) : trans.__('Stop the upload of %1', path)}
          onClick={() => uploads.drop(upload)}
        />
      </div>
    </li>
  );
}
