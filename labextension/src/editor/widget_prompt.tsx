/**
 * A field over the canvas, at the card that it is about: a new name, a remark's text, a search. What is wrong with
 * what was typed stands below it, and nothing is lost: Escape closes, Enter tries again.
 */
import { ReactWidget } from '@jupyterlab/apputils';
import * as React from 'react';

/** What is asked for. */
export interface Question {
  label: string;
  value: string;
  /** Where on the canvas, in pixels from its corner; without, at its head. */
  at?: { x: number; y: number };
  isMultiline?: boolean;
  /** What Enter does; words if it was refused, which keeps the question open. */
  onSubmit: (value: string) => string | null;
  /** While it is typed; words to show below. */
  onChange?: (value: string) => string;
  /** Whether Enter leaves the question open, as a search does. */
  stays?: boolean;
  onClose?: () => void;
}

/** Shows one question at a time, or none. */
export class Prompt extends ReactWidget {
  constructor() {
    super();
    this.addClass('ft-Editor-prompt');
    this.hide();
  }

  /** Ask; a question that was open is closed. */
  ask(question: Question): void {
    this.question = question;
    this.number++;
    const { at } = question;
    this.node.style.left = at ? `${Math.max(4, at.x)}px` : '';
    this.node.style.top = at ? `${Math.max(4, at.y)}px` : '';
    this.toggleClass('jp-mod-placed', at !== undefined);
    this.show();
    this.update();
  }

  /** Ask nothing any more. */
  close(): void {
    const { question } = this;
    this.question = null;
    this.hide();
    this.update();
    question?.onClose?.();
  }

  protected render(): React.ReactElement | null {
    return this.question && <Field key={this.number} question={this.question} onClose={() => this.close()} />;
  }

  private question: Question | null = null;
  private number = 0;
}

function Field({ question, onClose }: { question: Question; onClose: () => void }): React.ReactElement {
  const [value, setValue] = React.useState(question.value);
  const [words, setWords] = React.useState('');
  const field = React.useRef<HTMLInputElement & HTMLTextAreaElement>(null);
  const id = React.useId();
  React.useEffect(() => {
    field.current?.focus();
    field.current?.select();
  }, []);
  const submit = () => {
    const refused = question.onSubmit(value);
    setWords(refused ?? '');
    if (refused === null && !question.stays) {
      onClose();
    }
  };
  const onKey = (event: React.KeyboardEvent) => {
    if (event.key === 'Escape') {
      onClose();
    } else if (
      event.key === 'Enter' &&
      !event.nativeEvent.isComposing &&
      !(question.isMultiline && event.shiftKey)
    ) {
      submit();
    } else {
      event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const common = {
    ref: field,
    value,
    className: 'jp-mod-styled',
    'aria-label': question.label,
    'aria-describedby': id,
    'aria-invalid': words !== '' && !question.onChange,
    spellCheck: false,
    onKeyDown: onKey,
    onChange: (event: React.ChangeEvent<HTMLInputElement | HTMLTextAreaElement>) => {
      setValue(event.target.value);
      setWords(question.onChange?.(event.target.value) ?? '');
    }
  };
  return (
    <div className="ft-Editor-prompt-body">
      <label>
        <span>{question.label}</span>
        {question.isMultiline ? <textarea rows={3} {...common} /> : <input type="text" {...common} />}
      </label>
      <small id={id} role="status">
        {words}
      </small>
    </div>
  );
}
