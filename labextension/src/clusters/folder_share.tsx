/** Whom a vfolder is shared with, what each may do, and one more. */
import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { word } from '../api';
import type { ClusterFolder, FolderShare, ShareRequest } from '../generated';
import { sentence, troubleHere } from '../words';
import { useAnswer, Waiting } from '../asking';
import type { ClusterContext } from './context';
import { IconButton, SaidLine, type Said } from '../parts';
import { permissionWords } from './words';

type Permission = ShareRequest['permission'];

const PERMISSIONS: readonly Permission[] = ['ro', 'rw', 'wd'];

/** See the head of this file. */
export function Sharing({
  context,
  folder
}: {
  context: ClusterContext;
  folder: ClusterFolder;
}): JSX.Element {
  const { api, trans } = context;
  const place = `${context.place}/folders/${word(folder.name)}/shares`;
  const asked = useAnswer(signal => api.get<FolderShare[]>(place, {}, signal), place, context.fresh);
  const [said, setSaid] = React.useState<Said | null>(null);
  const act = async (work: () => Promise<unknown>, words: string): Promise<boolean> => {
    try {
      await work();
      setSaid({ words });
      return true;
    } catch (error) {
      setSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true });
      return false;
    } finally {
      asked.again();
    }
  };
  const put = (user: string, permission: Permission, words: string): Promise<boolean> =>
    act(() => api.send('POST', place, { users: [user], permission }), words);
  return (
    <section className="ft-Cluster-inset" aria-label={trans.__('Who shares %1', folder.name)}>
      <p className="ft-Profiles-place">{introduction(folder, trans)}</p>
      <Waiting asked={asked} trans={trans} />
      <ul className="ft-Cluster-list">
        {asked.value?.map(share => (
          <ShareLine
            key={share.user}
            share={share}
            trans={trans}
            onChange={to =>
              void put(share.user, to, trans.__('%1 %2 now.', share.user, permissionWords(to, trans)))
            }
            onEnd={() =>
              void act(
                () => api.send('DELETE', `${place}/${word(share.user)}`),
                trans.__('It is no longer shared with %1.', share.user)
              )
            }
          />
        ))}
      </ul>
      <ShareForm
        trans={trans}
        label={folder.project === null ? trans.__('Invite') : trans.__('Share')}
        onShare={(user, permission) =>
          put(
            user,
            permission,
            folder.project === null
              ? trans.__('%1 is invited.', user)
              : trans.__('%1 %2 now.', user, permissionWords(permission, trans))
          )
        }
      />
      <SaidLine said={said} />
    </section>
  );
}

function introduction(folder: ClusterFolder, trans: TranslationBundle): string {
  return folder.project === null
    ? trans.__(
        'Who is invited decides whether to accept. For all of a project, make a vfolder of the project’s.'
      )
    : trans.__(
        'All members of project %1 have it. Here its administrators say what one of them may do.',
        folder.project
      );
}

function ShareLine(props: {
  share: FolderShare;
  trans: TranslationBundle;
  onChange(permission: Permission): void;
  onEnd(): void;
}): JSX.Element {
  const { share, trans } = props;
  return (
    <li>
      <div className="ft-Cluster-line" title={share.user}>
        <span className="ft-Cluster-name">{share.user}</span>
        {!share.is_accepted && (
          <span className="ft-Profiles-place">
            {trans.__('invited, has not answered · %1', permissionWords(share.permission, trans))}
          </span>
        )}
      </div>
      <div className="ft-Cluster-acts">
        {share.is_accepted && (
          <Permissions
            label={trans.__('What %1 may do', share.user)}
            value={share.permission}
            trans={trans}
            onChange={props.onChange}
          />
        )}
        <IconButton
          icon={closeIcon}
          label={
            share.is_accepted
              ? trans.__('Share it with %1 no longer', share.user)
              : trans.__('Take the invitation of %1 back', share.user)
          }
          onClick={props.onEnd}
        />
      </div>
    </li>
  );
}

function Permissions(props: {
  label: string;
  value?: string;
  trans: TranslationBundle;
  onChange?(permission: Permission): void;
}): JSX.Element {
  const { value, trans, onChange } = props;
  const all =
    value === undefined || PERMISSIONS.some(each => each === value) ? PERMISSIONS : [value, ...PERMISSIONS];
  return (
    <select
      name="permission"
      aria-label={props.label}
      value={value}
      onChange={onChange && (event => onChange(event.target.value as Permission))}
    >
      {all.map(each => (
        <option key={each} value={each}>
          {permissionWords(each, trans)}
        </option>
      ))}
    </select>
  );
}

function ShareForm(props: {
  trans: TranslationBundle;
  label: string;
  onShare(user: string, permission: Permission): Promise<boolean>;
}): JSX.Element {
  const { trans } = props;
  const [isBusy, setBusy] = React.useState(false);
  const submit = async (form: HTMLFormElement): Promise<void> => {
    const filled = new FormData(form);
    setBusy(true);
    const isDone = await props.onShare(
      String(filled.get('user')).trim(),
      String(filled.get('permission')) as Permission
    );
    setBusy(false);
    if (isDone) {
      form.reset();
    }
  };
  return (
    <form
      className="ft-Cluster-row"
      onSubmit={event => {
        event.preventDefault();
        void submit(event.currentTarget);
      }}
    >
      <input
        name="user"
        type="email"
        required
        aria-label={trans.__('E-mail of the other user')}
        placeholder={trans.__('E-mail of the other user')}
        autoComplete="off"
      />
      <Permissions label={trans.__('What the other may do')} trans={trans} />
      <button type="submit" className="ft-Button ft-mod-main" disabled={isBusy}>
        {isBusy ? trans.__('Asking …') : props.label}
      </button>
    </form>
  );
}
