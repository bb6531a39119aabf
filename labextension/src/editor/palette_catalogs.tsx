/** Git repositories with templates: what is cloned below the folders of templates, to be updated; and a form for more. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ApiError, type Api } from '../api';
import type { Catalog, Catalogs } from '../generated';

/** What the section is given; `onChanged` is told when files came or changed. */
export interface CatalogProps {
  api: Pick<Api, 'get' | 'send'>;
  trans: TranslationBundle;
  folders: readonly string[];
  onChanged: () => void;
}

/** What goes on, and what came of it. */
interface Doing {
  /** The clone's path, or its address while it has none. */
  about: string | null;
  said: string;
  isError: boolean;
}

const NOTHING: Doing = { about: null, said: '', isError: false };

/** See the head of this file. */
export function CatalogSection(props: CatalogProps): JSX.Element {
  const { api, trans, folders, onChanged } = props;
  const [catalogs, setCatalogs] = React.useState<readonly Catalog[]>([]);
  const [doing, setDoing] = React.useState(NOTHING);
  const [isOpen, setOpen] = React.useState(false);
  const opener = React.useRef<HTMLButtonElement>(null);
  const wasOpen = React.useRef(false);
  const look = React.useCallback(async () => {
    setCatalogs((await api.get<Catalogs>('catalogs', { folder: folders })).catalogs);
    return '';
  }, [api, folders]);
  const act = async (about: string, work: () => Promise<string>): Promise<boolean> => {
    setDoing({ about, said: trans.__('Working on %1 …', about), isError: false });
    const outcome = await told(work);
    setDoing({ about: null, ...outcome });
    if (!outcome.isError) {
      await told(look);
      onChanged();
    }
    return !outcome.isError;
  };
  React.useEffect(
    () => void told(look).then(({ said }) => said && setDoing({ ...NOTHING, said, isError: true })),
    [look]
  );
  React.useEffect(() => {
    if (wasOpen.current && !isOpen) {
      opener.current?.focus();
    }
    wasOpen.current = isOpen;
  }, [isOpen]);
  const add = async (url: string, folder: string): Promise<void> => {
    const isDone = await act(withoutUser(url), async () => {
      const { path } = await api.send<Catalog>('POST', 'catalogs', { url, folder });
      return trans.__('Cloned into %1', path);
    });
    setOpen(!isDone);
  };
  const update = (path: string): void =>
    void act(path, async () => {
      const { commit } = await api.send<Catalog>('POST', 'catalogs/update', { path });
      return trans.__('%1 is up to date (%2)', path, short(commit));
    });
  return (
    <section className="ft-Palette-catalogs">
      <h3>{trans.__('Git repositories')}</h3>
      <ul>
        {catalogs.map(each => (
          <CatalogRow
            key={each.path}
            catalog={each}
            trans={trans}
            isBusy={doing.about !== null}
            onUpdate={update}
          />
        ))}
      </ul>
      {isOpen ? (
        <AddForm
          trans={trans}
          folders={folders}
          isBusy={doing.about !== null}
          onAdd={(url, folder) => void add(url, folder)}
          onCancel={() => setOpen(false)}
        />
      ) : (
        <button type="button" ref={opener} className="jp-mod-styled" onClick={() => setOpen(true)}>
          {trans.__('Add Git repository…')}
        </button>
      )}
      {doing.about !== null && <progress aria-label={doing.said} />}
      <p className="ft-Palette-said" role={doing.isError ? 'alert' : 'status'}>
        {doing.said}
      </p>
    </section>
  );
}

function CatalogRow(props: {
  catalog: Catalog;
  trans: TranslationBundle;
  isBusy: boolean;
  onUpdate: (path: string) => void;
}): JSX.Element {
  const { catalog, trans } = props;
  const { path, branch, commit, url, problem } = catalog;
  const state = [branch, short(commit), catalog.is_dirty && trans.__('changed here')]
    .filter(Boolean)
    .join(' · ');
  return (
    <li className="ft-Palette-catalog" title={[path, url].filter(Boolean).join('\n')}>
      <span className="ft-Palette-label">
        {path.split('/').pop()}
        <small>{problem ?? state}</small>
      </span>
      <button
        type="button"
        className="jp-mod-styled"
        disabled={props.isBusy || problem !== null}
        aria-label={trans.__('Update %1', path)}
        onClick={() => props.onUpdate(path)}
      >
        {trans.__('Update')}
      </button>
    </li>
  );
}

function AddForm(props: {
  trans: TranslationBundle;
  folders: readonly string[];
  isBusy: boolean;
  onAdd: (url: string, folder: string) => void;
  onCancel: () => void;
}): JSX.Element {
  const { trans, folders, isBusy } = props;
  const [url, setUrl] = React.useState('');
  const [folder, setFolder] = React.useState(folders[0]);
  const field = React.useRef<HTMLInputElement>(null);
  React.useEffect(() => field.current?.focus(), []);
  return (
    <form
      aria-label={trans.__('Add Git repository')}
      onSubmit={event => {
        event.preventDefault();
        props.onAdd(url.trim(), folder);
      }}
      onKeyDown={event => {
        if (event.key === 'Escape') {
          event.stopPropagation();
          props.onCancel();
        }
      }}
    >
      <label>
        {trans.__('Address of the repository')}
        <input
          ref={field}
          className="jp-mod-styled"
          required
          spellCheck={false}
          placeholder="https://…/team.git"
          value={url}
          onChange={event => setUrl(event.target.value)}
        />
      </label>
      {folders.length > 1 && (
        <label>
          {trans.__('Into the folder')}
          <select className="jp-mod-styled" value={folder} onChange={event => setFolder(event.target.value)}>
            {folders.map(each => (
              <option key={each}>{each}</option>
            ))}
          </select>
        </label>
      )}
      <div className="ft-Palette-buttons">
        <button type="submit" className="jp-mod-styled jp-mod-accept" disabled={isBusy || !url.trim()}>
          {trans.__('Add')}
        </button>
        <button type="button" className="jp-mod-styled" onClick={props.onCancel}>
          {trans.__('Cancel')}
        </button>
      </div>
    </form>
  );
}

async function told(work: () => Promise<string>): Promise<Pick<Doing, 'said' | 'isError'>> {
  try {
    return { said: await work(), isError: false };
  } catch (error) {
    if (!(error instanceof ApiError)) {
      throw error;
    }
    return { said: [error.message, error.hint].filter(Boolean).join('. '), isError: true };
  }
}

function short(commit: string | null): string {
  return commit?.slice(0, 7) ?? '';
}

/** An address as it may be shown while it is asked for. */
function withoutUser(url: string): string {
  return url.replace(/^(\w+:\/\/)[^?#]*@/, '$1').replace(/[?#].*$/, '');
}
