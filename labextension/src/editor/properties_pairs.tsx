/** Controls of names and values: inputs, environment variables, the parameters of a notebook. */
import * as React from 'react';

import type { Json } from './edits';
import { Pairs } from './properties_controls';
import { isMapping } from './properties_fields';
import type { ControlProps } from './properties_form';
import { readValue, textOf, withSources, writtenValue } from './properties_values';

/** Names and texts: inputs, with `|` between what is one of several, and environment variables. */
export function PairsControl({ field, value, context, commit }: ControlProps): JSX.Element {
  const { trans, offers } = context;
  const isInputs = field.id === 'inputs';
  const pairs = isMapping(value) ? value : {};
  return (
    <Pairs
      label={field.label}
      value={Object.fromEntries(Object.entries(pairs).map(([name, each]) => [name, textOf(sourceOf(each))]))}
      nameLabel={trans.__('Name')}
      valueLabel={isInputs ? trans.__('task.output') : trans.__('Value')}
      valueOptions={isInputs ? context.tasks.map(task => `${task}.`) : offers.secrets.map(secretReference)}
      trans={trans}
      onCommit={texts => commit(isInputs ? withSources(pairs, texts) : texts)}
    />
  );
}

/** Of an input in its long form (`{from, type}`), where it comes from. */
function sourceOf(value: Json): Json {
  return isMapping(value) && value.from !== undefined ? value.from : value;
}

/** Names and values of any type: a text that could be read as another value is shown between quotes, as JSON. */
export function ValuesControl({ field, value, context, commit }: ControlProps): JSX.Element {
  const { trans } = context;
  const pairs = isMapping(value) ? value : {};
  return (
    <Pairs
      label={field.label}
      value={Object.fromEntries(Object.entries(pairs).map(([name, each]) => [name, writtenValue(each)]))}
      nameLabel={trans.__('Name')}
      valueLabel={trans.__('Value')}
      valueOptions={context.references}
      trans={trans}
      onCommit={texts =>
        commit(Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, readValue(text)])))
      }
    />
  );
}

function secretReference(name: string): string {
  return `\${{ secrets.${name} }}`;
}
