/**
 * The files of a task instance: by folder, with a search where there are many. Only the rows in sight are drawn; the
 * arrows walk along them, and what they come to is shown.
 */
import { PathExt } from '@jupyterlab/coreutils';
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { FileView } from '../generated';
import { stepOf, useRows } from './rows';
import { bytes } from '../words';

/** What the list shows and does. */
export interface FileListProps {
  files: readonly FileView[];
  chosen: string | undefined;
  trans: TranslationBundle;
  url(file: FileView): string;
  onChoose(file: FileView): void;
}

const ROW = 26;
const MANY = 12;

/** See the head of this file. */
export function FileList(props: FileListProps): JSX.Element {
  const { files, trans } = props;
  const [query, setQuery] = React.useState('');
  const wanted = query.trim().toLowerCase();
  const found = files.filter(file => file.path.toLowerCase().includes(wanted));
  const box = React.useRef<HTMLDivElement>(null);
  const rows = useRows(box, found.length, ROW);
  const at = found.findIndex(file => file.path === props.chosen);
  const onKey = (event: React.KeyboardEvent): void => {
    const next = stepOf(event.key, at, found.length, rows.page);
    if (next !== null) {
      props.onChoose(found[next]);
      rows.show(next);
      box.current?.focus();
      event.preventDefault();
    }
  };
  return (
    <>
      {files.length > MANY && (
        <div className="ft-Outputs-search">
          <input
            type="search"
            className="jp-mod-styled"
            value={query}
            placeholder={trans.__('Find a file')}
            aria-label={trans.__('Find a file')}
            onChange={event => setQuery(event.target.value)}
            onKeyDown={event => event.key === 'ArrowDown' && onKey(event)}
          />
          <span role="status">
            {wanted === ''
              ? trans._n('%1 file', '%1 files', files.length)
              : trans.__('%1 of %2', found.length, files.length)}
          </span>
        </div>
      )}
      <div
        ref={box}
        className="ft-Outputs-files"
        tabIndex={0}
        role="group"
        aria-label={trans.__('Files')}
        onKeyDown={onKey}
        onScroll={rows.look}
      >
        <ul style={{ height: found.length * ROW }}>
          {found.slice(rows.first, rows.last).map((file, index) => (
            <FileRow key={file.path} file={file} top={(rows.first + index) * ROW} {...props} />
          ))}
        </ul>
      </div>
    </>
  );
}

function FileRow(props: FileListProps & { file: FileView; top: number }): JSX.Element {
  const { file, trans } = props;
  const folder = PathExt.dirname(file.path);
  return (
    <li style={{ top: props.top, height: ROW }}>
      <button
        type="button"
        className="ft-Outputs-file"
        aria-pressed={file.path === props.chosen}
        title={file.path}
        onClick={() => props.onChoose(file)}
      >
        <span className="ft-Outputs-name">
          {folder && <span className="ft-Outputs-folder">{`${folder}/`}</span>}
          {PathExt.basename(file.path)}
        </span>
        <span>{bytes(file.size)}</span>
      </button>
      <a
        href={props.url(file)}
        download={PathExt.basename(file.path)}
        title={trans.__('Download %1', file.path)}
        aria-label={trans.__('Download %1', file.path)}
      >
        ⤓
      </a>
    </li>
  );
}
