/** What a task instance has written, also while it runs: declared values, files, and a preview of the chosen one. */
import * as React from 'react';

import type { FileView } from '../generated';
import { lineChart, themeOf, VEGA_LITE } from './chart';
import { IMAGE_BYTES, imageType, imageUrl, PREVIEW_BYTES, previewOf, type Preview } from './outputs_preview';
import { Rendered } from './rendered';
import { TaskPanel, taskRoute } from './task_panel';
import { bytes } from './words';

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
    const files = this.files.filter(file => !file.is_dir && !file.path.startsWith('.values/'));
    return (
      <>
        <Values values={this.instance?.outputs ?? {}} label={trans.__('Declared outputs')} />
        {files.length === 0 && (
          <p className="ft-TaskPanel-hint">
            {this.isRunning
              ? trans.__('Nothing yet. What the task writes to /pipeline/outputs appears here.')
              : trans.__('The task left no files in /pipeline/outputs.')}
          </p>
        )}
        <ul className="ft-Outputs-files" aria-label={trans.__('Files')}>
          {files.map(file => (
            <li key={file.path}>
              <button
                type="button"
                className="ft-Outputs-file"
                aria-pressed={file.path === this.shown?.file.path}
                onClick={() => {
                  this.wanted = file.path;
                  void this.attempt(signal => this.choose(file, signal));
                }}
              >
                <span className="ft-Outputs-name">{file.path}</span>
                <span>{bytes(file.size)}</span>
              </button>
              <a
                href={this.url(file)}
                download={baseName(file.path)}
                aria-label={trans.__('Download %1', file.path)}
              >
                ⤓
              </a>
            </li>
          ))}
        </ul>
        {this.shown && this.presentFile(this.shown)}
      </>
    );
  }

  private presentFile({ file, preview, url }: Shown): JSX.Element {
    const { trans, rendermime } = this.context;
    const title = <h3 className="ft-Outputs-title">{file.path}</h3>;
    if (preview === null || preview.kind === 'none') {
      return (
        <section>
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
      <section aria-label={trans.__('Preview of %1', file.path)}>
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
    const { trans, rendermime } = this.context;
    return (
      <>
        {curves && (
          <Rendered
            rendermime={rendermime}
            type={VEGA_LITE}
            data={lineChart(curves, themeOf(this.node))}
            label={trans.__('Curves')}
          />
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
    const known = this.files.filter(
      file => !file.is_dir && !file.path.startsWith('.values/') && rank(file) >= 0
    );
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
    return `${artifact.type} · ${baseName(artifact.path)}`;
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
