/** The vfolders of a cluster: those that others offer, those that one has, what they take; and into each of them. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { addIcon, deleteIcon, folderIcon, usersIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { word } from '../api';
import type { ClusterFolder } from '../generated';
import { CommandIDs } from '../tokens';
import { sentence, troubleHere } from '../words';
import { useAnswer, Waiting, type Asked } from '../asking';
import type { ClusterContext } from './context';
import { FilesView } from './files_view';
import { MakeFolder } from './folder_make';
import { Sharing } from './folder_share';
import { UseButton } from './images_view';
import { Invitations } from './invitations';
import { IconButton, Nothing, SaidLine, Search, type Said } from '../parts';
import { isMeant } from '../questions';
import { Quotas } from './quotas';
import { permissionWords } from './words';

/** See the head of this file. */
export function FoldersView({ context }: { context: ClusterContext }): JSX.Element {
  const { api, place } = context;
  const [folder, setFolder] = React.useState<ClusterFolder | null>(null);
  const fresh = { ...context.fresh, isSeen: context.fresh.isSeen && folder === null };
  const asked = useAnswer(signal => api.get<ClusterFolder[]>(`${place}/folders`, {}, signal), place, fresh);
  return folder === null ? (
    <FolderList context={{ ...context, fresh }} asked={asked} onOpen={setFolder} />
  ) : (
    <FilesView key={folder.id} context={context} folder={folder} onLeave={() => setFolder(null)} />
  );
}

function FolderList(props: {
  context: ClusterContext;
  asked: Asked<ClusterFolder[]>;
  onOpen(folder: ClusterFolder): void;
}): JSX.Element {
  const { context, asked } = props;
  const { trans } = context;
  const [text, setText] = React.useState('');
  const [isMaking, setMaking] = React.useState(false);
  const [said, setSaid] = React.useState<Said | null>(null);
  const done = (words: string): void => {
    setSaid({ words });
    setMaking(false);
    asked.again();
  };
  const all = asked.value ?? [];
  const found = all.filter(each => each.name.toLowerCase().includes(text.trim().toLowerCase()));
  return (
    <>
      <Invitations context={context} onAnswered={done} />
      <div className="ft-Cluster-bar">
        <Search label={trans.__('Search vfolders')} value={text} onChange={setText} />
        <IconButton
          icon={addIcon}
          label={trans.__('Make a vfolder')}
          isOpen={isMaking}
          onClick={() => setMaking(!isMaking)}
        />
      </div>
      {isMaking && <MakeFolder context={context} onMade={done} onCancel={() => setMaking(false)} />}
      <SaidLine said={said} />
      <Waiting asked={asked} trans={trans} />
      {asked.value && found.length === 0 && <NoFolder isSearched={all.length > 0} trans={trans} />}
      <ul className="ft-Cluster-list" aria-label={trans.__('Vfolders')}>
        {found.map(folder => (
          <FolderLine
            key={folder.id}
            folder={folder}
            context={context}
            onOpen={() => props.onOpen(folder)}
            onSaid={setSaid}
            onRemoved={done}
          />
        ))}
      </ul>
      <Quotas context={context} />
    </>
  );
}

function NoFolder({ isSearched, trans }: { isSearched: boolean; trans: TranslationBundle }): JSX.Element {
  return isSearched ? (
    <Nothing title={trans.__('No vfolder has that in its name.')} />
  ) : (
    <Nothing title={trans.__('There is no vfolder yet.')}>
      {trans.__('Make one with +; a pipeline’s own is made with its first job.')}
    </Nothing>
  );
}

function FolderLine(props: {
  folder: ClusterFolder;
  context: ClusterContext;
  onOpen(): void;
  onSaid(said: Said): void;
  onRemoved(words: string): void;
}): JSX.Element {
  const { folder, context, onSaid } = props;
  const { api, place, trans } = context;
  const { name } = folder;
  const [isSharing, setSharing] = React.useState(false);
  const remove = async (): Promise<void> => {
    const question = trans.__('Remove the vfolder %1?', name);
    if (await isMeant(question, trans.__('All that is in it is lost, for good.'), trans.__('Remove'))) {
      try {
        await api.send('DELETE', `${place}/folders/${word(name)}`);
        props.onRemoved(trans.__('%1 is removed.', name));
      } catch (error) {
        onSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true });
      }
    }
  };
  return (
    <li>
      <button type="button" className="ft-Cluster-line ft-Cluster-open" title={name} onClick={props.onOpen}>
        <span className="ft-Cluster-name">
          <folderIcon.react tag="span" className="ft-Cluster-kind" height="16px" width="16px" />
          {name}
        </span>
        <span className="ft-Profiles-place">{factsOf(folder, trans)}</span>
      </button>
      <div className="ft-Cluster-acts">
        <UseButton
          command={CommandIDs.useFolder}
          args={{ folder: name }}
          label={trans.__('Mount')}
          about={trans.__('Mount %1 in the selected task', name)}
          context={context}
          onSaid={onSaid}
        />
        {(folder.is_owner || folder.project !== null) && (
          <IconButton
            icon={usersIcon}
            label={trans.__('Who shares %1', name)}
            isOpen={isSharing}
            onClick={() => setSharing(!isSharing)}
          />
        )}
        {(folder.is_owner || folder.project !== null || folder.permission === 'wd') && (
          <IconButton icon={deleteIcon} label={trans.__('Remove %1', name)} onClick={() => void remove()} />
        )}
      </div>
      {isSharing && <Sharing context={context} folder={folder} />}
    </li>
  );
}

/** What it is for, what one may do with it, and whose it is. */
function factsOf(folder: ClusterFolder, trans: TranslationBundle): string {
  const { usage_mode, permission, project, is_owner, owner, host } = folder;
  const usage: Readonly<Record<string, string>> = {
    general: '',
    data: trans.__('data'),
    model: trans.__('model')
  };
  const whose = project !== null ? trans.__('of project %1', project) : is_owner ? trans.__('yours') : owner;
  const may = is_owner ? '' : permissionWords(permission, trans);
  return [usage[usage_mode] ?? usage_mode, whose, may, host].filter(Boolean).join(' · ');
}
