/** A job's parameters, its YAML, and how that differs from the file as it is now. */
import { Clipboard } from '@jupyterlab/apputils';
import * as React from 'react';

import { toContentsPath, word } from '../api';
import type { FileText } from '../generated';
import { Differences, YamlText } from './job_view_diff';
import type { TabProps } from './job_view_tabs';
import { Fact } from './resources';
import type { PanelContext } from './task_panel';
import { troubleOf } from '../words';

/** What the job was given, and where it came from. */
export function Parameters({ job, context }: TabProps): JSX.Element {
  const { trans } = context;
  const facts: [string, unknown][] = [
    ...Object.entries(job.params),
    [trans.__('Backend'), job.backend],
    [trans.__('File'), job.source],
    [trans.__('Folder'), job.folder_path]
  ];
  return (
    <>
      {Object.keys(job.params).length === 0 && (
        <p className="ft-TaskPanel-hint">{trans.__('This pipeline has no parameters.')}</p>
      )}
      <table className="ft-TaskPanel-facts" aria-label={trans.__('Parameters')}>
        <tbody>
          {facts.map(([name, value]) => (
            <Fact key={name} name={name} value={typeof value === 'string' ? value : JSON.stringify(value)} />
          ))}
        </tbody>
      </table>
    </>
  );
}

/** The pipeline as the job ran it. */
export function Yaml({ job, context }: TabProps): JSX.Element {
  const { trans } = context;
  const text = useText(() => jobText(context, job.id), [job.id]);
  if (typeof text !== 'string') {
    return <p className="ft-TaskPanel-hint">{text?.trouble ?? trans.__('Loading …')}</p>;
  }
  return (
    <>
      <button type="button" className="ft-Button" onClick={() => Clipboard.copyToSystem(text)}>
        {trans.__('Copy this job’s pipeline')}
      </button>
      <YamlText text={text} label={trans.__('YAML of this job')} languages={context.languages} />
    </>
  );
}

/** What has changed in the file since. */
export function DifferencesToFile({ job, context }: TabProps): JSX.Element {
  const { trans, jobs } = context;
  const path = toContentsPath(job.source, jobs.info?.root);
  const then = useText(() => jobText(context, job.id), [job.id]);
  const now = useText(() => (path === null ? Promise.resolve('') : fileText(context, path)), [path]);
  if (path === null) {
    return <p className="ft-TaskPanel-hint">{trans.__('This job came from no file of this workspace.')}</p>;
  }
  if (typeof then !== 'string' || typeof now !== 'string') {
    const told = [then, now].find(each => typeof each === 'object' && each !== null) as
      { trouble: string } | undefined;
    return <p className="ft-TaskPanel-hint">{told?.trouble ?? trans.__('Loading …')}</p>;
  }
  if (then === now) {
    return <p className="ft-TaskPanel-hint">{trans.__('The file is as this job ran it.')}</p>;
  }
  return (
    <Differences
      left={then}
      right={now}
      leftLabel={trans.__('This job')}
      rightLabel={trans.__('The file now')}
      languages={context.languages}
    />
  );
}

/** A text that is read once for `of`; null until it is there. */
function useText(read: () => Promise<string>, of: unknown[]): string | { trouble: string } | null {
  const [text, setText] = React.useState<string | { trouble: string } | null>(null);
  React.useEffect(() => {
    let isWanted = true;
    const tell = (told: string | { trouble: string }): void => {
      if (isWanted) {
        setText(told);
      }
    };
    setText(null);
    read().then(tell, error => tell({ trouble: troubleOf(error).message }));
    return () => {
      isWanted = false;
    };
  }, of);
  return text;
}

async function jobText(context: PanelContext, job: string): Promise<string> {
  return (await context.api.raw(`jobs/${word(job)}/text`)).text();
}

async function fileText(context: PanelContext, path: string): Promise<string> {
  const way = path.split('/').map(encodeURIComponent).join('/');
  return (await context.api.get<FileText>(`files/${way}`)).text;
}
