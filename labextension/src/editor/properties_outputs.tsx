/** Declared outputs of a task, and parameters of a pipeline: rows of a name, a type, and one more thing. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Json } from './edits';
import { CommitText, SmallButton } from './properties_controls';
import { isMapping } from './properties_fields';

const VALUE_TYPES = ['int', 'float', 'str', 'bool', 'list', 'struct'];
const ARTIFACT_TYPES = ['file', 'folder', 'Dataset', 'Model', 'Metrics', 'HTML', 'Markdown', 'Plot'];

interface Row {
  name: string;
  type: string;
  more: string;
  /** What else was written there, kept as it is. */
  rest: Readonly<Record<string, Json>>;
}

/** `outputs:` as rows. */
export function Outputs(props: {
  label: string;
  value: Json | undefined;
  trans: TranslationBundle;
  onCommit(value: Json): void;
}): JSX.Element {
  const { trans, onCommit } = props;
  const entries = Object.entries(isMapping(props.value) ? props.value : {});
  const rows = entries.map(([name, spec]): Row => {
    const { type, path, ...rest } = isMapping(spec) ? spec : { type: spec };
    return { name, type: words(type), more: words(path), rest };
  });
  const write = (changed: readonly Row[]): void =>
    onCommit(
      Object.fromEntries(
        changed.map(({ name, type, more, rest }) => [
          name,
          { ...(type ? { type } : {}), ...(more ? { path: more } : {}), ...rest }
        ])
      )
    );
  return (
    <Rows
      label={props.label}
      rows={rows}
      types={[...ARTIFACT_TYPES, ...VALUE_TYPES]}
      addLabel={trans.__('Add an output')}
      moreLabel={trans.__('Path below /pipeline/outputs')}
      trans={trans}
      onCommit={write}
    />
  );
}

/** `params:` as rows. */
export function Params(props: {
  label: string;
  value: Json | undefined;
  trans: TranslationBundle;
  onCommit(value: Json): void;
}): JSX.Element {
  const { trans, onCommit } = props;
  const list = Array.isArray(props.value) ? (props.value as readonly Json[]).filter(isMapping) : [];
  const rows = list.map((param): Row => {
    const { name, type, default: usual, ...rest } = param;
    return { name: words(name), type: words(type), more: words(usual), rest };
  });
  const write = (changed: readonly Row[]): void =>
    onCommit(
      changed.map(({ name, type, more, rest }) => ({
        name,
        ...(type ? { type } : {}),
        ...(more !== '' ? { default: typed(type, more) } : {}),
        ...rest
      }))
    );
  return (
    <Rows
      label={props.label}
      rows={rows}
      types={VALUE_TYPES}
      addLabel={trans.__('Add a parameter')}
      moreLabel={trans.__('Default')}
      isInline
      trans={trans}
      onCommit={write}
    />
  );
}

function Rows(props: {
  label: string;
  rows: readonly Row[];
  types: readonly string[];
  addLabel: string;
  moreLabel: string;
  /** Whether the third thing is short. */
  isInline?: boolean;
  trans: TranslationBundle;
  onCommit(rows: readonly Row[]): void;
}): JSX.Element {
  const { trans, types } = props;
  const rows = [...props.rows, { name: '', type: types[0], more: '', rest: {} }];
  const put = (index: number, change: Partial<Row>): void =>
    props.onCommit(
      rows.map((row, at) => (at === index ? { ...row, ...change } : row)).filter(row => row.name)
    );
  return (
    <div role="group" aria-label={props.label} className="ft-Form-rows">
      {rows.map((row, index) => (
        <div
          key={index}
          className="ft-Form-row ft-Form-declared"
          data-new={!row.name || undefined}
          data-inline={props.isInline}
        >
          <CommitText
            label={trans.__('Name %1', index + 1)}
            placeholder={row.name ? trans.__('Name') : props.addLabel}
            value={row.name}
            onCommit={name => put(index, { name: name.trim() })}
          />
          <CommitText
            label={trans.__('Type of %1', row.name || index + 1)}
            value={row.name ? row.type : ''}
            placeholder={trans.__('Type')}
            options={types.map(value => ({ value }))}
            onCommit={type => put(index, { type: type.trim() })}
          />
          <CommitText
            label={`${props.moreLabel}: ${row.name || index + 1}`}
            value={row.more}
            placeholder={props.moreLabel}
            onCommit={more => put(index, { more })}
          />
          <SmallButton
            label={trans.__('Remove %1', row.name)}
            face="✕"
            isDisabled={!row.name}
            onClick={() => put(index, { name: '' })}
          />
        </div>
      ))}
    </div>
  );
}

function words(value: Json | undefined): string {
  return value === undefined || value === null
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);
}

/** A default as its type's JSON, or as text where it is none: the validation says so at its place. */
function typed(type: string, text: string): Json {
  if (type === 'str' || type === '') {
    return text;
  }
  try {
    return JSON.parse(text) as Json;
  } catch {
    return text;
  }
}
