/** What differs between two pipelines: tasks, parameters, files, each with the lines that changed. */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { PipelineDiff } from '../generated';
import { linesOf, SIGNS, unifiedLines, valueText, type DiffLine, type How } from './diff_model';

/** `1 task added, 2 changed, 1 file`: what differs, counted. */
export function summaryOf({ same, tasks, files }: PipelineDiff, trans: TranslationBundle): string {
  if (same) {
    return trans.__('Nothing differs.');
  }
  const count = (how: How): number => tasks.filter(each => each.how === how).length;
  const parts: [number, string][] = [
    [count('added'), trans._n('%1 task added', '%1 tasks added', count('added'))],
    [count('removed'), trans._n('%1 task removed', '%1 tasks removed', count('removed'))],
    [count('changed'), trans._n('%1 task changed', '%1 tasks changed', count('changed'))],
    [count('renamed'), trans._n('%1 task renamed', '%1 tasks renamed', count('renamed'))],
    [files.length, trans._n('%1 file differs', '%1 files differ', files.length)]
  ];
  return parts
    .filter(([number]) => number > 0)
    .map(([, words]) => words)
    .join(', ');
}

/** See the head of this file; with `onTask` the names of tasks are buttons. */
export function DiffSections(props: {
  diff: PipelineDiff;
  trans: TranslationBundle;
  onTask?: (name: string) => void;
}): JSX.Element {
  const { diff, trans, onTask } = props;
  const edits = [
    ...diff.pipeline,
    ...diff.values.map(({ name, one, other }) => ({
      what: trans.__('value of %1', name),
      one: valueText(one),
      other: valueText(other)
    }))
  ];
  return (
    <>
      {edits.length > 0 && (
        <Section title={trans.__('Pipeline and parameters')}>
          {edits.map(edit => (
            <Edited key={edit.what} {...edit} />
          ))}
        </Section>
      )}
      {diff.tasks.length > 0 && (
        <Section title={trans.__('Tasks')}>
          {diff.tasks.map(task => (
            <details key={`${task.how} ${task.name}`} className="ft-Diff-one" data-how={task.how} open>
              <summary>
                <Sign how={task.how} trans={trans} />{' '}
                {onTask ? (
                  <button
                    type="button"
                    className="ft-Link"
                    onClick={event => (event.preventDefault(), onTask(task.name))}
                  >
                    {task.name}
                  </button>
                ) : (
                  <strong>{task.name}</strong>
                )}{' '}
                {task.was && trans.__('was %1', task.was)} {task.words?.join(', ')}
              </summary>
              {task.edits?.map(edit => (
                <Edited key={edit.what} {...edit} />
              ))}
            </details>
          ))}
        </Section>
      )}
      {diff.files.length > 0 && (
        <Section title={trans.__('Files')}>
          {diff.files.map(({ path, how, lines }) => (
            <details key={path} className="ft-Diff-one" data-how={how}>
              <summary>
                <Sign how={how} trans={trans} /> <strong>{path}</strong>
              </summary>
              <Lines name={path} lines={unifiedLines(lines ?? [])} />
            </details>
          ))}
        </Section>
      )}
      {diff.code_unknown && (
        <p className="ft-TaskPanel-hint">{trans.__('Files were not compared: %1', diff.code_unknown)}</p>
      )}
    </>
  );
}

function Section({ title, children }: { title: string; children: React.ReactNode }): JSX.Element {
  return (
    <section aria-label={title}>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Sign({ how, trans }: { how: How; trans: TranslationBundle }): JSX.Element {
  const words: Record<How, string> = {
    added: trans.__('added'),
    removed: trans.__('removed'),
    changed: trans.__('changed'),
    renamed: trans.__('renamed')
  };
  return (
    <span className="ft-Diff-sign" data-how={how} role="img" aria-label={words[how]} title={words[how]}>
      {SIGNS[how]}
    </span>
  );
}

function Edited(props: { what: string; one?: string | null; other?: string | null }): JSX.Element {
  return (
    <div className="ft-Diff-edit">
      <span>{props.what}</span>
      <Lines name={props.what} lines={linesOf(props.one ?? null, props.other ?? null)} />
    </div>
  );
}

function Lines({ name, lines }: { name: string; lines: readonly DiffLine[] }): JSX.Element {
  return (
    <pre className="ft-Diff-lines" tabIndex={0} role="group" aria-label={name}>
      {lines.map(({ sign, text }, at) => (
        <span key={at} data-sign={sign}>
          {`${sign === '@' ? '' : sign} ${text}\n`}
        </span>
      ))}
    </pre>
  );
}
