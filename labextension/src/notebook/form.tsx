/** The form that says what one cell is to the pipeline. It keeps only what is being typed; the cell keeps the rest. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { Field } from './fields';
import { conflictsOf, groupsOf, kindHelp, kindWord, nameProblem, problemOf, RULES } from './fields';
import type { Mark, MarkKind } from './marks';
import { chipsOf, freeName, KINDS } from './marks';
import { Course } from './form_course';
import type { Options } from './options';
import { listOf, textOf, valueOf } from './options';

/** What there is to choose from while something is typed. */
export interface Offers {
  /** Names of the notebook's tasks. */
  tasks: readonly string[];
  /** Those of the backend where the cell's task would run. */
  images: readonly string[];
  backends: readonly string[];
}

/** What {@link MarkForm} is told. */
export interface MarkFormProps {
  /** Tells cells apart. */
  id: string;
  /** What the cell is now; null: nothing. */
  mark: Mark | null;
  offers: Offers;
  trans: TranslationBundle;
  /** Whether the notebook may not be changed. */
  isReadOnly: boolean;
  /** Make this of the cell; null takes the mark away. */
  onChange(mark: Mark | null): void;
  /** Have a magic or tags replaced by what the form writes. */
  onAdopt(): void;
}

/** See the head of this file. */
export function MarkForm(props: MarkFormProps): React.ReactElement {
  const { mark, trans } = props;
  if (mark && mark.origin !== 'form') {
    return <Elsewhere {...props} mark={mark} />;
  }
  const isTask = mark?.kind === 'task' || mark?.kind === 'shell';
  return (
    <>
      <KindField {...props} />
      {mark && isTask && <TaskFields {...props} mark={mark} />}
      {!mark && (
        <p className="ft-MarkForm-help">
          {trans.__(
            'Choose “Task”, and the cell runs in a session of its own with the image and resources it needs.'
          )}
        </p>
      )}
    </>
  );
}

/** A cell whose first line, or whose tags, say what it is. */
function Elsewhere({ mark, trans, isReadOnly, onAdopt }: MarkFormProps & { mark: Mark }): React.ReactElement {
  const chips = chipsOf(mark);
  const isLine = mark.origin === 'magic';
  return (
    <div className="ft-MarkForm-elsewhere">
      <p>
        <strong>{[kindWord(mark.kind, trans), mark.task].filter(Boolean).join(' ')}</strong>
        {chips.length > 0 && ` · ${chips.map(each => each.text).join(' · ')}`}
      </p>
      <p>
        {isLine
          ? trans.__('The first line of the cell says so: change it there.')
          : trans.__('Tags of the cell say so, as Kale and papermill read them.')}
      </p>
      {mark.kind !== 'pipeline' && (
        <button type="button" className="jp-mod-styled" disabled={isReadOnly} onClick={onAdopt}>
          {isLine
            ? trans.__('Use this form instead of the line')
            : trans.__('Use this form instead of the tags')}
        </button>
      )}
    </div>
  );
}

function KindField({ id, mark, offers, trans, isReadOnly, onChange }: MarkFormProps): React.ReactElement {
  const kind = (mark?.kind ?? 'none') as MarkKind | 'none';
  const choose = (chosen: MarkKind | 'none') => {
    if (chosen === 'none') {
      onChange(null);
    } else {
      const isTask = chosen === 'task' || chosen === 'shell';
      const task = isTask ? mark?.task || freeName(offers.tasks) : '';
      onChange({ kind: chosen, task, options: isTask ? (mark?.options ?? {}) : {}, origin: 'form' });
    }
  };
  return (
    <div className="ft-MarkForm-field">
      <label htmlFor={`ft-kind-${id}`}>{trans.__('This cell is')}</label>
      <select
        id={`ft-kind-${id}`}
        name="kind"
        className="jp-mod-styled"
        value={kind}
        disabled={isReadOnly}
        aria-describedby={`ft-kind-help-${id}`}
        onChange={event => choose(event.target.value as MarkKind | 'none')}
      >
        {(['none', ...KINDS] as const).map(each => (
          <option key={each} value={each}>
            {kindWord(each, trans)}
          </option>
        ))}
      </select>
      <small id={`ft-kind-help-${id}`}>{kindHelp(kind, trans)}</small>
    </div>
  );
}

function TaskFields(props: MarkFormProps & { mark: Mark }): React.ReactElement {
  const { id, mark, offers, trans, isReadOnly, onChange } = props;
  const set = (key: string, text: string) => {
    const options = { ...mark.options, [key]: valueOf(key, text) } as Options;
    onChange({ ...mark, options });
  };
  const conflicts = conflictsOf(mark.options, trans);
  return (
    <>
      <TextField
        id={`${id}-task`}
        field={{ key: 'task', label: trans.__('Task name'), example: 'train', help: '', isLong: false }}
        text={mark.task}
        suggestions={offers.tasks}
        problem={text => nameProblem(text, trans)}
        isReadOnly={isReadOnly}
        onCommit={task => onChange({ ...mark, task })}
      />
      <After {...props} />
      {groupsOf(trans).map(({ key, label, fields }) => (
        <details key={key} className="ft-MarkForm-group" open={key === 'resources' || undefined}>
          <summary>
            {label} <Said fields={fields} options={mark.options} trans={trans} />
          </summary>
          {fields.map(field => (
            <TextField
              key={field.key}
              id={`${id}-${field.key}`}
              field={field}
              text={textOf(field.key, mark.options[field.key])}
              suggestions={suggestionsFor(field.key, offers)}
              problem={text => problemOf(field.key, text, trans)}
              conflict={conflicts[field.key]}
              isReadOnly={isReadOnly}
              onCommit={text => set(field.key, text)}
            />
          ))}
          {key === 'course' && <Course {...props} mark={mark} />}
        </details>
      ))}
    </>
  );
}

function suggestionsFor(key: string, offers: Offers): readonly string[] {
  switch (key) {
    case 'image':
      return offers.images;
    case 'backend':
      return offers.backends;
    case 'run_if':
      return RULES;
    default:
      return [];
  }
}

/** How many fields of a group say something. */
export function Said(props: {
  fields: readonly Field[];
  options: Options;
  trans: TranslationBundle;
}): React.ReactElement | null {
  const said = props.fields.filter(each => textOf(each.key, props.options[each.key])).length;
  return said ? <span className="ft-MarkForm-said">{props.trans._n('one set', '%1 set', said)}</span> : null;
}

/** The tasks that must succeed first, beside those whose variables are used. */
function After({
  mark,
  offers,
  trans,
  isReadOnly,
  onChange
}: MarkFormProps & { mark: Mark }): React.ReactElement | null {
  const chosen = listOf(mark.options.after);
  const known = [...new Set([...offers.tasks, ...chosen])].filter(each => each !== mark.task);
  if (known.length === 0) {
    return null;
  }
  const toggle = (name: string, isOn: boolean) => {
    const after = known.filter(each => (each === name ? isOn : chosen.includes(each)));
    onChange({ ...mark, options: { ...mark.options, after: after.length ? after : undefined } });
  };
  return (
    <fieldset className="ft-MarkForm-after">
      <legend>{trans.__('Also after')}</legend>
      {known.map(name => (
        <label key={name} className="ft-MarkForm-check">
          <input
            type="checkbox"
            name={`after-${name}`}
            checked={chosen.includes(name)}
            disabled={isReadOnly}
            onChange={event => toggle(name, event.target.checked)}
          />
          {name}
        </label>
      ))}
      <small>{trans.__('Tasks whose variables are used come first by themselves.')}</small>
    </fieldset>
  );
}

/** Fields that stand side by side. */
const SHORT: ReadonlySet<string> = new Set(['cpu', 'mem', 'gpu', 'gpu_share', 'shm', 'timeout', 'retry']);

/** What {@link TextField} is told. */
export interface TextFieldProps {
  id: string;
  field: Field;
  text: string;
  suggestions: readonly string[];
  /** Why a text is no value, in words. */
  problem(text: string): string | null;
  /** What does not go together with another field. */
  conflict?: string;
  isReadOnly: boolean;
  onCommit(text: string): void;
}

/** A text that is written to the cell when it is left or Enter is pressed, unless something is wrong with it. */
export function TextField(props: TextFieldProps): React.ReactElement {
  const { id, field, text, suggestions, conflict, isReadOnly } = props;
  const [typed, setTyped] = React.useState<string | null>(null);
  React.useEffect(() => setTyped(null), [id, text]);
  const now = typed ?? text;
  const wrong = props.problem(now) ?? conflict ?? null;
  const commit = () => {
    if (typed !== null && typed !== text && !props.problem(typed)) {
      props.onCommit(typed);
    }
  };
  const common = {
    id,
    name: field.key,
    value: now,
    placeholder: field.example,
    readOnly: isReadOnly,
    className: 'jp-mod-styled',
    spellCheck: false,
    'aria-invalid': wrong !== null,
    'aria-describedby': `${id}-help`,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) =>
      setTyped(event.target.value),
    onBlur: commit
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.key === 'Enter') {
      commit();
    } else if (event.key === 'Escape' && typed !== null) {
      event.stopPropagation();
      setTyped(null);
    }
  };
  return (
    <div className="ft-MarkForm-field" data-short={SHORT.has(field.key) || undefined}>
      <label htmlFor={id}>{field.label}</label>
      {field.isLong ? (
        <textarea {...common} rows={Math.min(5, now.split('\n').length)} />
      ) : (
        <input
          {...common}
          type="text"
          list={suggestions.length > 0 ? `${id}-list` : undefined}
          autoComplete="off"
          onKeyDown={onKeyDown}
        />
      )}
      <datalist id={`${id}-list`}>
        {suggestions.map(each => (
          <option key={each} value={each} />
        ))}
      </datalist>
      <small
        id={`${id}-help`}
        className={wrong ? 'ft-MarkForm-problem' : ''}
        role={wrong ? 'alert' : undefined}
      >
        {wrong ?? field.help}
      </small>
    </div>
  );
}
