/** What a task instance has written, also while it runs: declared values, files, and a preview of the chosen one. */
import { PathExt } from '@jupyterlab/coreutils';
import * as React from 'react';

import type { FileView } from '../generated';
import { pointsOf } from './chart';
import { Curve } from './curve';
import { IMAGE_BYTES, imageType, imageUrl, PREVIEW_BYTES, previewOf, type Preview } from './outputs_preview';
import { FileList } from './outputs_files';
import { Rendered } from './rendered';
import { TaskPanel, taskRoute } from './task_panel';
import { bytes } from '../words';

type Shown = { file: FileView; preview: Preview | null; url: string };

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
    const again = this.files.find(file => file.path === (this.wanted ?? this.first()?.path));
    if (
      again &&
      (!this.shown ||
        again.path !== this.shown.file.path ||
        again.modified_at !== this.shown.file.modified_at ||
        again.size !== this.shown.file.size)
    ) {
      await this.choose(again, signal);
    }
  }

  protected present(): JSX.Element {
    const { trans } = this.context;
    const files = this.files.filter(isShown);
    return (
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
              url={file => this.url(file)}
              onChoose={file => {
                this.wanted = file.path;
                void this.attempt(signal => this.choose(file, signal));
              }}
            />
          )}
        </div>
        {this.shown && this.presentFile(this.shown, files)}
      </div>
    );
  }

  private presentFile({ file, preview, url }: Shown, files: readonly FileView[]): JSX.Element {
    const { trans, rendermime } = this.context;
    const isGone = !files.some(each => each.path === file.path);
    const title = (
      <>
        <h3 className="ft-Outputs-title">{file.path}</h3>
        {isGone && (
          <p className="ft-TaskPanel-hint" role="status">
            {trans.__('This file has been deleted meanwhile; this is what it held.')}
          </p>
        )}
      </>
    );
    if (preview === null || preview.kind === 'none') {
      return (
        <section className="ft-Outputs-preview">
          {title}
          <p className="ft-TaskPanel-hint">
            {preview === null
              ? trans.__('Too large for a preview: download it to see it.')
              : trans.__('There is no preview of this kind of file.')}
          </p>
        </section>
      );
    }
    return (
      <section className="ft-Outputs-preview" aria-label={trans.__('Preview of %1', file.path)}>
        {title}
        {preview.kind === 'image' && <img className="ft-Outputs-image" src={url} alt={file.path} />}
        {preview.kind === 'html' && (
          <iframe
            className="ft-Outputs-html"
            sandbox="allow-scripts"
            srcDoc={preview.text}
            title={file.path}
          />
        )}
        {preview.kind === 'mime' && (
          <Rendered rendermime={rendermime} type={preview.type} data={preview.data} />
        )}
        {preview.kind === 'table' && this.presentTable(preview)}
        {file.size > PREVIEW_BYTES && preview.kind !== 'image' && (
          <p className="ft-TaskPanel-hint">
            {trans.__('Only the first %1 are shown.', bytes(PREVIEW_BYTES))}
          </p>
        )}
      </section>
    );
  }

  private presentTable({
    rows: [head, ...rows],
    left,
    curves
  }: Extract<Preview, { kind: 'table' }>): JSX.Element {
    const { trans } = this.context;
    return (
      <>
        {curves && (
          <div className="ft-Curves">
            {curves.y.map(name => (
              <Curve
                key={name}
                title={name}
                points={pointsOf(curves.rows, curves.x, name)}
                x={curves.x}
                trans={trans}
              />
            ))}
          </div>
        )}
        <div className="ft-Outputs-table" tabIndex={0} role="group" aria-label={trans.__('Table')}>
          <table>
            <thead>
              <tr>
                {head.map((name, index) => (
                  <th key={index} scope="col">
                    {name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row, index) => (
                <tr key={index}>
                  {row.map((cell, at) => (
                    <td key={at}>{cell}</td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
        {left > 0 && <p className="ft-TaskPanel-hint">{trans._n('%1 more row', '%1 more rows', left)}</p>}
      </>
    );
  }

  /** Read the beginning of a file, and what it is to be shown as; the last one that was asked for is shown. */
  private async choose(file: FileView, signal: AbortSignal): Promise<void> {
    const turn = ++this.turn;
    const shown = await this.read(file, signal);
    if (turn === this.turn && !this.isDisposed) {
      this.forget();
      this.shown = shown;
    } else {
      URL.revokeObjectURL(shown.url);
    }
  }

  private async read(file: FileView, signal: AbortSignal): Promise<Shown> {
    const { api } = this.context;
    const type = imageType(file.path);
    if (type && file.size > IMAGE_BYTES) {
      return { file, url: '', preview: null };
    }
    if (type) {
      const blob = await (await api.raw(this.route(file), {}, signal)).blob();
      return { file, url: await imageUrl(blob, type), preview: { kind: 'image', type } };
    }
    const headers: Record<string, string> = file.size === 0 ? {} : { Range: `bytes=0-${PREVIEW_BYTES - 1}` };
    const text = await (await api.raw(this.route(file), {}, signal, headers)).text();
    return { file, url: '', preview: previewOf(file.path, text, file.size > PREVIEW_BYTES) };
  }

  private forget(): void {
    if (this.shown?.url) {
      URL.revokeObjectURL(this.shown.url);
    }
    this.shown = null;
  }

  /** What to show before anything was chosen: what people look for first. */
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

  private url(file: FileView): string {
    return this.context.api.url(this.route(file));
  }

  private files: readonly FileView[] = [];
  private shown: Shown | null = null;
  private wanted: string | undefined;
  private turn = 0;
}

/** Values are shown as such; that they came in files is of no interest. */
function isShown(file: FileView): boolean {
  return !file.is_dir && !file.path.startsWith('.values/');
}

function Values(props: { values: Readonly<Record<string, unknown>>; label: string }): JSX.Element {
  const entries = Object.entries(props.values);
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
