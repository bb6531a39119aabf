/** The images of a cluster: looked for by words and by accelerator, their names copied or used in the selected task. */
import { Clipboard } from '@jupyterlab/apputils';
import { copyIcon } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { ClusterImage } from '../generated';
import { appLabel } from '../session_apps';
import { CommandIDs } from '../tokens';
import { bytes, sentence, slotLabel, troubleHere } from '../words';
import { useAnswer, Waiting } from '../asking';
import type { ClusterContext } from './context';
import { chosen, familiesOf, familyLabel, nameParts } from './images_model';
import { Chips, IconButton, More, Name, Nothing, SaidLine, Search, useSignal, type Said } from '../parts';
import { amounts } from './words';

/** How many are drawn at once. */
const PAGE = 50;

/** See the head of this file. */
export function ImagesView({ context }: { context: ClusterContext }): JSX.Element {
  const { api, place, trans } = context;
  const asked = useAnswer(() => api.get<ClusterImage[]>(`${place}/images`), place, context.fresh);
  const [text, setText] = React.useState('');
  const [family, setFamily] = React.useState<string | null>(null);
  const [shown, setShown] = React.useState(PAGE);
  const [said, setSaid] = React.useState<Said | null>(null);
  if (!asked.value) {
    return <Waiting asked={asked} trans={trans} />;
  }
  const families = familiesOf(asked.value);
  const found = chosen(asked.value, text, family);
  return (
    <>
      <Waiting asked={asked} trans={trans} />
      <div className="ft-Cluster-bar">
        <Search label={trans.__('Search images')} value={text} onChange={setText} />
        {families.length > 0 && (
          <Chips
            label={trans.__('Made for which accelerator')}
            options={families.map(value => ({ value, label: familyLabel(value) }))}
            value={family}
            onChange={value => setFamily(value === family ? null : value)}
          />
        )}
      </div>
      <SaidLine said={said} />
      {found.length === 0 && (
        <Nothing title={asked.value.length ? trans.__('No image has all of that.') : trans.__('No images.')}>
          {asked.value.length
            ? trans.__('Look for fewer words, or for any accelerator.')
            : trans.__('The cluster shows you none: ask an administrator.')}
        </Nothing>
      )}
      <ul className="ft-Cluster-list" aria-label={trans.__('Images')}>
        {found.slice(0, shown).map(image => (
          <ImageLine key={image.name} image={image} context={context} onSaid={setSaid} />
        ))}
      </ul>
      <More left={found.length - shown} trans={trans} onClick={() => setShown(shown + PAGE)} />
    </>
  );
}

function ImageLine(props: {
  image: ClusterImage;
  context: ClusterContext;
  onSaid(said: Said): void;
}): JSX.Element {
  const { image, onSaid } = props;
  const { trans } = props.context;
  const { short, from } = nameParts(image.name);
  const minimum = amounts(image.minimum ?? {}, slot => slotLabel(slot, trans));
  const facts = [
    from,
    ...image.architectures,
    image.size > 0 && bytes(image.size),
    minimum && trans.__('at least %1', minimum),
    image.apps.length > 0 && image.apps.map(app => appLabel(app, trans)).join(', ')
  ];
  const copy = (): void => {
    Clipboard.copyToSystem(image.name);
    onSaid({ words: trans.__('%1 is on the clipboard.', image.name) });
  };
  return (
    <li>
      <div className="ft-Cluster-line" title={[image.name, ...image.aliases].join('\n')}>
        <Name
          badges={
            <>
              {image.accelerators.map(each => (
                <span key={each} className="ft-Badge ft-mod-accelerator">
                  {each === '*' ? trans.__('any accelerator') : familyLabel(each)}
                </span>
              ))}
              {!image.is_installed && (
                <span
                  className="ft-Badge"
                  title={trans.__('No node has it yet: a session waits until it is there')}
                >
                  {trans.__('pulled first')}
                </span>
              )}
            </>
          }
        >
          {short}
        </Name>
        <span className="ft-Profiles-place">{facts.filter(Boolean).join(' · ')}</span>
      </div>
      <div className="ft-Cluster-acts">
        <UseButton
          command={CommandIDs.useImage}
          args={{ image: image.name }}
          label={trans.__('Use')}
          about={trans.__('Use %1 in the selected task', image.name)}
          context={props.context}
          onSaid={onSaid}
        />
        <IconButton icon={copyIcon} label={trans.__('Copy the name of %1', image.name)} onClick={copy} />
      </div>
    </li>
  );
}

/** A button for a command on the selected tasks of the editor; not to be pressed where none is selected. */
export function UseButton(props: {
  command: string;
  args: Record<string, string>;
  label: string;
  about: string;
  context: ClusterContext;
  onSaid(said: Said): void;
}): JSX.Element | null {
  const { command, args, context, onSaid } = props;
  const { commands, trans } = context;
  useSignal(commands.commandChanged);
  if (!commands.hasCommand(command)) {
    return null;
  }
  const use = async (): Promise<void> => {
    try {
      onSaid({ words: String(await commands.execute(command, args)) });
    } catch (error) {
      onSaid({ words: sentence(troubleHere(error, trans)), isTrouble: true });
    }
  };
  const isEnabled = commands.isEnabled(command, args);
  return (
    <button
      type="button"
      className="ft-Button"
      aria-label={props.about}
      title={isEnabled ? props.about : trans.__('Select a task in a pipeline editor first')}
      disabled={!isEnabled}
      onClick={() => void use()}
    >
      {props.label}
    </button>
  );
}
