/** A model's versions, the newest first: what each is worth and where it comes from; two of them side by side. */
import * as React from 'react';

import { useAnswer, Waiting } from '../asking';
import { More, SaidLine, type Said } from '../parts';
import type { ModelSummary, ModelView } from '../generated';
import type { ServingContext } from './context';
import { Comparison } from './model_compare';
import { VersionLine } from './model_version';
import { placeOfModel } from './model_words';

/** How many are drawn at once. */
const PAGE = 50;

/** See the head of this file. */
export function Versions(props: {
  of: Pick<ModelSummary, 'backend' | 'name'>;
  context: ServingContext;
  onChanged(): void;
}): JSX.Element {
  const { of, context, onChanged } = props;
  const { api, trans } = context;
  const place = placeOfModel(of);
  const asked = useAnswer(signal => api.get<ModelView>(place, {}, signal), place, context.fresh);
  const [chosen, setChosen] = React.useState<readonly number[]>([]);
  const [shown, setShown] = React.useState(PAGE);
  const [said, setSaid] = React.useState<Said | null>(null);
  const versions = asked.value?.versions ?? [];
  const picked = chosen.filter(each => versions.some(({ version }) => version === each));
  const pick = (version: number): void =>
    setChosen(
      picked.includes(version) ? picked.filter(each => each !== version) : [...picked.slice(-1), version]
    );
  const done = (words: string): void => {
    setSaid({ words });
    asked.again();
    onChanged();
  };
  return (
    <div className="ft-Cluster-inset">
      <Waiting asked={asked} trans={trans} />
      <SaidLine said={said} />
      {versions.length > 1 && picked.length < 2 && (
        <p className="ft-Profiles-place">{trans.__('Check two versions to compare them.')}</p>
      )}
      {picked.length === 2 && (
        <Comparison place={place} one={Math.min(...picked)} other={Math.max(...picked)} context={context} />
      )}
      <ul className="ft-Cluster-list" aria-label={trans.__('Versions of %1', of.name)}>
        {versions.slice(0, shown).map(version => (
          <VersionLine
            key={version.version}
            version={version}
            place={place}
            context={context}
            isPicked={picked.includes(version.version)}
            onPick={versions.length > 1 ? () => pick(version.version) : undefined}
            onDone={done}
            onTrouble={words => setSaid({ words, isTrouble: true })}
          />
        ))}
      </ul>
      <More left={versions.length - shown} trans={trans} onClick={() => setShown(shown + PAGE)} />
    </div>
  );
}
