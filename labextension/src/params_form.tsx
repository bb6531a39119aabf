/** Parameters of a job, asked for in a panel that blocks nothing: the canvas and the text stay at hand. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { ParamField } from './params';
import { problemOf, valuesOf } from './params';

/** What {@link ParamsForm} is told. */
export interface IParamsFormProps {
  fields: readonly ParamField[];
  /** Texts of the fields as last given, by name. */
  texts: Readonly<Record<string, string>>;
  trans: TranslationBundle;
  /** The texts as they stand, and the values to send. */
  onRun: (texts: Readonly<Record<string, string>>, values: Record<string, unknown>) => void;
  onClose: () => void;
}

/** The form. Problems stand at their fields once a field was touched, and at all of them after Run was pressed. */
export function ParamsForm({ fields, texts, trans, onRun, onClose }: IParamsFormProps): React.ReactElement {
  const [now, setNow] = React.useState<Record<string, string>>({ ...texts });
  const [touched, setTouched] = React.useState<ReadonlySet<string>>(new Set());
  const form = React.useRef<HTMLFormElement>(null);
  const textOf = (field: ParamField) => now[field.name] ?? field.initial;
  React.useEffect(() => form.current?.querySelector<HTMLElement>('input, select, button')?.focus(), []);
  const submit = (event: React.FormEvent) => {
    event.preventDefault();
    setTouched(new Set(fields.map(field => field.name)));
    const wrong = fields.find(field => problemOf(field, textOf(field), trans));
    if (wrong) {
      form.current?.querySelector<HTMLElement>(`[name="${CSS.escape(wrong.name)}"]`)?.focus();
    } else {
      onRun(now, valuesOf(fields, now));
    }
  };
  return (
    <form
      ref={form}
      className="ft-Params"
      aria-label={trans.__('Run with parameters')}
      onSubmit={submit}
      onKeyDown={event => event.key === 'Escape' && (event.stopPropagation(), onClose())}
      noValidate
    >
      <h3>{trans.__('Run with parameters')}</h3>
      {fields.length === 0 && (
        <p>{trans.__('This pipeline declares none: write them under “params” in the YAML.')}</p>
      )}
      {fields.map(field => (
        <Field
          key={field.name}
          field={field}
          text={textOf(field)}
          problem={touched.has(field.name) ? problemOf(field, textOf(field), trans) : null}
          onChange={text => setNow({ ...now, [field.name]: text })}
          onTouch={() => setTouched(new Set([...touched, field.name]))}
        />
      ))}
      <div className="ft-Params-buttons">
        <button type="submit" className="jp-mod-styled jp-mod-accept">
          {trans.__('Run')}
        </button>
        <button type="button" className="jp-mod-styled" onClick={() => setNow({})}>
          {trans.__('Defaults')}
        </button>
        <button type="button" className="jp-mod-styled" onClick={onClose}>
          {trans.__('Close')}
        </button>
      </div>
    </form>
  );
}

/** What {@link Field} is told. */
export interface IFieldProps {
  field: ParamField;
  text: string;
  problem: string | null;
  onChange: (text: string) => void;
  onTouch: () => void;
}

/** One field with its label, what it is about, and what is wrong with it. */
export function Field(props: IFieldProps): React.ReactElement {
  const { field, problem } = props;
  const id = React.useId();
  return (
    <div className="ft-Params-field">
      <label htmlFor={id}>
        {field.name} <span className="ft-Params-type">{field.type}</span>
        {field.isRequired && <span aria-hidden="true"> *</span>}
      </label>
      <Input {...props} id={id} />
      {field.description && <small id={`${id}-about`}>{field.description}</small>}
      {problem && (
        <small id={`${id}-problem`} className="ft-Params-problem" role="alert">
          {problem}
        </small>
      )}
    </div>
  );
}

function Input({
  field,
  text,
  problem,
  onChange,
  onTouch,
  id
}: IFieldProps & { id: string }): React.ReactElement {
  const common = {
    id,
    name: field.name,
    value: text,
    className: 'jp-mod-styled',
    'aria-required': field.isRequired,
    'aria-invalid': problem !== null,
    'aria-describedby': `${id}-about ${id}-problem`,
    onBlur: onTouch,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLSelectElement>) => onChange(event.target.value)
  };
  const choices = field.type === 'bool' ? ['true', 'false'] : field.choices;
  if (choices.length > 0) {
    const all = choices.includes(text) ? choices : [text, ...choices];
    return (
      <select {...common}>
        {all.map(each => (
          <option key={each} value={each}>
            {each}
          </option>
        ))}
      </select>
    );
  }
  const mode = field.type === 'int' ? 'numeric' : field.type === 'float' ? 'decimal' : undefined;
  return <input {...common} type="text" inputMode={mode} spellCheck={false} autoComplete="off" />;
}
