/** Which clusters one is signed in to: which is the default, what a cluster says when asked again, and signing out. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { ApiError } from '../api';
import type { ProfileCheck, ProfileView } from '../generated';
import type { Profiles } from './profiles';
import { sentence, troubleHere } from '../words';

/** The name of the profile that is meant where none is named. */
export const DEFAULT = 'default';

interface Said {
  name: string;
  words: string;
  isError: boolean;
  /** Signing out was refused, as jobs need the profile: it can be insisted on. */
  canInsist?: boolean;
}

/** See the head of this file. */
export function ProfileList(props: {
  profiles: Profiles;
  trans: TranslationBundle;
  onChange(profile: ProfileView): void;
}): JSX.Element {
  const { profiles, trans } = props;
  const [said, setSaid] = React.useState<Said | null>(null);
  const [busy, setBusy] = React.useState<string | null>(null);
  const act = async (name: string, work: () => Promise<string>, isLeaving = false): Promise<void> => {
    setBusy(name);
    setSaid(null);
    try {
      setSaid({ name, words: await work(), isError: false });
    } catch (error) {
      const canInsist = isLeaving && error instanceof ApiError && error.code === 'conflict';
      setSaid({ name, words: sentence(troubleHere(error, trans)), isError: true, canInsist });
    } finally {
      setBusy(null);
    }
  };
  const leave = (name: string, setAside: boolean): void =>
    void act(
      name,
      async () => {
        await profiles.remove(name, setAside);
        return trans.__('You are signed out of %1; its keys are forgotten.', name);
      },
      true
    );
  const isListed = profiles.profiles.some(each => each.name === said?.name);
  const words = said && <SaidLine said={said} trans={trans} onInsist={() => leave(said.name, true)} />;
  return (
    <section className="ft-Profiles" aria-label={trans.__('Clusters you are signed in to')}>
      <ul>
        {profiles.profiles.map(profile => (
          <li key={profile.name}>
            <ProfileLine profile={profile} trans={trans} />
            <div className="ft-Profiles-buttons">
              <Button
                label={trans.__('Check again')}
                about={trans.__('Check %1 again', profile.name)}
                isDisabled={busy !== null}
                onClick={() =>
                  void act(profile.name, async () => checkWords(await profiles.check(profile.name), trans))
                }
              />
              <Button
                label={trans.__('Change…')}
                about={trans.__('Change %1', profile.name)}
                isDisabled={busy !== null}
                onClick={() => props.onChange(profile)}
              />
              <Button
                label={trans.__('Sign out')}
                about={trans.__('Sign out of %1', profile.name)}
                isDisabled={busy !== null}
                onClick={() => leave(profile.name, false)}
              />
            </div>
            {busy === profile.name && <p role="status">{trans.__('Asking the cluster…')}</p>}
            {said?.name === profile.name && words}
          </li>
        ))}
      </ul>
      {!isListed && words}
    </section>
  );
}

/** What a cluster said of who one is there, in words. */
export function checkWords(check: ProfileCheck, trans: TranslationBundle): string {
  const who = check.account
    ? trans.__('Backend.AI %1; you are %2.', check.release, check.account)
    : trans.__('Backend.AI %1 takes these keys.', check.release);
  const projects = trans.__('Projects: %1.', check.projects.join(', ') || trans.__('none'));
  return [who, projects, ...check.notes].join(' ');
}

function ProfileLine({ profile, trans }: { profile: ProfileView; trans: TranslationBundle }): JSX.Element {
  const who = [profile.account ?? profile.key, profile.project].filter(Boolean).join(' · ');
  return (
    <div className="ft-Profiles-line">
      <span className="ft-Profiles-name">
        {profile.name}
        {profile.name === DEFAULT && <span className="ft-Badge">{trans.__('the default')}</span>}
        {!profile.kept && <span className="ft-Badge">{trans.__('until the engine ends')}</span>}
      </span>
      <span className="ft-Profiles-place">{profile.endpoint}</span>
      <span className="ft-Profiles-place">{who}</span>
      {profile.trouble && <span className="ft-Login-problem">{profile.trouble}</span>}
    </div>
  );
}

function SaidLine(props: { said: Said; trans: TranslationBundle; onInsist(): void }): JSX.Element {
  const { said, trans } = props;
  return (
    <p
      className={said.isError ? 'ft-Login-problem' : 'ft-Profiles-said'}
      role={said.isError ? 'alert' : 'status'}
    >
      {said.words}{' '}
      {said.canInsist && (
        <Button
          label={trans.__('Sign out all the same')}
          about={trans.__('Sign out of %1; its jobs wait until it is back', said.name)}
          onClick={props.onInsist}
        />
      )}
    </p>
  );
}

function Button(props: { label: string; about: string; isDisabled?: boolean; onClick(): void }): JSX.Element {
  return (
    <button
      type="button"
      className="ft-Button"
      title={props.about}
      aria-label={props.about}
      disabled={props.isDisabled}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}
