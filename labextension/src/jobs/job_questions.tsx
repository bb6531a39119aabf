/** What a job asks people: each question with its fields, and the two answers. What is behind it waits meanwhile. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import { word, type Api } from '../api';
import type { JobView, QuestionsView, QuestionView } from '../generated';
import { fieldsOf, problemOf, valuesOf } from '../params';
import { Field } from '../params_form';
import { exact } from '../time';
import { sentence, troubleOf } from '../words';

/** How the reason of a task instance begins that asks something: the engine's own words. */
const ASKS = 'waits for an answer';

/** See the head of this file. Nothing, where the job asks nothing. */
export function JobQuestions(props: {
  job: JobView;
  api: Api;
  trans: TranslationBundle;
  /** Who answers; empty where nobody knows. */
  user: string;
}): JSX.Element {
  const { job, api } = props;
  const asking = job.tasks
    .filter(task => task.status === 'RUNNING' && task.reason.startsWith(ASKS))
    .map(task => task.path)
    .join('\n');
  const [questions, setQuestions] = React.useState<readonly QuestionView[]>([]);
  const [trouble, setTrouble] = React.useState('');
  React.useEffect(() => {
    const aborter = new AbortController();
    if (asking === '') {
      setQuestions([]);
      return;
    }
    api.get<QuestionsView>('questions', {}, aborter.signal).then(
      found => (setTrouble(''), setQuestions(found.questions.filter(each => each.job_id === job.id))),
      error => aborter.signal.aborted || setTrouble(sentence(troubleOf(error)))
    );
    return () => aborter.abort();
  }, [api, job.id, asking]);
  return (
    <>
      {trouble && (
        <p className="ft-TaskPanel-trouble" role="alert">
          {trouble}
        </p>
      )}
      {questions.map(question => (
        <Question key={question.attempt} {...props} question={question} />
      ))}
    </>
  );
}

function Question(props: {
  question: QuestionView;
  api: Api;
  trans: TranslationBundle;
  user: string;
}): JSX.Element {
  const { question, api, trans } = props;
  const fields = React.useMemo(() => fieldsOf(question.fields), [question]);
  const [texts, setTexts] = React.useState<Record<string, string>>({});
  const [comment, setComment] = React.useState('');
  const [isTouched, setTouched] = React.useState(false);
  const [isSending, setSending] = React.useState(false);
  const [trouble, setTrouble] = React.useState('');
  const id = React.useId();
  const problem = (field: (typeof fields)[number]) =>
    isTouched ? problemOf(field, texts[field.name] ?? field.initial, trans) : null;
  const send = (answer: 'approve' | 'reject') => {
    setTouched(true);
    const isWrong = fields.some(each => problemOf(each, texts[each.name] ?? each.initial, trans) !== null);
    if (answer === 'approve' && isWrong) {
      return;
    }
    setSending(true);
    const values = answer === 'approve' ? valuesOf(fields, texts) : {};
    const body = { answer, values, comment, by: props.user };
    api.send('POST', `jobs/${word(question.job_id)}/tasks/${word(question.path)}/answer`, body).then(
      () => setTrouble(''),
      error => (setSending(false), setTrouble(sentence(troubleOf(error))))
    );
  };
  return (
    <section className="ft-Question" aria-labelledby={id}>
      <h3 id={id}>{question.question}</h3>
      <p className="ft-TaskPanel-hint">{aboutOf(question, trans)}</p>
      {fields.map(field => (
        <Field
          key={field.name}
          field={field}
          text={texts[field.name] ?? field.initial}
          problem={problem(field)}
          onChange={text => setTexts({ ...texts, [field.name]: text })}
          onTouch={() => undefined}
        />
      ))}
      <div className="ft-Params-field">
        <label htmlFor={`${id}-comment`}>{trans.__('Comment')}</label>
        <input
          id={`${id}-comment`}
          type="text"
          className="jp-mod-styled"
          maxLength={2000}
          value={comment}
          onChange={event => setComment(event.target.value)}
        />
      </div>
      {trouble && (
        <p className="ft-TaskPanel-trouble" role="alert">
          {trouble}
        </p>
      )}
      <Answers isSending={isSending} trans={trans} onAnswer={send} />
    </section>
  );
}

function Answers(props: {
  isSending: boolean;
  trans: TranslationBundle;
  onAnswer: (answer: 'approve' | 'reject') => void;
}): JSX.Element {
  const { isSending, trans, onAnswer } = props;
  return (
    <div className="ft-Params-buttons">
      <button
        type="button"
        className="jp-mod-styled jp-mod-accept"
        disabled={isSending}
        onClick={() => onAnswer('approve')}
      >
        {trans.__('Approve')}
      </button>
      <button
        type="button"
        className="jp-mod-styled jp-mod-warn"
        disabled={isSending}
        onClick={() => onAnswer('reject')}
      >
        {trans.__('Reject')}
      </button>
    </div>
  );
}

function aboutOf(question: QuestionView, trans: TranslationBundle): string {
  if (question.until === null) {
    return trans.__('%1 waits for an answer', question.path);
  }
  const when = exact(question.until, trans);
  return question.on_timeout === 'approve'
    ? trans.__('%1 waits for an answer, and is approved without one at %2', question.path, when)
    : trans.__('%1 waits for an answer, and is rejected without one at %2', question.path, when);
}
