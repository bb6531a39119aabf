/** A form for one more vfolder: its name, what it is for, and whose it is to be: one's own, or a project's. */
import * as React from 'react';

import type { ClusterFolder, ClusterView, NewFolder } from '../generated';
import { sentence, troubleHere } from '../words';
import { useAnswer } from '../asking';
import type { ClusterContext } from './context';

/** See the head of this file. */
export function MakeFolder(props: {
  context: ClusterContext;
  onMade(words: string): void;
  onCancel(): void;
}): JSX.Element {
  const { api, place, trans, fresh } = props.context;
  const view = useAnswer(signal => api.get<ClusterView>(place, {}, signal), place, fresh).value;
  const [trouble, setTrouble] = React.useState('');
  const [isBusy, setBusy] = React.useState(false);
  const submit = async (event: React.FormEvent<HTMLFormElement>): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    try {
      const request = requestOf(new FormData(event.currentTarget));
      const made = await api.send<ClusterFolder>('POST', `${place}/folders`, request);
      props.onMade(trans.__('%1 is made.', made.name));
    } catch (error) {
      setTrouble(sentence(troubleHere(error, trans)));
      setBusy(false);
    }
  };
  return (
    <form
      className="ft-Cluster-form"
      aria-label={trans.__('Make a vfolder')}
      onSubmit={event => void submit(event)}
      onKeyDown={event => event.key === 'Escape' && props.onCancel()}
    >
      <label className="ft-Cluster-field">
        <span>{trans.__('Name')}</span>
        <input name="name" required maxLength={64} spellCheck={false} autoComplete="off" autoFocus />
      </label>
      <label className="ft-Cluster-field">
        <span>{trans.__('For')}</span>
        <select name="usage_mode">
          <option value="general">{trans.__('anything')}</option>
          <option value="data">{trans.__('data')}</option>
          <option value="model">{trans.__('models that are served')}</option>
        </select>
      </label>
      <label className="ft-Cluster-field">
        <span>{trans.__('Of')}</span>
        <select name="project">
          <option value="">{trans.__('me alone')}</option>
          {view?.projects.map(({ name }) => (
            <option key={name} value={name}>
              {trans.__('project %1: all its members share it', name)}
            </option>
          ))}
        </select>
      </label>
      {trouble && (
        <p className="ft-Login-problem" role="alert">
          {trouble}
        </p>
      )}
      <div className="ft-Cluster-buttons">
        <button type="button" className="ft-Button" onClick={props.onCancel}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="ft-Button ft-mod-main" disabled={isBusy}>
          {isBusy ? trans.__('Making it …') : trans.__('Make')}
        </button>
      </div>
    </form>
  );
}

/** The request that the filled form means. */
function requestOf(form: FormData): NewFolder {
  return {
    name: String(form.get('name')).trim(),
    usage_mode: String(form.get('usage_mode')) as NewFolder['usage_mode'],
    project: String(form.get('project') ?? '') || null
  };
}
