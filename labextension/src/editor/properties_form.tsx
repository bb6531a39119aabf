/**
 * One group of fields as JupyterLab's own form component: the schema says what there is, our controls how it is
 * edited. A control commits through the form's context, so that a change is one edit of the text and one step
 * of its history; the form itself keeps nothing.
 */
import { FormComponent } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { ReadonlyJSONObject } from '@lumino/coreutils';
import type { FieldProps, RJSFSchema, UiSchema } from '@rjsf/utils';
import { customizeValidator } from '@rjsf/validator-ajv8';
import * as React from 'react';

import type { Json } from './edits';
import { CommitText, Either, Words } from './properties_controls';
import { type Field, type FieldGroup, type FieldKind, type FormData } from './properties_fields';
import { choicesOf, type ImageOffer, type OffersNow } from './properties_offers';
import { Outputs, Params } from './properties_outputs';
import { PairsControl, ValuesControl } from './properties_pairs';
import { Resources } from './properties_resources';
import { textOf } from './properties_values';

const VALIDATOR = customizeValidator<ReadonlyJSONObject>();

/** What every control of a form is given. */
export interface FormContext {
  fields: ReadonlyMap<string, Field>;
  data: FormData;
  /** What holds where a task says nothing. */
  inherited: FormData;
  offers: OffersNow;
  /** Names of the tasks that the task may depend on. */
  tasks: readonly string[];
  /** Expressions on offer for values. */
  references: readonly string[];
  /** Fields in which the selected tasks differ. */
  differing: ReadonlySet<string>;
  trans: TranslationBundle;
  commit(field: Field, value: Json | undefined): void;
}

/** A group of fields under its heading, folded or not. */
export function GroupForm(props: {
  group: FieldGroup;
  context: FormContext;
  /** What is wrong, by field id. */
  errors: Readonly<Record<string, readonly string[]>>;
  isOpen: boolean;
  onToggle(isOpen: boolean): void;
}): JSX.Element {
  const { group, context, errors } = props;
  const schema: RJSFSchema = {
    type: 'object',
    properties: Object.fromEntries(group.fields.map(field => [field.id, { title: field.label }]))
  };
  const uiSchema: UiSchema<ReadonlyJSONObject> = Object.fromEntries(
    group.fields.map(field => [field.id, { 'ui:field': 'control' }])
  );
  const extraErrors = Object.fromEntries(
    group.fields.map(({ id }) => [id, { __errors: [...(errors[id] ?? [])] }])
  );
  const has = group.fields.some(field => errors[field.id]?.length);
  const written = group.fields.filter(field => context.data[field.id] !== undefined).length;
  return (
    <details
      className="ft-Form-group"
      open={props.isOpen}
      onToggle={event => props.onToggle((event.target as HTMLDetailsElement).open)}
    >
      <summary>
        {group.label}
        {!props.isOpen && written > 0 && (
          <span className="ft-Form-count">{context.trans.__('%1 set', written)}</span>
        )}
        {has && <span className="ft-Form-badge">{context.trans.__('has problems')}</span>}
      </summary>
      <FormComponent
        schema={schema}
        uiSchema={uiSchema}
        fields={{ control: Control }}
        formData={Object.fromEntries(group.fields.map(({ id }) => [id, context.data[id] ?? null]))}
        formContext={context}
        extraErrors={extraErrors as never}
        validator={VALIDATOR}
        noHtml5Validate
        showErrorList={false}
        tagName="div"
        compact
        showModifiedFromDefault={false}
        onChange={() => undefined}
      />
    </details>
  );
}

/** What a control of one field is given. */
export type ControlProps = {
  field: Field;
  value: Json | undefined;
  context: FormContext;
  commit(value: Json | undefined): void;
};

/** A field with its label and help above it: JupyterLab's template has none for a field that draws itself. */
function Control(props: FieldProps): JSX.Element {
  const context = props.formContext as FormContext;
  const field = context.fields.get(props.name);
  if (!field) {
    return <></>;
  }
  const Kind = CONTROLS[field.kind];
  return (
    <FieldFrame field={field}>
      <Kind
        field={field}
        value={context.data[field.id]}
        context={context}
        commit={value => context.commit(field, value)}
      />
    </FieldFrame>
  );
}

const COMPOUND: ReadonlySet<FieldKind> = new Set([
  'resources',
  'pairs',
  'mounts',
  'order',
  'outputs',
  'params',
  'values'
]);

/** A control under its label; a click on the label of a single control goes there. */
function FieldFrame({ field, children }: { field: Field; children: React.ReactNode }): JSX.Element {
  const Frame = COMPOUND.has(field.kind) ? 'div' : 'label';
  return (
    <Frame
      className="ft-Form-field"
      data-kind={field.kind}
      data-short={field.isShort}
      data-label={field.label}
      data-help={field.help}
    >
      <span className="ft-Form-label" title={field.help}>
        {field.label}
      </span>
      {children}
    </Frame>
  );
}

const CONTROLS: Readonly<Record<FieldKind, (props: ControlProps) => JSX.Element>> = {
  text: Text,
  number: Text,
  lines: props => <Text {...props} isMultiline />,
  flag: Flag,
  either: ({ field, value, context, commit }) => (
    <Either
      label={field.label}
      help={field.help}
      value={value}
      usual={context.differing.has(field.id) ? context.trans.__('several values') : (field.placeholder ?? '')}
      trans={context.trans}
      onCommit={commit}
    />
  ),
  choice: Choice,
  image: ImagePicker,
  offered: props => (
    <Text {...props} options={choicesOf(props.context.offers, props.field.id).map(value => ({ value }))} />
  ),
  resources: ({ field, value, context, commit }) => (
    <Resources
      label={field.label}
      value={value}
      inherited={context.inherited[field.id]}
      slots={context.offers.slots}
      trans={context.trans}
      onCommit={commit}
    />
  ),
  pairs: PairsControl,
  values: ValuesControl,
  mounts: ({ field, value, context, commit }) => (
    <Words
      label={field.label}
      value={listOf(value)}
      options={context.offers.folders}
      addLabel={context.trans.__('Add a vfolder: name or name:alias')}
      trans={context.trans}
      onCommit={commit}
    />
  ),
  order: ({ field, value, context, commit }) => (
    <Words
      label={field.label}
      value={listOf(value)}
      options={context.tasks}
      addLabel={context.trans.__('Add a task')}
      isOrdered
      numbered={index => `input${index + 1}`}
      trans={context.trans}
      onCommit={commit}
    />
  ),
  outputs: ({ field, value, context, commit }) => (
    <Outputs label={field.label} value={value} trans={context.trans} onCommit={commit} />
  ),
  params: ({ field, value, context, commit }) => (
    <Params label={field.label} value={value} trans={context.trans} onCommit={commit} />
  )
};

function Text({
  field,
  value,
  context,
  commit,
  isMultiline,
  options
}: ControlProps & { isMultiline?: boolean; options?: readonly { value: string }[] }): JSX.Element {
  const differs = context.differing.has(field.id);
  return (
    <CommitText
      label={field.label}
      help={field.help}
      value={textOf(value)}
      placeholder={differs ? context.trans.__('several values') : usual(field, context)}
      isMultiline={isMultiline}
      options={options}
      onCommit={commit}
    />
  );
}

/** What holds where nothing is written. */
function usual(field: Field, context: FormContext): string | undefined {
  return textOf(context.inherited[field.id]) || field.placeholder;
}

function Flag({ field, value, context, commit }: ControlProps): JSX.Element {
  const box = React.useRef<HTMLInputElement>(null);
  const differs = context.differing.has(field.id);
  React.useEffect(() => {
    if (box.current) {
      box.current.indeterminate = differs;
    }
  }, [differs]);
  return (
    <input
      ref={box}
      type="checkbox"
      aria-label={field.label}
      aria-description={field.help}
      checked={value === true}
      onChange={event => commit(event.target.checked)}
    />
  );
}

function Choice({ field, value, context, commit }: ControlProps): JSX.Element {
  const now = textOf(value);
  const choices = field.choices ?? [];
  return (
    <select
      className="jp-mod-styled"
      aria-label={field.label}
      aria-description={field.help}
      value={now}
      onChange={event => commit(event.target.value || undefined)}
    >
      <option value="">
        {context.differing.has(field.id) ? context.trans.__('several values') : (field.placeholder ?? '')}
      </option>
      {[...choices, ...(now && !choices.includes(now) ? [now] : [])].map(choice => (
        <option key={choice} value={choice}>
          {choice}
        </option>
      ))}
    </select>
  );
}

function ImagePicker({ field, value, context, commit }: ControlProps): JSX.Element {
  const { trans, offers } = context;
  const options = offers.images.map(image => ({
    value: image.name,
    label: image.ready ? image.description : laterWords(image, trans)
  }));
  return (
    <CommitText
      label={field.label}
      help={field.help}
      value={textOf(value)}
      placeholder={context.differing.has(field.id) ? trans.__('several values') : usual(field, context)}
      options={options}
      onCommit={commit}
    />
  );
}

/** What an image is, and that it is not there yet. */
function laterWords({ kind, description }: ImageOffer, trans: TranslationBundle): string {
  return kind === 'image'
    ? trans.__('%1 (pulled when first used)', description)
    : trans.__('%1 (made when first used)', description);
}

function listOf(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.map(each => textOf(each as Json)) : [];
}
