/** Small controls of the properties form. Each shows a value and commits a whole new one: on Enter, on leaving, on a click. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

/** What a text control needs. */
export interface CommitTextProps {
  label: string;
  /** What the value means, for those who hear it. */
  help?: string;
  value: string;
  placeholder?: string;
  /** Several lines; Enter makes a new one, Ctrl/Cmd+Enter commits. */
  isMultiline?: boolean;
  /** Suggestions; any other text may be typed as well. */
  options?: readonly { value: string; label?: string }[];
  onCommit(value: string): void;
}

/** A text that is committed when it is left; Escape gives the old one back. */
export function CommitText(props: CommitTextProps): JSX.Element {
  const { label, value, placeholder, isMultiline, options, onCommit } = props;
  const [draft, setDraft] = React.useState<string | null>(null);
  const listId = React.useId();
  const commit = (): void => {
    if (draft !== null && draft !== value) {
      onCommit(draft);
    }
    setDraft(null);
  };
  const onKeyDown = (event: React.KeyboardEvent): void => {
    if (event.key === 'Enter' && (!isMultiline || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      commit();
    } else if (event.key === 'Escape' && draft !== null) {
      event.stopPropagation();
      setDraft(null);
    }
  };
  const shared = {
    title: label,
    'aria-label': label,
    'aria-description': props.help || undefined,
    value: draft ?? value,
    placeholder,
    spellCheck: false,
    onChange: (event: { target: { value: string } }) => setDraft(event.target.value),
    onBlur: commit,
    onKeyDown
  };
  if (isMultiline) {
    const rows = Math.min(12, Math.max(2, (draft ?? value).split('\n').length));
    return <textarea className="jp-mod-styled ft-Form-lines" rows={rows} {...shared} />;
  }
  return (
    <>
      <input className="jp-mod-styled" type="text" list={options ? listId : undefined} {...shared} />
      {options && (
        <datalist id={listId}>
          {options.map(option => (
            <option key={option.value} value={option.value} label={option.label} />
          ))}
        </datalist>
      )}
    </>
  );
}

/** True or false, or nothing of the two: what holds for all then, in words. */
export function Either(props: {
  label: string;
  help: string;
  value: unknown;
  usual: string;
  trans: TranslationBundle;
  onCommit(value: boolean | undefined): void;
}): JSX.Element {
  const { value, trans, onCommit } = props;
  return (
    <select
      className="jp-mod-styled"
      aria-label={props.label}
      aria-description={props.help}
      value={typeof value === 'boolean' ? String(value) : ''}
      onChange={event => onCommit(event.target.value ? event.target.value === 'true' : undefined)}
    >
      <option value="">{props.usual}</option>
      <option value="true">{trans.__('yes')}</option>
      <option value="false">{trans.__('no')}</option>
    </select>
  );
}

/** A button with a character and a word for those who hear it. */
export function SmallButton(props: {
  label: string;
  face: string;
  isDisabled?: boolean;
  onClick(): void;
}): JSX.Element {
  return (
    <button
      type="button"
      className="ft-Form-small"
      aria-label={props.label}
      title={props.label}
      disabled={props.isDisabled}
      onClick={props.onClick}
    >
      {props.face}
    </button>
  );
}

/** Names and values as rows; an empty row at the end takes a new one. */
export function Pairs(props: {
  label: string;
  value: Readonly<Record<string, string>>;
  nameLabel: string;
  valueLabel: string;
  valueOptions?: readonly string[];
  trans: TranslationBundle;
  onCommit(value: Record<string, string>): void;
}): JSX.Element {
  const { value, trans, onCommit } = props;
  const rows = [...Object.entries(value), ['', '']];
  const put = (index: number, name: string, text: string): void => {
    const kept = rows.map((row, at) => (at === index ? [name, text] : row)).filter(([key]) => key !== '');
    onCommit(Object.fromEntries(kept));
  };
  const options = props.valueOptions?.map(option => ({ value: option }));
  return (
    <div role="group" aria-label={props.label} className="ft-Form-rows">
      {rows.map(([name, text], index) => (
        <div key={index} className="ft-Form-row">
          <CommitText
            label={trans.__('%1 %2', props.nameLabel, index + 1)}
            placeholder={props.nameLabel}
            value={name}
            onCommit={to => put(index, to.trim(), text)}
          />
          <CommitText
            label={name ? trans.__('Value of %1', name) : props.valueLabel}
            placeholder={props.valueLabel}
            value={text}
            options={options}
            onCommit={to => put(index, name, to)}
          />
          <SmallButton
            label={trans.__('Remove %1', name)}
            face="✕"
            isDisabled={name === ''}
            onClick={() => put(index, '', '')}
          />
        </div>
      ))}
    </div>
  );
}

/** A list of words; with `isOrdered` they can be moved. */
export function Words(props: {
  label: string;
  value: readonly string[];
  options: readonly string[];
  addLabel: string;
  isOrdered?: boolean;
  /** What stands before the item at an index, such as `input1`. */
  numbered?(index: number): string;
  trans: TranslationBundle;
  onCommit(value: string[]): void;
}): JSX.Element {
  const { value, trans, onCommit, isOrdered } = props;
  const left = props.options.filter(option => !value.includes(option)).map(option => ({ value: option }));
  const move = (index: number, by: number): void => {
    const next = [...value];
    next.splice(index + by, 0, ...next.splice(index, 1));
    onCommit(next);
  };
  return (
    <div role="group" aria-label={props.label} className="ft-Form-rows">
      <ol className="ft-Form-words">
        {value.map((word, index) => (
          <li key={word} className="ft-Form-row">
            {props.numbered && <code>{props.numbered(index)}</code>}
            <span className="ft-Form-word" title={word}>
              {word}
            </span>
            {isOrdered && (
              <>
                <SmallButton
                  label={trans.__('Move %1 up', word)}
                  face="↑"
                  isDisabled={index === 0}
                  onClick={() => move(index, -1)}
                />
                <SmallButton
                  label={trans.__('Move %1 down', word)}
                  face="↓"
                  isDisabled={index === value.length - 1}
                  onClick={() => move(index, 1)}
                />
              </>
            )}
            <SmallButton
              label={trans.__('Remove %1', word)}
              face="✕"
              onClick={() => onCommit(value.filter(other => other !== word))}
            />
          </li>
        ))}
      </ol>
      <CommitText
        label={props.addLabel}
        placeholder={props.addLabel}
        value=""
        options={left}
        onCommit={word => word.trim() && !value.includes(word.trim()) && onCommit([...value, word.trim()])}
      />
    </div>
  );
}
