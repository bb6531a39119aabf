/** What of a task's course is no text: whether it is final, left out, reused, and what it changes elsewhere. */
import * as React from 'react';

import type { MarkFormProps } from './form';
import type { Mark } from './marks';

/** The controls below the fields of "When it runs". */
export function Course(props: MarkFormProps & { mark: Mark }): React.ReactElement {
  const { trans } = props;
  return (
    <>
      <Check {...props} name="final" label={trans.__('Final: runs when all others have ended')} />
      <Check {...props} name="skip" label={trans.__('Skip: jobs leave this task out')} />
      <Check
        {...props}
        name="side_effects"
        label={trans.__('Has side effects: no other execution stands in for it')}
      />
      <Reuse {...props} />
    </>
  );
}

function Check(props: MarkFormProps & { mark: Mark; name: string; label: string }): React.ReactElement {
  const { mark, name, label, isReadOnly, onChange } = props;
  return (
    <label className="ft-MarkForm-check">
      <input
        type="checkbox"
        name={name}
        checked={mark.options[name] === true}
        disabled={isReadOnly}
        onChange={event =>
          onChange({ ...mark, options: { ...mark.options, [name]: event.target.checked || undefined } })
        }
      />
      {label}
    </label>
  );
}

/** Whether an identical execution may stand in for this one; of what says nothing the pipeline decides. */
function Reuse({
  id,
  mark,
  trans,
  isReadOnly,
  onChange
}: MarkFormProps & { mark: Mark }): React.ReactElement {
  const { cache } = mark.options;
  const choose = (value: string) =>
    onChange({ ...mark, options: { ...mark.options, cache: value ? value === 'true' : undefined } });
  return (
    <div className="ft-MarkForm-field" data-short>
      <label htmlFor={`${id}-cache`}>{trans.__('Reuse results')}</label>
      <select
        id={`${id}-cache`}
        name="cache"
        className="jp-mod-styled"
        value={typeof cache === 'boolean' ? String(cache) : ''}
        disabled={isReadOnly}
        onChange={event => choose(event.target.value)}
      >
        <option value="">{trans.__('as the pipeline')}</option>
        <option value="true">{trans.__('yes')}</option>
        <option value="false">{trans.__('no')}</option>
      </select>
    </div>
  );
}
