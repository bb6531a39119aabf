/** The form of a notebook's pipeline: its name, and what holds for all of its tasks, as `%fasttrack_pipeline` says it. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { backendField, conflictsOf, defaultGroupsOf, pipelineNameProblem, problemOf } from './fields';
import { Said, TextField } from './form';
import type { Options } from './options';
import { textOf, valueOf } from './options';

/** What {@link DefaultsForm} is told. */
export interface DefaultsFormProps {
  /** What the notebook's metadata say; `pipeline` is the name. */
  defaults: Options;
  /** The name that the pipeline has where none is said. */
  fileName: string;
  /** The cell whose line says so as well, and wins; null: there is none. */
  cell: number | null;
  images: readonly string[];
  backends: readonly string[];
  trans: TranslationBundle;
  /** Whether the notebook may not be changed. */
  isReadOnly: boolean;
  onChange(defaults: Options): void;
}

/** See the head of this file. */
export function DefaultsForm(props: DefaultsFormProps): React.ReactElement {
  const { defaults, fileName, cell, backends, trans, isReadOnly, onChange } = props;
  const set = (key: string, text: string) => onChange({ ...defaults, [key]: valueOf(key, text) } as Options);
  return (
    <>
      {cell !== null && (
        <p className="ft-MarkForm-help">
          {trans.__('%fasttrack_pipeline in cell %1 counts more than what is said here.', cell)}
        </p>
      )}
      <TextField
        id="ft-pipeline-name"
        field={{
          key: 'pipeline',
          label: trans.__('Pipeline name'),
          example: fileName,
          help: trans.__('Jobs are numbered and kept by it.'),
          isLong: false
        }}
        text={String(defaults.pipeline ?? '')}
        suggestions={[]}
        problem={text => pipelineNameProblem(text, trans)}
        isReadOnly={isReadOnly}
        onCommit={text => set('pipeline', text)}
      />
      <ModeField {...props} />
      <TextField
        id="ft-pipeline-backend"
        field={backendField(trans)}
        text={textOf('backend', defaults.backend)}
        suggestions={backends}
        problem={text => problemOf('backend', text, trans)}
        isReadOnly={isReadOnly}
        onCommit={text => set('backend', text)}
      />
      <Shared {...props} set={set} />
    </>
  );
}

/** Whether marked cells also run in the notebook's own kernel. */
function ModeField({ defaults, trans, isReadOnly, onChange }: DefaultsFormProps): React.ReactElement {
  return (
    <div className="ft-MarkForm-field">
      <label htmlFor="ft-pipeline-mode">{trans.__('Cells that are tasks')}</label>
      <select
        id="ft-pipeline-mode"
        name="mode"
        className="jp-mod-styled"
        value={defaults.mode === 'define' ? 'define' : 'run'}
        disabled={isReadOnly}
        onChange={event =>
          onChange({ ...defaults, mode: event.target.value === 'define' ? 'define' : undefined })
        }
      >
        <option value="run">{trans.__('also run in this notebook')}</option>
        <option value="define">{trans.__('are only defined here')}</option>
      </select>
    </div>
  );
}

/** What tasks have in common. */
function Shared(props: DefaultsFormProps & { set(key: string, text: string): void }): React.ReactElement {
  const { defaults, images, trans, isReadOnly, set } = props;
  const conflicts = conflictsOf(defaults, trans);
  return (
    <>
      {defaultGroupsOf(trans).map(({ key, label, fields }) => (
        <details key={key} className="ft-MarkForm-group">
          <summary>
            {label} <Said fields={fields} options={defaults} trans={trans} />
          </summary>
          {fields.map(field => (
            <TextField
              key={field.key}
              id={`ft-pipeline-${field.key}`}
              field={field}
              text={textOf(field.key, defaults[field.key])}
              suggestions={field.key === 'image' ? images : []}
              problem={text => problemOf(field.key, text, trans)}
              conflict={conflicts[field.key]}
              isReadOnly={isReadOnly}
              onCommit={text => set(field.key, text)}
            />
          ))}
        </details>
      ))}
      <p className="ft-MarkForm-help">
        {trans.__('These hold for every task of the notebook that does not say otherwise.')}
      </p>
    </>
  );
}
