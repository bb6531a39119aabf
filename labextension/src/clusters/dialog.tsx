/**
 * The dialog about clusters: those one is signed in to, and a form for one more. It is the browser's own modal
 * dialog: it holds the focus, closes on Escape, and gives the focus back.
 */
import { ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { Widget } from '@lumino/widgets';
import * as React from 'react';

import type { ProfileView } from '../generated';
import { LoginForm } from './login_form';
import { freeName } from './login_model';
import { checkWords, ProfileList } from './profile_list';
import type { Profiles } from './profiles';

/** Open it; `profile`: with the form of that one. Resolves when it is closed. */
export async function openClusters(
  profiles: Profiles,
  trans: TranslationBundle,
  profile?: string
): Promise<void> {
  await profiles.reload();
  const dialog = document.createElement('dialog');
  dialog.className = 'ft-Clusters-dialog';
  dialog.setAttribute('aria-label', trans.__('Backend.AI clusters'));
  document.body.appendChild(dialog);
  const widget = new ClustersWidget(profiles, trans, profile, () => dialog.close());
  Widget.attach(widget, dialog);
  dialog.showModal();
  await new Promise<void>(resolve => dialog.addEventListener('close', () => resolve(), { once: true }));
  widget.dispose();
  dialog.remove();
}

class ClustersWidget extends ReactWidget {
  constructor(
    private readonly profiles: Profiles,
    private readonly trans: TranslationBundle,
    private readonly first: string | undefined,
    private readonly onClose: () => void
  ) {
    super();
    profiles.changed.connect(this.update, this);
  }

  dispose(): void {
    this.profiles.changed.disconnect(this.update, this);
    super.dispose();
  }

  protected render(): JSX.Element {
    return (
      <ClustersView profiles={this.profiles} trans={this.trans} first={this.first} onClose={this.onClose} />
    );
  }
}

/** What the dialog shows. */
export function ClustersView(props: {
  profiles: Profiles;
  trans: TranslationBundle;
  /** The profile whose form is open at first. */
  first?: string;
  onClose(): void;
}): JSX.Element {
  const { profiles, trans } = props;
  const known = profiles.profiles;
  const start = known.find(each => each.name === props.first);
  const [form, setForm] = React.useState<ProfileView | 'new' | null>(
    start ?? (known.length === 0 ? 'new' : null)
  );
  const [said, setSaid] = React.useState('');
  const open = (which: ProfileView | 'new'): void => {
    setSaid('');
    setForm(which);
  };
  const changed = form !== 'new' ? form : null;
  return (
    <div className="ft-Clusters">
      <header>
        <h2>{trans.__('Backend.AI clusters')}</h2>
        <button type="button" className="ft-Button" aria-label={trans.__('Close')} onClick={props.onClose}>
          ✕
        </button>
      </header>
      {known.length === 0 && (
        <p>{trans.__('Jobs run on this machine. Sign in to a cluster, and they can run there as well.')}</p>
      )}
      {form === null && <ProfileList profiles={profiles} trans={trans} onChange={open} />}
      {said && (
        <p className="ft-Profiles-said" role="status">
          {said}
        </p>
      )}
      {form === null ? (
        <button type="button" className="jp-mod-styled" onClick={() => open('new')}>
          {trans.__('Add a Backend.AI cluster…')}
        </button>
      ) : (
        <LoginForm
          key={changed?.name ?? ''}
          profile={changed ?? undefined}
          name={freeName(known)}
          trans={trans}
          onSubmit={async (name, request) => {
            const kept = await profiles.put(name, request);
            setForm(null);
            setSaid(keptWords(kept, trans));
          }}
          onCancel={() => (known.length === 0 ? props.onClose() : setForm(null))}
        />
      )}
    </div>
  );
}

function keptWords(kept: ProfileView, trans: TranslationBundle): string {
  const words = [trans.__('Kept as %1.', kept.name)];
  if (kept.checked) {
    words.push(checkWords(kept.checked, trans));
    if (!kept.checked.projects.includes(kept.project)) {
      words.push(trans.__('But %1 is none of your projects: change it before you run a job.', kept.project));
    }
  }
  return [...words, kept.trouble].filter(Boolean).join(' ');
}
