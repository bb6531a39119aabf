/** A Model or a Dataset on a card: what it is, where it comes from, what became of it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { LineageNode, LineageView, ModelVersion } from '../generated';
import { exact } from '../time';
import { bytes } from '../words';
import { storyOf, type Artifact, type Size } from './card_model';
import { cellWords } from './numbers';

const MOST = 5;

interface CardProps {
  artifact: Artifact;
  size: Size | null;
  /** Null while it is not known. */
  lineage: LineageView | null;
  /** What is known of the registered versions of it. */
  versions: readonly ModelVersion[];
  trans: TranslationBundle;
  /** Open a job's view. */
  onOpen(job: string): void;
  /** Show all of where it comes from and what became of it. */
  onLineage?(): void;
}

/** See the head of this file. */
export function ArtifactCard(props: CardProps): JSX.Element {
  const { artifact, size, lineage, versions, trans } = props;
  const story = lineage && storyOf(lineage, artifact.name);
  const metadata = Object.entries(artifact.metadata);
  const digest = versions[0]?.digest;
  const amount =
    size &&
    [bytes(size.bytes), size.files > 1 && trans._n('%1 file', '%1 files', size.files)].filter(Boolean);
  return (
    <section className="ft-Card" aria-label={trans.__('%1 %2', artifact.type, artifact.name)}>
      <h4>
        {artifact.name} <small>{artifact.type}</small>
      </h4>
      <dl>
        {amount && <Row name={trans.__('Size')}>{amount.join(' · ')}</Row>}
        {digest && (
          <Row name={trans.__('Digest')}>
            <code title={digest}>{digest.slice(0, 19)}</code>
          </Row>
        )}
        {versions.length > 0 && (
          <Row name={trans.__('Registered')}>
            {versions
              .map(
                ({ model, version, aliases }) =>
                  `${model}@${version} ${aliases.map(each => `(${each})`).join(' ')}`
              )
              .join(', ')}
          </Row>
        )}
        {story?.madeBy && (
          <Row name={trans.__('Made by')}>
            <Named node={story.madeBy} {...props} />
            {story.madeBy.ended_at && <small> {exact(story.madeBy.ended_at, trans)}</small>}
          </Row>
        )}
        {story && story.madeOf.length > 0 && <Row name={trans.__('Made of')}>{story.madeOf.join(', ')}</Row>}
        {story && (
          <Row name={trans.__('Used by')}>
            <Users nodes={[...story.usedBy, ...story.services]} {...props} />
          </Row>
        )}
        {metadata.map(([name, value]) => (
          <Row key={name} name={name}>
            {cellWords(value, trans)}
          </Row>
        ))}
      </dl>
      {props.onLineage && (
        <button type="button" className="ft-Link" onClick={props.onLineage}>
          {trans.__('Lineage')}
        </button>
      )}
    </section>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }): JSX.Element {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Users({ nodes, trans, onOpen }: CardProps & { nodes: readonly LineageNode[] }): JSX.Element {
  if (nodes.length === 0) {
    return <>{trans.__('nothing so far')}</>;
  }
  return (
    <>
      {nodes.slice(0, MOST).map((node, index) => (
        <React.Fragment key={node.id}>
          {index > 0 && ', '}
          <Named node={node} onOpen={onOpen} />
        </React.Fragment>
      ))}
      {nodes.length > MOST && ` ${trans.__('and %1 more', nodes.length - MOST)}`}
    </>
  );
}

function Named({ node, onOpen }: { node: LineageNode; onOpen(job: string): void }): JSX.Element {
  const { job } = node;
  return job === null ? (
    <>{node.name}</>
  ) : (
    <button type="button" className="ft-Link" onClick={() => onOpen(job)}>
      {node.name}
    </button>
  );
}
