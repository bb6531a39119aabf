/**
 * What a task instance has written, also while it runs: its metrics as curves, declared values, cards of models and
 * datasets, files, and a preview of the chosen one; after its end confusion matrices and ROC curves as well.
 */
import { PathExt } from '@jupyterlab/coreutils';
import * as React from 'react';

import type { FiguresView, FileView } from '../generated';
import { cardsIn } from '../viewers/card_model';
import { Figures } from '../viewers/figures';
import { Metrics } from '../viewers/metrics';
import { Cards } from './outputs_cards';
import { FileList } from './outputs_files';
import { FilePreview, readFile, type Shown } from './outputs_shown';
import { figuresOf, hasFigures, TaskMetrics } from './task_metrics';
import { TaskPanel, taskRoute } from './task_panel';

/** The dock's tab "Outputs". */
export class OutputsPanel extends TaskPanel {
  dispose(): void {
    this.forget();
    super.dispose();
  }

  protected async ask(signal: AbortSignal): Promise<void> {
    this.files = await this.context.api.get<FileView[]>(
      `${taskRoute(this.job, this.path)}/outputs`,
      {},
      signal
    );
    await Promise.all([this.metrics.ask(signal), this.askFigures(signal), this.choseAgain(signal)]);
  }

  protected present(): JSX.Element {
    const { trans } = this.context;
    const files = this.files.filter(isShown);
    return (
      <>
        {this.presentMetrics()}
        {this.figures && <Figures found={this.figures} trans={trans} />}
        {this.instance && (
          <Cards job={this.job} instance={this.instance} files={this.files} context={this.context} />
        )}
        <div className="ft-Outputs">
          <div className="ft-Outputs-all">
            <Values values={this.instance?.outputs ?? {}} label={trans.__('Declared outputs')} />
            {files.length === 0 && (
              <p className="ft-TaskPanel-hint">
                {this.isRunning
                  ? trans.__('Nothing yet. What the task writes to /pipeline/outputs appears here.')
                  : trans.__('The task left no files in /pipeline/outputs.')}
              </p>
            )}
            {files.length > 0 && (
              <FileList
                files={files}
                chosen={this.shown?.file.path}
                trans={trans}
                url={file => this.context.api.url(this.route(file))}
                onChoose={file => {
                  this.wanted = file.path;
                  void this.attempt(signal => this.choose(file, signal));
                }}
              />
            )}
          </div>
          {this.shown && this.presentFile(this.shown, files)}
        </div>
      </>
    );
  }

  private presentMetrics(): JSX.Element | null {
    const { trans } = this.context;
    const sources = this.metrics.sources(trans);
    const attempts = this.instance?.attempts ?? 0;
    if (sources.length === 0 && this.metrics.also.size === 0) {
      return null;
    }
    return (
      <details open className="ft-Outputs-metrics">
        <summary>{trans.__('Metrics')}</summary>
        {attempts > 1 && (
          <div className="ft-Metrics-bar" role="group" aria-label={trans.__('Attempts')}>
            {Array.from({ length: attempts - 1 }, (_, at) => at + 1).map(number => (
              <button
                key={number}
                type="button"
                className="ft-Cluster-chip"
                aria-pressed={this.metrics.also.has(number)}
                onClick={() => this.turn(number)}
              >
                {trans.__('Attempt %1', number)}
              </button>
            ))}
          </div>
        )}
        <Metrics sources={sources} trans={trans} />
      </details>
    );
  }

  private presentFile(shown: Shown, files: readonly FileView[]): JSX.Element {
    const { trans, rendermime } = this.context;
    const { path } = shown.file;
    return (
      <section className="ft-Outputs-preview" aria-label={trans.__('Preview of %1', path)}>
        <h3 className="ft-Outputs-title">{path}</h3>
        {!files.some(each => each.path === path) && (
          <p className="ft-TaskPanel-hint" role="status">
            {trans.__('This file has been deleted meanwhile; this is what it held.')}
          </p>
        )}
        <FilePreview shown={shown} rendermime={rendermime} trans={trans} />
      </section>
    );
  }

  /** Show an earlier attempt's curves beside those of the current one, or no more. */
  private turn(attempt: number): void {
    if (!this.metrics.also.delete(attempt)) {
      this.metrics.also.add(attempt);
    }
    void this.attempt(signal => this.metrics.ask(signal));
  }

  /** Figures are those of declared artifacts: there are none before the end. */
  private async askFigures(signal: AbortSignal): Promise<void> {
    const { instance } = this;
    const about = `${instance?.attempts} ${instance?.ended_at}`;
    if (instance && instance.ended_at !== null && hasFigures(instance.outputs) && about !== this.figuresOf) {
      this.figures = await figuresOf(this.context.api, this.job, this.path, signal);
      this.figuresOf = about;
    }
  }

  /** Read what is shown again where it has changed; at first, what people look for first. */
  private async choseAgain(signal: AbortSignal): Promise<void> {
    const again = this.files.find(file => file.path === (this.wanted ?? this.first()?.path));
    const now = this.shown?.file;
    const isSame =
      again?.path === now?.path && again?.modified_at === now?.modified_at && again?.size === now?.size;
    if (again && !isSame) {
      await this.choose(again, signal);
    }
  }

  /** Read the beginning of a file, and what it is to be shown as; the last one that was asked for is shown. */
  private async choose(file: FileView, signal: AbortSignal): Promise<void> {
    const turn = ++this.askedFor;
    const shown = await readFile(this.context.api, this.route(file), file, this.shown, signal);
    if (turn === this.askedFor && !this.isDisposed) {
      this.forget();
      this.shown = shown;
    } else {
      URL.revokeObjectURL(shown.url);
    }
  }

  private forget(): void {
    if (this.shown?.url) {
      URL.revokeObjectURL(this.shown.url);
    }
    this.shown = null;
  }

  private first(): FileView | undefined {
    const rank = (file: FileView): number =>
      [
        /metrics.*\.(csv|jsonl|tsv)$/i,
        /\.html?$/i,
        /\.(png|svg|jpe?g)$/i,
        /\.md$/i,
        /\.(csv|json|txt)$/i
      ].findIndex(kind => kind.test(file.path));
    const known = this.files.filter(file => isShown(file) && rank(file) >= 0);
    return known.sort((a, b) => rank(a) - rank(b))[0];
  }

  private route(file: FileView): string {
    return `${taskRoute(this.job, this.path)}/outputs/${encodeURIComponent(file.path)}`;
  }

  private readonly metrics = new TaskMetrics(this.context.api, this.job, this.path);
  private files: readonly FileView[] = [];
  private figures: FiguresView | null = null;
  private figuresOf = '';
  private shown: Shown | null = null;
  private wanted: string | undefined;
  private askedFor = 0;
}

/** Values are shown as such; that they came in files is of no interest. */
function isShown(file: FileView): boolean {
  return !file.is_dir && !file.path.startsWith('.values/');
}

function Values(props: { values: Readonly<Record<string, unknown>>; label: string }): JSX.Element {
  const carded = new Set(cardsIn(props.values).map(({ name }) => name));
  const entries = Object.entries(props.values).filter(([name]) => !carded.has(name));
  if (entries.length === 0) {
    return <></>;
  }
  return (
    <table className="ft-TaskPanel-facts" aria-label={props.label}>
      <tbody>
        {entries.map(([name, value]) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{valueWords(value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A declared output in words: a value as it is, an artifact as its type and file. */
function valueWords(value: unknown): string {
  const artifact = value as { type?: unknown; path?: unknown } | null;
  if (
    typeof artifact === 'object' &&
    typeof artifact?.type === 'string' &&
    typeof artifact.path === 'string'
  ) {
    return `${artifact.type} · ${PathExt.basename(artifact.path)}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
