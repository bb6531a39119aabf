/** The vfolders of a cluster: looked into, files fetched by the browser, files brought there by a drop or a choice. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { word } from '../api';
import type { ClusterFile, ClusterFolder } from '../generated';
import { useAnswer, Waiting } from './asking';
import type { ClusterContext } from './cluster_view';
import { uploadFile } from './uploading';
import { bytes, sentence, troubleOf } from '../words';

/** See the head of this file. */
export function FoldersView({ context }: { context: ClusterContext }): JSX.Element {
  const [folder, setFolder] = React.useState<string | null>(null);
  return folder === null ? (
    <FolderList context={context} onOpen={setFolder} />
  ) : (
    <FilesView context={context} folder={folder} onLeave={() => setFolder(null)} />
  );
}

function FolderList(props: { context: ClusterContext; onOpen(name: string): void }): JSX.Element {
  const { api, place, trans } = props.context;
  const asked = useAnswer(() => api.get<ClusterFolder[]>(`${place}/folders`), place);
  if (!asked.value) {
    return <Waiting asked={asked} trans={trans} />;
  }
  return (
    <>
      {asked.value.length === 0 && <p>{trans.__('There is no vfolder yet.')}</p>}
      <ul className="ft-Cluster-list">
        {asked.value.map(folder => (
          <li key={folder.id}>
            <button type="button" className="ft-Cluster-file" onClick={() => props.onOpen(folder.name)}>
              ▸ {folder.name}
            </button>
            <span className="ft-Profiles-place">
              {[folder.usage_mode, folder.permission, folder.project ?? folder.owner]
                .filter(Boolean)
                .join(' · ')}
            </span>
          </li>
        ))}
      </ul>
    </>
  );
}

function FilesView(props: { context: ClusterContext; folder: string; onLeave(): void }): JSX.Element {
  const { context, folder } = props;
  const { api, trans } = context;
  const [path, setPath] = React.useState('');
  const [said, setSaid] = React.useState('');
  const place = `${context.place}/folders/${word(folder)}`;
  const asked = useAnswer(() => api.get<ClusterFile[]>(`${place}/files`, { path }), `${place} ${path}`);
  const bring = async (files: readonly File[]): Promise<void> => {
    try {
      for (const file of files) {
        await uploadFile(api, place, [path, file.name].filter(Boolean).join('/'), file, (sent, size) =>
          setSaid(trans.__('%1: %2 of %3', file.name, bytes(sent), bytes(size)))
        );
        setSaid(trans.__('%1 is there.', file.name));
      }
    } catch (error) {
      setSaid(sentence(troubleOf(error)));
    }
    asked.again();
  };
  const up = path === '' ? props.onLeave : () => setPath(path.split('/').slice(0, -1).join('/'));
  return (
    <div
      className="ft-Cluster-files"
      onDragOver={event => event.preventDefault()}
      onDrop={event => {
        event.preventDefault();
        void bring([...event.dataTransfer.files]);
      }}
    >
      <div className="ft-Profiles-buttons">
        <button type="button" className="ft-Button" aria-label={trans.__('Up')} onClick={up}>
          ↑
        </button>
        <b>{[folder, path].filter(Boolean).join('/')}</b>
        <Choose trans={trans} onChosen={files => void bring(files)} />
      </div>
      <p role="status">{said}</p>
      {asked.value ? (
        <FileList
          files={asked.value}
          trans={trans}
          urlOf={file => api.url(`${place}/files/${word(file.path)}`)}
          onOpen={setPath}
        />
      ) : (
        <Waiting asked={asked} trans={trans} />
      )}
    </div>
  );
}

function Choose(props: { trans: TranslationBundle; onChosen(files: readonly File[]): void }): JSX.Element {
  const input = React.useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="ft-Button" onClick={() => input.current?.click()}>
        {props.trans.__('Upload…')}
      </button>
      <input
        ref={input}
        type="file"
        multiple
        hidden
        aria-label={props.trans.__('Files to upload')}
        onChange={event => {
          props.onChosen([...(event.target.files ?? [])]);
          event.target.value = '';
        }}
      />
    </>
  );
}

function FileList(props: {
  files: readonly ClusterFile[];
  trans: TranslationBundle;
  urlOf(file: ClusterFile): string;
  onOpen(path: string): void;
}): JSX.Element {
  const { files, trans } = props;
  return (
    <ul className="ft-Cluster-list">
      {files.length === 0 && <li>{trans.__('It is empty: drop files here.')}</li>}
      {files.map(file => (
        <li key={file.path}>
          {file.is_dir ? (
            <button type="button" className="ft-Cluster-file" onClick={() => props.onOpen(file.path)}>
              ▸ {file.name}
            </button>
          ) : (
            <a href={props.urlOf(file)} download={file.name} title={trans.__('Download')}>
              {file.name} <span className="ft-Profiles-place">{bytes(file.size)}</span>
            </a>
          )}
        </li>
      ))}
    </ul>
  );
}
