/**
 * Inside a vfolder: looked through, files fetched by the browser, and brought there by a choice, by a drop from the
 * desktop, or by a drag from JupyterLab's own file browser.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import {
  deleteIcon,
  downloadIcon,
  fileIcon,
  fileUploadIcon,
  folderIcon,
  newFolderIcon
} from '@jupyterlab/ui-components';
import * as React from 'react';

import { word } from '../api';
import type { ClusterFile, ClusterFolder } from '../generated';
import { ago, exact } from '../time';
import { bytes, sentence, troubleHere } from '../words';
import { useAnswer, Waiting, type Asked } from '../asking';
import type { ClusterContext } from './context';
import { fromFiles, join } from './dropped';
import { DropZone } from './drop_zone';
import { IconButton, More, Nothing, SaidLine, Search, type Said } from '../parts';
import { isMeant } from '../questions';
import { UploadList } from './upload_list';
import type { ToUpload } from './uploads';

/** How many are drawn at once. */
const PAGE = 200;

/** See the head of this file. */
export function FilesView(props: {
  context: ClusterContext;
  folder: ClusterFolder;
  onLeave(): void;
}): JSX.Element {
  const { context, folder } = props;
  const { api, trans, uploads } = context;
  const [path, setPath] = React.useState('');
  const [said, setSaid] = React.useState<Said | null>(null);
  const [isMaking, setMaking] = React.useState(false);
  const place = `${context.place}/folders/${word(folder.name)}`;
  const asked = useAnswer(
    signal => api.get<ClusterFile[]>(`${place}/files`, { path }, signal),
    `${place} ${path}`,
    context.fresh
  );
  React.useEffect(() => {
    const hear = (_: unknown, arrived: string): void => void (arrived === folder.name && asked.again());
    uploads.changed.connect(hear);
    return () => void uploads.changed.disconnect(hear);
  }, [uploads, folder.name]);
  const open = (next: string): void => {
    setPath(next);
    setSaid(null);
  };
  const bring = async (files: readonly ToUpload[]): Promise<void> => {
    setSaid(files.length === 0 ? { words: trans.__('There is no file in what was dropped.') } : null);
    if (files.length > 0 && (await mayReplace(files, path, asked.value ?? [], trans))) {
      uploads.add(folder.name, files);
    }
  };
  const fail = (error: unknown): void =>
    setSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true });
  const act = async (work: () => Promise<unknown>, words: string): Promise<void> => {
    await work().then(() => setSaid({ words }), fail);
    asked.again();
  };
  return (
    <DropZone context={context} path={path} onFiles={files => void bring(files)} onTrouble={fail}>
      <Crumbs folder={folder.name} path={path} trans={trans} onOpen={open} onLeave={props.onLeave} />
      <div className="ft-Cluster-bar">
        <Choose trans={trans} onChosen={files => void bring(fromFiles(files, path))} />
        <IconButton
          icon={newFolderIcon}
          label={trans.__('New folder')}
          isOpen={isMaking}
          onClick={() => setMaking(!isMaking)}
        />
      </div>
      {isMaking && (
        <NewFolderForm
          trans={trans}
          onCancel={() => setMaking(false)}
          onMake={name => {
            setMaking(false);
            const words = trans.__('%1 is made.', name);
            void act(() => api.send('POST', `${place}/files`, {}, { path: join(path, name) }), words);
          }}
        />
      )}
      <SaidLine said={said} />
      <UploadList uploads={uploads} trans={trans} />
      <FileList
        asked={asked}
        trans={trans}
        urlOf={file => api.url(`${place}/files/${word(file.path)}`, file.is_dir ? { archive: true } : {})}
        onOpen={open}
        onRemove={async file => {
          const lost = file.is_dir
            ? trans.__('All that is in it is lost, for good.')
            : trans.__('It is lost, for good.');
          if (await isMeant(trans.__('Remove %1?', file.name), lost, trans.__('Remove'))) {
            const words = trans.__('%1 is removed.', file.name);
            await act(() => api.send('DELETE', `${place}/files/${word(file.path)}`), words);
          }
        }}
      />
    </DropZone>
  );
}

/** Ask before something of the same name is written over. */
async function mayReplace(
  files: readonly ToUpload[],
  path: string,
  there: readonly ClusterFile[],
  trans: TranslationBundle
): Promise<boolean> {
  const names = new Set(files.map(each => each.path.slice(path === '' ? 0 : path.length + 1).split('/')[0]));
  const taken = there.filter(each => names.has(each.name)).map(each => each.name);
  const title = trans._n('Replace %2?', 'Replace %1 of them?', taken.length, taken[0]);
  const body = trans.__(
    'There are already: %1. Files of the same names are written over.',
    taken.slice(0, 10).join(', ')
  );
  return taken.length === 0 || isMeant(title, body, trans.__('Replace'));
}

function Crumbs(props: {
  folder: string;
  path: string;
  trans: TranslationBundle;
  onOpen(path: string): void;
  onLeave(): void;
}): JSX.Element {
  const { folder, path, trans, onOpen } = props;
  const parts = path === '' ? [] : path.split('/');
  const crumbs = [folder, ...parts];
  return (
    <nav className="ft-Cluster-crumbs" aria-label={trans.__('Where you are')}>
      <button type="button" className="ft-Cluster-crumb" onClick={props.onLeave}>
        {trans.__('Vfolders')}
      </button>
      {crumbs.map((each, at) => (
        <React.Fragment key={at}>
          <span aria-hidden="true">/</span>
          <button
            type="button"
            className="ft-Cluster-crumb"
            title={each}
            aria-current={at === crumbs.length - 1 ? 'location' : undefined}
            onClick={() => onOpen(parts.slice(0, at).join('/'))}
          >
            {each}
          </button>
        </React.Fragment>
      ))}
    </nav>
  );
}

function Choose(props: { trans: TranslationBundle; onChosen(files: readonly File[]): void }): JSX.Element {
  const input = React.useRef<HTMLInputElement>(null);
  return (
    <>
      <button type="button" className="ft-Button ft-Cluster-wide" onClick={() => input.current?.click()}>
        <fileUploadIcon.react tag="span" height="14px" width="14px" /> {props.trans.__('Upload…')}
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

function NewFolderForm(props: {
  trans: TranslationBundle;
  onMake(name: string): void;
  onCancel(): void;
}): JSX.Element {
  const { trans } = props;
  return (
    <form
      className="ft-Cluster-row"
      onSubmit={event => {
        event.preventDefault();
        const name = String(new FormData(event.currentTarget).get('name')).trim();
        if (name) {
          props.onMake(name);
        }
      }}
      onKeyDown={event => event.key === 'Escape' && props.onCancel()}
    >
      <input
        name="name"
        required
        autoFocus
        spellCheck={false}
        autoComplete="off"
        aria-label={trans.__('Name of the new folder')}
        placeholder={trans.__('Name of the new folder')}
      />
      <button type="submit" className="ft-Button ft-mod-main">
        {trans.__('Make')}
      </button>
    </form>
  );
}

function FileList(props: {
  asked: Asked<ClusterFile[]>;
  trans: TranslationBundle;
  urlOf(file: ClusterFile): string;
  onOpen(path: string): void;
  onRemove(file: ClusterFile): Promise<void>;
}): JSX.Element {
  const { asked, trans } = props;
  const [text, setText] = React.useState('');
  const [shown, setShown] = React.useState(PAGE);
  const all = asked.value ?? [];
  const found = all.filter(each => each.name.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <>
      <Waiting asked={asked} trans={trans} />
      {all.length > 20 && (
        <Search label={trans.__('Search in this folder')} value={text} onChange={setText} />
      )}
      {asked.value && all.length === 0 && (
        <Nothing title={trans.__('It is empty.')}>
          {trans.__('Drop files or folders here, from the desktop or from the file browser.')}
        </Nothing>
      )}
      <ul className="ft-Cluster-list" aria-label={trans.__('Files')}>
        {found.slice(0, shown).map(file => (
          <FileLine key={file.path} {...props} file={file} />
        ))}
      </ul>
      <More left={found.length - shown} trans={trans} onClick={() => setShown(shown + PAGE)} />
    </>
  );
}

function FileLine(props: {
  file: ClusterFile;
  trans: TranslationBundle;
  urlOf(file: ClusterFile): string;
  onOpen(path: string): void;
  onRemove(file: ClusterFile): Promise<void>;
}): JSX.Element {
  const { file, trans } = props;
  const { name, modified_at } = file;
  const Icon = file.is_dir ? folderIcon : fileIcon;
  const words = (
    <>
      <span className="ft-Cluster-name">
        <Icon.react tag="span" className="ft-Cluster-kind" height="16px" width="16px" />
        {name}
      </span>
      <span className="ft-Profiles-place" title={modified_at ? exact(modified_at, trans) : undefined}>
        {[!file.is_dir && bytes(file.size), modified_at && ago(modified_at, Date.now(), trans)]
          .filter(Boolean)
          .join(' · ')}
      </span>
    </>
  );
  const label = file.is_dir ? trans.__('Download %1 as a zip', name) : trans.__('Download %1', name);
  return (
    <li>
      {file.is_dir ? (
        <button
          type="button"
          className="ft-Cluster-line ft-Cluster-open"
          title={name}
          onClick={() => props.onOpen(file.path)}
        >
          {words}
        </button>
      ) : (
        <div className="ft-Cluster-line" title={name}>
          {words}
        </div>
      )}
      <div className="ft-Cluster-acts">
        <a className="ft-Cluster-icon" href={props.urlOf(file)} download title={label} aria-label={label}>
          <downloadIcon.react tag="span" height="16px" width="16px" />
        </a>
        <IconButton
          icon={deleteIcon}
          label={trans.__('Remove %1', name)}
          onClick={() => void props.onRemove(file)}
        />
      </div>
    </li>
  );
}
