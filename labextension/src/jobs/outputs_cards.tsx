/** The cards of a task instance's Models and Datasets, with what the lineage tells of them. */
import * as React from 'react';

import { useAnswer } from '../asking';
import { word } from '../api';
import type { FileView, LineageView, ModelVersion, ModelView, TaskInstanceView } from '../generated';
import { ArtifactCard } from '../viewers/card';
import { cardsIn, sizeOf, storyOf, type Artifact } from '../viewers/card_model';
import type { PanelContext } from './task_panel';

interface CardsProps {
  job: string;
  instance: TaskInstanceView;
  files: readonly FileView[];
  context: PanelContext;
}

/** What is known of an artifact. */
interface Known {
  lineage: LineageView;
  versions: ModelVersion[];
}

/** See the head of this file. */
export function Cards(props: CardsProps): JSX.Element | null {
  const cards = cardsIn(props.instance.outputs);
  return cards.length === 0 ? null : (
    <div className="ft-Cards">
      {cards.map(artifact => (
        <Card key={artifact.name} artifact={artifact} {...props} />
      ))}
    </div>
  );
}

function Card({ artifact, job, instance, files, context }: CardsProps & { artifact: Artifact }): JSX.Element {
  const { name } = artifact;
  const asked = useAnswer(
    signal => known(context, job, instance.path, name, signal),
    `${job} ${instance.path} ${name} ${instance.ended_at ?? ''}`,
    { round: 0, isSeen: true }
  );
  return (
    <ArtifactCard
      artifact={artifact}
      size={sizeOf(artifact, instance.outputs_dir, files)}
      lineage={asked.value?.lineage ?? null}
      versions={asked.value?.versions ?? []}
      trans={context.trans}
      onOpen={other => context.open?.(other)}
      onLineage={context.lineage && (() => context.lineage?.(job, `${instance.path}.${name}`))}
    />
  );
}

async function known(
  { api }: PanelContext,
  job: string,
  path: string,
  name: string,
  signal: AbortSignal
): Promise<Known> {
  const lineage = await api.get<LineageView>('lineage', { job, task: `${path}.${name}` }, signal);
  const versions: ModelVersion[] = [];
  for (const node of storyOf(lineage, name).versions) {
    const [model, number] = node.name.split('@');
    const found = await api.get<ModelView>(`models/${word(node.backend)}/${word(model)}`, {}, signal);
    versions.push(...found.versions.filter(({ version }) => version === Number(number)));
  }
  return { lineage, versions };
}
