/** One version of a model: its metrics, aliases and services; promoted, copied as a task that serves it, removed. */
import { Clipboard } from '@jupyterlab/apputils';
import { copyIcon, deleteIcon, launchIcon, treeViewIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import { word } from '../api';
import { IconButton, Name } from '../parts';
import { isMeant } from '../questions';
import type { ModelVersion } from '../generated';
import { ago, exact } from '../time';
import { CommandIDs } from '../tokens';
import { sentence, troubleHere } from '../words';
import type { ServingContext } from './context';
import { deploymentTask, givenAliases, metricsLine, sizeWord } from './model_words';

interface VersionProps {
  version: ModelVersion;
  /** Where the operations on its model are. */
  place: string;
  context: ServingContext;
  isPicked: boolean;
  /** Left out where there is nothing to compare it with. */
  onPick?(): void;
  onDone(words: string): void;
  onTrouble(words: string): void;
}

/** See the head of this file. */
export function VersionLine(props: VersionProps): JSX.Element {
  const { version, place, context, onDone } = props;
  const { api, trans, commands } = context;
  const name = trans.__('%1 version %2', version.model, version.version);
  const { job } = version.lineage;
  const tell = (error: unknown): void => props.onTrouble(sentence(troubleHere(error, trans)));
  const remove = async (): Promise<void> => {
    const body = trans.__('Its files are gone then, for everybody who uses them.');
    if (await isMeant(trans.__('Remove %1?', name), body, trans.__('Remove'))) {
      const path = `${place}/versions/${version.version}`;
      await api.send('DELETE', path).then(() => onDone(trans.__('%1 is removed.', name)), tell);
    }
  };
  const copy = (): void => {
    Clipboard.copyToSystem(deploymentTask(version));
    onDone(trans.__('A task that serves %1 is on the clipboard: paste it onto a canvas.', name));
  };
  return (
    <li>
      {props.onPick && (
        <input
          type="checkbox"
          className="ft-Serving-pick"
          aria-label={trans.__('Compare %1', name)}
          checked={props.isPicked}
          onChange={props.onPick}
        />
      )}
      <VersionWords {...props} />
      <div className="ft-Cluster-acts">
        <Promote {...props} onTrouble={tell} />
        <IconButton
          icon={launchIcon}
          label={trans.__('Open the job that made %1', name)}
          onClick={() => void commands.execute(CommandIDs.openJob, { job })}
        />
        <IconButton
          icon={treeViewIcon}
          label={trans.__('Lineage of %1', name)}
          onClick={() =>
            void commands.execute(CommandIDs.lineage, {
              model: `${version.model}@${version.version}`,
              backend: version.backend
            })
          }
        />
        <IconButton icon={copyIcon} label={trans.__('Copy a task that serves %1', name)} onClick={copy} />
        <IconButton icon={deleteIcon} label={trans.__('Remove %1', name)} onClick={() => void remove()} />
      </div>
    </li>
  );
}

function VersionWords({ version, place, context, onDone, onTrouble }: VersionProps): JSX.Element {
  const { api, trans } = context;
  const { lineage, services = [] } = version;
  const facts = [
    metricsLine(version.metrics ?? {}),
    `${lineage.pipeline} #${lineage.index} · ${lineage.task}`,
    ago(version.created_at, Date.now(), trans),
    sizeWord(version, trans),
    services.length > 0 && trans.__('served by %1', services.join(', '))
  ];
  const drop = (alias: string): Promise<void> =>
    api.send('DELETE', `${place}/aliases/${word(alias)}`).then(
      () => onDone(trans.__('%1 stands for no version any more.', alias)),
      (error: unknown) => onTrouble(sentence(troubleHere(error, trans)))
    );
  return (
    <div className="ft-Cluster-line">
      <Name
        badges={givenAliases(version).map(alias => (
          <span key={alias} className="ft-Badge">
            {alias}{' '}
            <button
              type="button"
              className="ft-Serving-drop"
              aria-label={trans.__('Take the alias %1 away', alias)}
              title={trans.__('Take the alias %1 away', alias)}
              onClick={() => void drop(alias)}
            >
              ×
            </button>
          </span>
        ))}
      >
        {trans.__('Version %1', version.version)}
      </Name>
      <span
        className="ft-Profiles-place"
        title={[exact(version.created_at, trans), version.digest].filter(Boolean).join('\n')}
      >
        {facts.filter(Boolean).join(' · ')}
      </span>
    </div>
  );
}

/** A field for an alias: `production`, `staging`, any word. */
function Promote(props: Omit<VersionProps, 'onTrouble'> & { onTrouble(error: unknown): void }): JSX.Element {
  const { version, place, context } = props;
  const { api, trans } = context;
  const [alias, setAlias] = React.useState<string | null>(null);
  const list = React.useId();
  const promote = async (event: React.FormEvent): Promise<void> => {
    event.preventDefault();
    const name = (alias ?? '').trim();
    if (name !== '') {
      await api.send('PUT', `${place}/aliases/${word(name)}`, { version: version.version }).then(() => {
        setAlias(null);
        props.onDone(trans.__('%1 is version %2 now.', name, version.version));
      }, props.onTrouble);
    }
  };
  return alias === null ? (
    <button
      type="button"
      className="ft-Button"
      title={trans.__('Give version %1 an alias, by which tasks and services find it', version.version)}
      onClick={() => setAlias('')}
    >
      {trans.__('Promote…')}
    </button>
  ) : (
    <form className="ft-Serving-promote" onSubmit={event => void promote(event)}>
      <input
        autoFocus
        list={list}
        aria-label={trans.__('Alias for version %1', version.version)}
        placeholder={trans.__('production')}
        value={alias}
        onChange={event => setAlias(event.target.value)}
        onKeyDown={event => {
          if (event.key === 'Escape') {
            event.stopPropagation();
            setAlias(null);
          }
        }}
      />
      <datalist id={list}>
        <option value="production" />
        <option value="staging" />
      </datalist>
      <button type="submit" className="ft-Button" disabled={alias.trim() === ''}>
        {trans.__('Promote')}
      </button>
    </form>
  );
}
